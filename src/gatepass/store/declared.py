"""From the declaration of a table (model/) to its SQL table: types, keys, defaults, the many-to-many tables."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass import model
from gatepass.model.build import NOW
from gatepass.model.columns import Column, Kind, Option
from gatepass.model.table import ManyToMany, Table
from gatepass.store.types import Utc

MEMO_IS_TEXT = 4000
"""A memo longer than this has no limit in SQL: the door keeps it."""
_INTEGERS = frozenset({Kind.BIGINT, Kind.MONEY, Kind.DECIMAL})


def sql_table(table: Table, metadata: sa.MetaData, *more: sa.schema.SchemaItem) -> sa.Table:
    """The SQL table of a declaration, with constraints that only SQL knows."""
    columns = [_column(one) for one in table.columns if one.stored]
    return sa.Table(table.name, metadata, *columns, *more)


def link_table(relationship: ManyToMany, metadata: sa.MetaData) -> sa.Table:
    """The SQL table of a many-to-many relationship: pairs, each once."""
    first, second = (model.BY_LOGICAL[name].name for name in (relationship.first, relationship.second))
    return sa.Table(
        relationship.intersect,
        metadata,
        sa.Column(relationship.first_column, sa.Uuid, sa.ForeignKey(f"{first}.id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            relationship.second_column, sa.Uuid, sa.ForeignKey(f"{second}.id", ondelete="CASCADE"), primary_key=True,
            index=True,
        ),
    )  # fmt: skip


def sql_type(column: Column) -> sa.types.TypeEngine[Any]:
    """How a column is stored."""
    if column.kind in {Kind.CHOICE, Kind.STATE, Kind.STATUS}:
        return sa.String(column.length) if column.length else sa.Integer()
    if column.kind in {Kind.TEXT, Kind.MEMO} or column.target_column == "iso_code":
        return sa.String(column.length) if column.length <= MEMO_IS_TEXT else sa.Text()
    if column.kind in _INTEGERS:
        return sa.BigInteger()
    plain: dict[Kind, sa.types.TypeEngine[Any]] = {
        Kind.ID: sa.Uuid(), Kind.LOOKUP: sa.Uuid(), Kind.INTEGER: sa.Integer(), Kind.BOOLEAN: sa.Boolean(),
        Kind.MOMENT: Utc(), Kind.LOCAL: sa.DateTime(), Kind.LIST: sa.JSON(), Kind.JSON: sa.JSON(),
        Kind.BYTES: sa.LargeBinary(),
    }  # fmt: skip
    return plain[column.kind]


def _column(column: Column) -> sa.Column[Any]:
    keys = [sa.ForeignKey(_target(column))] if _points(column) else []
    return sa.Column(
        column.name, sql_type(column), *keys, primary_key=column.name == "id", nullable=not column.required,
        unique=column.unique or None, index=(column.index and not column.unique) or None,
        default=_now if column.default == NOW else None, onupdate=_on_update(column), server_default=_default(column),
    )  # fmt: skip


def _points(column: Column) -> bool:
    return column.kind is Kind.LOOKUP and column.target_column == "id" and not column.loose


def _target(column: Column) -> str:
    return f"{model.BY_LOGICAL[column.targets[0]].name}.id"


def _on_update(column: Column) -> Any:
    if column.name == "version":
        return sa.text("version + 1")
    return _now if column.name == "changed" and column.default == NOW else None


def _now() -> datetime:
    return datetime.now(UTC)


def _default(column: Column) -> Any:
    """What SQL gives a row of our own flows that does not say."""
    value = column.default
    if value is None or not column.filled:
        return None
    if column.kind is Kind.BOOLEAN:
        return sa.true() if value else sa.false()
    if isinstance(value, UUID):
        # Both databases read it so.
        return sa.text(f"'{value.hex}'")
    if column.kind is Kind.DECIMAL:
        value = int(str(value)) * 10**column.scale
    return sa.text(f"'{_word(column, value)}'")


def _word(column: Column, value: object) -> object:
    options: tuple[Option, ...] = column.choice.options
    return next((one.stored for one in options if one.value == value and isinstance(one.stored, str)), value)
