"""Many rows by one short statement. What SQLAlchemy does for every row was a third of a registration's time in the store.

SQLite gets tuples. PostgreSQL gets one JSON text and takes it apart itself: a round trip, however many rows there are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect

Rows = Sequence[Mapping[str, Any]]
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Bulk:
    """A statement in the words of one database, and how rows become its parameters."""

    text: str
    bind: Callable[[Rows], Any]


@cache
def insertion(database: str, table: sa.Table, names: tuple[str, ...], unless: str | None) -> Bulk:
    """INSERT of these columns. A row whose value in the unique column `unless` is there already is left out."""
    shape = _Shape(database, table, names)
    into = f"insert into {shape.table} ({', '.join(shape.quoted)})"
    skipped = f" on conflict ({unless}) do nothing" if unless else ""
    if database == "sqlite":
        return Bulk(f"{into} values ({', '.join('?' * len(names))}){skipped}", shape.tuples)
    return Bulk(f"{into} select {', '.join(shape.taken())} from {shape.recordset()}{skipped}", shape.json)


@cache
def change(database: str, table: sa.Table, names: tuple[str, ...], plus: tuple[str, ...]) -> Bulk:
    """UPDATE of these columns by `id`, the last one of them; those in `plus` are added to what is there.

    A row's `version` counts its changes; an addition, as of seats, is none.
    """
    shape = _Shape(database, table, names)
    new = ["?" for _ in names] if database == "sqlite" else shape.taken()
    pairs = zip(names[:-1], shape.quoted, new, strict=False)
    set_ = [f"{at} = {shape.table}.{at} + {to}" if name in plus else f"{at} = {to}" for name, at, to in pairs]
    if "version" in table.c and not plus:
        set_.append(f"version = {shape.table}.version + 1")
    update = f"update {shape.table} set {', '.join(set_)}"
    if database == "sqlite":
        return Bulk(f"{update} where id = ?", shape.tuples)
    return Bulk(f"{update} from {shape.recordset()} where {shape.table}.id = r.id", shape.json)


def together(statements: Sequence[tuple[Bulk, Rows]]) -> tuple[str, dict[str, str]]:
    """Several statements for PostgreSQL as one, with the parameters of all."""
    texts = [one.text.replace("%(rows)s", f"%(rows{at})s") for at, (one, _) in enumerate(statements)]
    named = ", ".join(f"w{at} as ({text})" for at, text in enumerate(texts[:-1]))
    parameters = {f"rows{at}": one.bind(rows)["rows"] for at, (one, rows) in enumerate(statements)}
    return f"with {named} {texts[-1]}" if named else texts[-1], parameters


class _Shape:
    """Some columns of a table: their names, types, and what each value must become."""

    def __init__(self, database: str, table: sa.Table, names: tuple[str, ...]) -> None:
        dialect: Dialect = registry.load(database)()
        quote = dialect.identifier_preparer.quote
        self.table, self.quoted = quote(table.name), [quote(name) for name in names]
        self._get: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*names)
        self._columns = [table.c[name] for name in names]
        self._types = [column.type.compile(dialect) for column in self._columns]
        self._convert = [_converter(column.type, dialect) for column in self._columns]

    def tuples(self, rows: Rows) -> list[tuple[Any, ...]]:
        """For SQLite: column by column, so that the loops are in C."""
        columns = zip(*map(self._get, rows), strict=True)
        return list(
            zip(*(map(to, of) if to else of for of, to in zip(columns, self._convert, strict=True)), strict=True)
        )

    def json(self, rows: Rows) -> dict[str, str]:
        """For PostgreSQL. A JSON column travels as text: inside, it may hold what the way there could not."""
        inner = [column.name for column in self._columns if isinstance(column.type, sa.JSON)]
        sent = [{**row, **{name: _encode(row[name]) for name in inner}} for row in rows] if inner else rows
        return {"rows": _encode(sent)}

    def recordset(self) -> str:
        """The rows as a table `r`."""
        as_text = {"JSON", "BYTEA"}
        types = ("text" if type_ in as_text else type_ for type_ in self._types)
        columns = ", ".join(f"{name} {type_}" for name, type_ in zip(self.quoted, types, strict=True))
        return f"json_to_recordset(%(rows)s::json) as r({columns})"

    def taken(self) -> list[str]:
        """Each column of `r` as it is stored; msgspec writes bytes in base64."""
        ways = {"JSON": "r.{}::json", "BYTEA": "decode(r.{}, 'base64')"}
        return [ways.get(type_, "r.{}").format(at) for at, type_ in zip(self.quoted, self._types, strict=True)]


def _converter(type_: sa.types.TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return _encode if isinstance(type_, sa.JSON) else type_.dialect_impl(dialect).bind_processor(dialect)


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
