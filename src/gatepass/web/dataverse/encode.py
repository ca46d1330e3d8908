"""Rows as the Web API writes them: JSON with context, etag, annotations and, where there is more, the link to it.

Money and decimals are JSON numbers with their scale (61.7000), written from Decimals: never a float.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from gatepass.model.columns import Column, Kind
from gatepass.model.query import COUNT_LIMIT, At, Expand, Page, Query, Record, Value
from gatepass.store import ReadTx
from gatepass.web.dataverse import annotations, errors, formatted
from gatepass.web.dataverse.annotations import Annotations
from gatepass.web.dataverse.formatted import Cell, Names

CONTENT_TYPE = errors.JSON
MONEY_SCALE = 4
"""Decimals of an amount on the wire, whatever the currency has."""

Json = dict[str, object]
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Shape:
    """How an answer is written: for whom (`root`), with which annotations, and how to page on inside an expansion."""

    root: str
    annotations: Annotations = annotations.NONE
    expand_options: Mapping[str, str] = field(default_factory=dict[str, str])
    """The options of each expansion as they were written, by navigation property."""


def body(document: Json) -> bytes:
    """JSON bytes."""
    return _encoder.encode(document)


def raw(value: object) -> bytes:
    """A value alone."""
    return _encoder.encode(value)


def one(tx: ReadTx, shape: Shape, query: Query, record: Record) -> Json:
    """A single row, with its context."""
    names = _names(tx, shape, query, [record])
    context = f"{shape.root}$metadata#{selection(query)}/$entity"
    return {"@odata.context": context} | _row(shape, query, record, names)


def many(tx: ReadTx, shape: Shape, query: Query, page: Page, next_link: str | None) -> Json:
    """A page of rows."""
    names = _names(tx, shape, query, page.records)
    document: Json = {"@odata.context": f"{shape.root}$metadata#{selection(query)}"}
    if page.count is not None:
        document["@odata.count"] = page.count
    document |= _totals(shape, page)
    document["value"] = [_row(shape, query, record, names) for record in page.records]
    if next_link:
        document["@odata.nextLink"] = next_link
    return document


def selection(query: Query) -> str:
    """What the context says of the rows: `contacts(fullname,parentcustomerid_account(name))`."""
    inside = _inside(query)
    return f"{query.table.set_name}({inside})" if inside else query.table.set_name


def etag(version: int) -> str:
    """W/"17" """
    return f'W/"{version}"'


def members(query: Query) -> Sequence[Column]:
    """The columns that a row of this query shows: what was selected, the money's currency, the primary key."""
    if not query.columns:
        return query.table.shown
    found = list(query.columns)
    currency = query.table.currency
    if currency and currency not in found and any(column.kind is Kind.MONEY for column in found):
        found.append(currency)
    return found if query.table.primary_key in found else [*found, query.table.primary_key]


def value_of(column: Column | None, value: Value) -> object:
    """A value as JSON has it; a column tells how many decimals."""
    scale = _scale(column)
    if isinstance(value, Decimal) or (scale is not None and isinstance(value, int)):
        return number(Decimal(value), scale)
    if isinstance(value, UUID):
        return str(value)
    return moment(value) if isinstance(value, datetime) else value


def number(value: Decimal, scale: int | None) -> msgspec.Raw:
    """A JSON number with exactly so many decimals, or with its own."""
    return msgspec.Raw((f"{value:f}" if scale is None else f"{value:.{scale}f}").encode())


def moment(value: datetime) -> str:
    """2027-06-10T09:00:00Z: with fractions some clients leave a text where a date is expected."""
    utc = value.astimezone(UTC) if value.tzinfo else value
    return f"{utc.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _scale(column: Column | None) -> int | None:
    if column is None:
        return None
    return MONEY_SCALE if column.kind is Kind.MONEY else column.scale if column.kind is Kind.DECIMAL else None


def _inside(query: Query) -> str:
    columns = [column.wire for column in query.columns]
    return ",".join([*columns, *(f"{one.navigation.name}({_inside(one.query)})" for one in query.expand)])


def _totals(shape: Shape, page: Page) -> Json:
    """-1: was not counted."""
    found: Json = {
        f"@{annotations.TOTAL}": -1 if page.count is None else page.count,
        f"@{annotations.TOTAL_EXCEEDED}": page.count is not None and page.count >= COUNT_LIMIT,
    }
    return {name: value for name, value in found.items() if name[1:] in shape.annotations}


def _row(shape: Shape, query: Query, record: Record, names: Names) -> Json:
    if query.fields:
        return _fields(shape, query, record, names)
    return {"@odata.etag": etag(record.version)} | _members_of(shape, query, record, names)


def _members_of(shape: Shape, query: Query, record: Record, names: Names) -> Json:
    row: Json = {}
    for column in members(query):
        _put(row, shape, column.wire, column, record.values.get(column.logical or ""), record.currency, names)
    for expand in query.expand:
        _put_related(row, shape, query, expand, record, names)
    return row


def _fields(shape: Shape, query: Query, record: Record, names: Names) -> Json:
    """A row of what was computed: members as they were named, no etag."""
    row: Json = {}
    for one_field in query.fields:
        column = one_field.operand.column if isinstance(one_field.operand, At) else None
        plain = column if one_field.aggregation is None else None
        value = record.values.get(one_field.name)
        if plain is not None:
            currency = record.currencies.get(one_field.name, record.currency)
            _put(row, shape, one_field.name, plain, value, currency, names)
        else:
            row[one_field.name] = value_of(column if isinstance(value, Decimal) else None, value)
    return row


def _put(
    row: Json, shape: Shape, name: str, column: Column, value: Value, currency: str | None, names: Names
) -> None:  # fmt: skip
    if shape.annotations and value is not None:
        _annotate(row, shape.annotations, name, column, formatted.text_of(column, value, currency, names))
    row[name] = value_of(column, value)


def _annotate(row: Json, asked: Annotations, name: str, column: Column, text: str | None) -> None:
    if text is not None and annotations.FORMATTED in asked:
        row[f"{name}@{annotations.FORMATTED}"] = text
    if column.kind is Kind.LOOKUP:
        if column.navigation and annotations.NAVIGATION in asked:
            row[f"{name}@{annotations.NAVIGATION}"] = column.navigation
        if annotations.LOOKUP_TABLE in asked:
            row[f"{name}@{annotations.LOOKUP_TABLE}"] = column.targets[0]


def _put_related(row: Json, shape: Shape, query: Query, expand: Expand, record: Record, names: Names) -> None:
    name = expand.navigation.name
    found = record.related.get(name)
    if not isinstance(found, Page):
        row[name] = _members_of(shape, expand.query, found, names) if found else None
        return
    row[name] = [_row(shape, expand.query, one, names) for one in found.records]
    if found.after:
        options = shape.expand_options.get(name, "")
        at = f"{shape.root}{query.table.set_name}({record.values[query.table.id_name]})/{name}"
        row[f"{name}@odata.nextLink"] = f"{at}?{options}" if options else at


def _names(tx: ReadTx, shape: Shape, query: Query, records: Sequence[Record]) -> Names:
    if annotations.FORMATTED not in shape.annotations:
        return Names()
    return formatted.names_for(tx, (cell for record in records for cell in _cells(query, record)))


def _cells(query: Query, record: Record) -> Iterator[Cell]:
    for column in () if query.fields else members(query):
        yield column, record.values.get(column.logical or ""), record.currency
    for one_field in query.fields:
        if isinstance(one_field.operand, At) and one_field.aggregation is None:
            currency = record.currencies.get(one_field.name, record.currency)
            yield one_field.operand.column, record.values.get(one_field.name), currency
    for expand in query.expand:
        found = record.related.get(expand.navigation.name)
        for related in found.records if isinstance(found, Page) else [found] if found else []:
            yield from _cells(expand.query, related)
