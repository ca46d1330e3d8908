"""The paging cookie: where the next page of a fetch begins (dataverse-web-api.md section 6).

Outside, an element whose attribute holds the inner one, percent-encoded twice. Inside, one element per column that the
rows are sorted by and the primary key, with the value of the page's last row. Those values are percent-encoded once more:
one client puts the inner cookie into its next request without escaping an ampersand.

A cookie that does not fit, or none, is no mistake: then the rows of the pages before are counted off.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

from gatepass.domain.errors import GatepassError
from gatepass.model.columns import Column
from gatepass.model.query import At, Query, Value
from gatepass.web.dataverse.fetchxml.xml import Element, parse
from gatepass.web.dataverse.joining import MAX_ORDERS
from gatepass.web.dataverse.literals import value_of

MORE = "Microsoft.Dynamics.CRM.morerecords"
MAX_POSITIONS = MAX_ORDERS + 1
"""Columns of a cookie: what a query sorts by, and the primary key. Joins can add more; then rows are counted."""
COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"


def cookie(query: Query, page: int, after: Sequence[Value]) -> str:
    """What leads from page `page` to the next one."""
    columns = _sorted_by(query)
    if columns is None or len(columns) != len(after):
        inside = f'<rows last="{page}" />'
    else:
        inside = "".join(_position(column, value) for column, value in zip(columns, after, strict=True))
    inner = f'<cookie page="{page}">{inside}</cookie>'
    encoded = quote(quote(inner, safe=""), safe="")
    return f'<cookie pagenumber="{page + 1}" pagingcookie="{encoded}" istracking="False" />'


def after_of(query: Query, text: str | None, page: int) -> Sequence[Value]:
    """Query.after of a cookie that led to this page; empty when there is none, or it belongs elsewhere."""
    columns = _sorted_by(query)
    if not text or columns is None:
        return ()
    try:
        found = parse(text)
        if found.get("page") != str(page - 1) or len(found.children) != len(columns):
            return ()
        return tuple(_read(column, one) for column, one in zip(columns, found.children, strict=True))
    except (GatepassError, _Other):
        return ()


class _Other(Exception):
    """The cookie of another query."""


def _position(column: Column, value: Value) -> str:
    if value is None:
        return f'<{column.logical} lastnull="1" />'
    return f"<{column.logical} last={quoteattr(quote(_text(value), safe=' '))} />"


def _text(value: Value) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(column: Column, element: Element) -> Value:
    if element.tag != column.logical:
        raise _Other
    if element.get("lastnull") == "1":
        return None
    if (last := element.get("last")) is None:
        raise _Other
    return value_of(column, unquote(last))


def _sorted_by(query: Query) -> Sequence[Column] | None:
    """The columns that tell where a page ends; None when a position among them is no position among the rows."""
    outer = {join.alias for join in query.joins if join.outer}
    sorted_by = list(_positions(query))
    if len(sorted_by) > MAX_POSITIONS or query.group or query.distinct:
        return None
    if any(one is None or one.alias in outer for one in sorted_by):
        return None
    return [one.column for one in sorted_by if one]


def _positions(query: Query) -> Iterator[At | None]:
    for one in query.order:
        named = next((field.operand for field in query.fields if field.name == one.by), one.by)
        yield named if isinstance(named, At) else None
    yield At(query.table.primary_key)
