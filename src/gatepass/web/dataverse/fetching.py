"""GET set?fetchXml= and GET set?sql=: the other two languages that rows can be asked for in."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, unquote_plus

from gatepass.domain.errors import Refused
from gatepass.model.query import PAGE_LIMIT, At, Page, Query
from gatepass.model.table import Table
from gatepass.store import ReadTx, query
from gatepass.web.dataverse import annotations, encode, reading
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.fetchxml import paging
from gatepass.web.dataverse.fetchxml.fetch import Fetch, fetch_query
from gatepass.web.dataverse.fetchxml.scope import Asker
from gatepass.web.dataverse.preferences import PAGE_SIZE, preferences
from gatepass.web.dataverse.privacy import require_all
from gatepass.web.dataverse.sql.resolve import sql_query

FETCH_XML, SQL = "fetchXml", "sql"
ATTRIBUTE_NAME = "OData.Community.Display.V1.AttributeName"
_PAGE = re.compile(r'<cookie pagenumber="([1-9][0-9]{0,5})" />')
_EMPTY_OPTION = "The query parameter {} cannot be empty."


def fetched(table: Table, tx: ReadTx, call: Call) -> Reply:
    """GET set?fetchXml=: a page of rows, and the cookie that leads to the next one while there is one."""
    asked = preferences(call)
    found = fetch_query(table, _text(call, FETCH_XML), Asker(call.caller.user_id, datetime.now(UTC)))
    require_all(call.caller, found.query)
    page = query.select(tx, found.query)
    document = encode.many(tx, encode.Shape(call.root, asked.annotations), found.query, page, None)
    _tag(document, found.query, page)
    context = {"@odata.context": document["@odata.context"]}
    return reading.json_reply(context | _more(found, page) | document, asked.applied(annotations.PREFERENCE))


def selected(table: Table, tx: ReadTx, call: Call) -> Reply:
    """GET set?sql=: rows under the names of the select list, and the columns that stand behind those names."""
    asked = preferences(call)
    number = _page_number(call)
    wanted = _page(sql_query(table, _text(call, SQL), asked.page_size), number)
    require_all(call.caller, wanted)
    page = query.select(tx, wanted)
    link = _next_link(call, number + 1) if page.after else None
    document = encode.many(tx, encode.Shape(call.root, asked.annotations), wanted, page, link)
    _name(document, wanted)
    return reading.json_reply(document, asked.applied(PAGE_SIZE, annotations.PREFERENCE))


def _page(wanted: Query, number: int) -> Query:
    """A page of a statement: the rows before it are counted off, from its TOP as well."""
    skip = (number - 1) * (wanted.page_size or PAGE_LIMIT)
    return replace(wanted, skip=skip, top=None if wanted.top is None else max(0, wanted.top - skip))


def _text(call: Call, option: str) -> str:
    text = call.options.get(option, "")
    if not text.strip():
        raise Refused("QuerySyntax", _EMPTY_OPTION.format(option))
    return text


def _more(found: Fetch, page: Page) -> encode.Json:
    """One client reads pages while there is a cookie: the last page has none."""
    if not (found.paged and page.after):
        return {}
    cookie = paging.cookie(found.query, found.page, page.after)
    return {f"@{paging.MORE}": True, f"@{paging.COOKIE}": cookie}


def _rows(document: encode.Json) -> list[encode.Json]:
    rows: list[encode.Json] = document["value"]  # type: ignore[assignment]
    return rows


def _tag(document: encode.Json, asked: Query, page: Page) -> None:
    """Rows with columns of links are rows of the table as well, and have its etag."""
    if not asked.fields or asked.group or asked.distinct:
        return
    rows = _rows(document)
    for at, record in enumerate(page.records):
        if record.version:
            rows[at] = {"@odata.etag": encode.etag(record.version)} | rows[at]


def _name(document: encode.Json, asked: Query) -> None:
    behind = {
        one.name: one.operand.column.logical
        for one in asked.fields
        if isinstance(one.operand, At) and one.operand.column.logical != one.name
    }
    for row in _rows(document):
        row |= {f"{name}@{ATTRIBUTE_NAME}": logical for name, logical in behind.items()}


def _page_number(call: Call) -> int:
    token = call.options.get(reading.SKIP_TOKEN)
    if token is None:
        return 1
    if not (found := _PAGE.fullmatch(token)):
        raise Refused("QuerySyntax", "The $skiptoken is damaged. Begin again at the first page.")
    return int(found[1])


def _next_link(call: Call, number: int) -> str:
    parts = [part for part in call.query.split("&") if part]
    own = [part for part in parts if unquote_plus(part.partition("=")[0]) != reading.SKIP_TOKEN]
    token = quote(f'<cookie pagenumber="{number}" />')
    return f"{call.root}{call.path}?{'&'.join([*own, f'{reading.SKIP_TOKEN}={token}'])}".replace(" ", "%20")
