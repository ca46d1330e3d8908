"""Records for a GET: one, a page of many, or how many there are."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, unquote_plus
from uuid import UUID

from gatepass.domain.errors import NotFound
from gatepass.model.query import And, Condition, Page, Query, Record, Value
from gatepass.model.table import Table
from gatepass.store import ReadTx, query
from gatepass.web.dataverse import annotations, encode
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.conditions import conditions
from gatepass.web.dataverse.encode import Shape
from gatepass.web.dataverse.odata import expands, paging
from gatepass.web.dataverse.odata.resolve import query_of
from gatepass.web.dataverse.preferences import PAGE_SIZE, Preferences, preferences
from gatepass.web.dataverse.privacy import require_all

Key = UUID | Mapping[str, Value]
SKIP_TOKEN = "$skiptoken"  # noqa: S105


def listed(table: Table, tx: ReadTx, call: Call, *, within: Condition | None = None) -> Reply:
    """GET set: a page of rows; `within` narrows them to those that hang on another record."""
    asked = preferences(call)
    wanted = narrowed(query_of(table, call.options, page_size=asked.page_size, caller=call.caller.user_id), within)
    require_all(call.caller, wanted)
    page = query.select(tx, wanted)
    document = encode.many(tx, shape(call, asked), wanted, page, next_link(call, wanted, page))
    return json_reply(document, asked.applied(PAGE_SIZE, annotations.PREFERENCE))


def counted(table: Table, tx: ReadTx, call: Call, *, within: Condition | None = None) -> Reply:
    """GET set/$count: a bare number."""
    wanted = narrowed(query_of(table, call.options, caller=call.caller.user_id), within)
    require_all(call.caller, wanted)
    return Reply(200, {"Content-Type": "text/plain"}, str(query.count(tx, wanted)).encode())


def one(table: Table, key: Key, tx: ReadTx, call: Call) -> Reply:
    """GET set(key): 304 to a caller who has this version already, unless more than the record was asked for."""
    asked = preferences(call)
    wanted = query_of(table, call.options, single=True, caller=call.caller.user_id)
    require_all(call.caller, wanted)
    record = found(tx, table, key, wanted)
    if conditions(call).known == record.version and not wanted.expand and not asked.annotations:
        return Reply(304, {"ETag": encode.etag(record.version)})
    return shown(tx, call, wanted, record, asked.applied(annotations.PREFERENCE))


def shown(
    tx: ReadTx, call: Call, wanted: Query, record: Record, headers: Mapping[str, str], status: int = 200
) -> Reply:  # fmt: skip
    """One record as an answer."""
    document = encode.one(tx, shape(call, preferences(call)), wanted, record)
    return json_reply(document, {"ETag": encode.etag(record.version)} | dict(headers), status)


def found(tx: ReadTx, table: Table, key: Key, wanted: Query | None = None) -> Record:
    """The record of a key. Raises NotFound in Dataverse's words."""
    wanted = wanted or Query(table, (table.primary_key,))
    record = query.find(tx, table, key, wanted.columns, wanted.expand)
    if record is None:
        raise missing(table, key)
    return record


def id_of(tx: ReadTx, table: Table, key: Key) -> UUID:
    """The id of the record of a key, which must be there."""
    at = found(tx, table, key).values[table.id_name]
    assert isinstance(at, UUID)
    return at


def missing(table: Table, key: Key) -> NotFound:
    """No record has this key."""
    if isinstance(key, UUID):
        return NotFound("RecordMissing", f"{table.logical} With Id = {key} Does Not Exist")
    return NotFound("KeyMissing", f"A record with the specified key values does not exist in {table.logical} entity")


def shape(call: Call, asked: Preferences) -> Shape:
    """How this caller's answer is written."""
    found = expands.parse_expand(text) if (text := call.options.get("$expand", "")) else ()
    options = {one.name: "&".join(f"{name}={quote(said)}" for name, said in one.options.items()) for one in found}
    return Shape(call.root, asked.annotations, options)


def next_link(call: Call, wanted: Query, page: Page) -> str | None:
    """Where the next page is: the caller's own address and options, letter by letter, and a token."""
    if not page.after:
        return None
    parts = [part for part in call.query.split("&") if part]
    own = [part for part in parts if unquote_plus(part.partition("=")[0]) != SKIP_TOKEN]
    came_by = call.options.get(SKIP_TOKEN)
    token = paging.skiptoken(wanted, page.after, paging.number(came_by) + 1 if came_by else 2)
    return f"{call.root}{call.path}?{'&'.join([*own, f'{SKIP_TOKEN}={token}'])}".replace(" ", "%20")


def json_reply(document: encode.Json, headers: Mapping[str, str] | None = None, status: int = 200) -> Reply:
    """JSON as the Web API types it."""
    return Reply(status, {"Content-Type": encode.CONTENT_TYPE} | dict(headers or {}), encode.body(document))


def narrowed(wanted: Query, within: Condition | None) -> Query:
    """Only rows that hang on another record as well."""
    if within is None:
        return wanted
    return replace(wanted, where=And((within, wanted.where)) if wanted.where else within)
