"""What declared records look like over the wire: each member comes from its column (kind, length, choices), never from a second list.

Values go to `services.records`, whose rules are those of every door.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatepass.domain.errors import GatepassError, Refused
from gatepass.domain.money import Money
from gatepass.model.columns import Column, Kind, Option, Set
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services import copying
from gatepass.store import ReadTx
from gatepass.store.tables import Row
from gatepass.web.staff import fields
from gatepass.web.timeline_types import MoneyDto

_BETTER = {"price_minor": "price", "isrequired": "required", "websitepreference": "website_preference"}
"""Names of members, where those of our columns would mislead."""


@dataclass(frozen=True)
class Shape:
    """The members of one table that staff give. `names`: our names of its columns."""

    table: Table
    name: str
    names: Sequence[str]
    more: Sequence[tuple[Any, ...]] = ()
    """What is told beside them: fields of a msgspec struct."""

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """By the name of the member."""
        found = {column.name: column for column in self.table.columns if column.stored}
        return {member_of(name): found[name] for name in self.names}

    @cached_property
    def new(self) -> type[msgspec.Struct]:
        """A body that makes one."""
        given = [(name, _type(one), *_left_out(one)) for name, one in self.columns.items()]
        return _struct(f"New{self.name}", given)

    @cached_property
    def change(self) -> type[msgspec.Struct]:
        """A body that changes one: what it does not name stays. With `version` only as long as nobody else was faster."""
        mine = [(name, one) for name, one in self.columns.items() if one.settable is Set.ALWAYS]
        given = [(name, _optional(one) | UnsetType, UNSET) for name, one in mine]
        return _struct(f"{self.name}Change", [*given, ("version", int | None, None)])

    @cached_property
    def told(self) -> type[msgspec.Struct]:
        """An answer."""
        own = [(name, _optional(one)) for name, one in self.columns.items()]
        return _struct(self.name, [("id", UUID), ("version", int), *own, *self.more])

    def values(self, tx: ReadTx, given: msgspec.Struct, currency: str | None = None) -> dict[str, Value]:
        """What was given, by logical name. `currency`: that of its amounts. Raises Refused."""
        said = {name: getattr(given, name, UNSET) for name in self.columns}
        return {
            self.columns[name].logical or "": _value(tx, name, self.columns[name], value, currency)
            for name, value in said.items() if value is not UNSET
        }  # fmt: skip

    def tell(self, row: Row, record_id: UUID | None = None, **more: Any) -> msgspec.Struct:
        """A stored row. `record_id`: where another one names it."""
        own = {name: _told(one, row) for name, one in self.columns.items()}
        return self.told(id=record_id or row["id"], version=row["version"], **own, **more)

    def refused(self, error: GatepassError) -> GatepassError:
        """The same refusal in the words of this API."""
        fields.for_people(error, self.table)
        error.field = error.field and camel(member_of(error.field))
        return error


def member_of(name: str) -> str:
    """The member of a column."""
    return _BETTER.get(name, name)


def camel(name: str) -> str:
    """As it stands in JSON."""
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)


def word_of(option: Option) -> str:
    """An option as a word."""
    return option.stored if isinstance(option.stored, str) else re.sub(r"\W+", "_", option.label.lower()).strip("_")


def _struct(name: str, members: Sequence[tuple[Any, ...]]) -> type[msgspec.Struct]:
    return msgspec.defstruct(name, members, rename="camel", kw_only=True, forbid_unknown_fields=True)


def _left_out(column: Column) -> tuple[Any, ...]:
    """A new record gets the default of what is not named; nothing, where it must be."""
    must = column.required and column.default is None and column.kind is not Kind.BOOLEAN
    return () if must else (UNSET,)


def _type(column: Column) -> Any:
    return _optional(column) | UnsetType if _left_out(column) else _optional(column)


def _optional(column: Column) -> Any:
    return _kind(column) if column.required else _kind(column) | None


def _kind(column: Column) -> Any:
    return _CURRENCY_CODE if _is_currency(column) else _KINDS[column.kind](column)


_CURRENCY_CODE = Annotated[str, Meta(min_length=3, max_length=3)]
_KINDS: Mapping[Kind, Callable[[Column], Any]] = {
    Kind.TEXT: lambda column: Annotated[str, Meta(max_length=column.length)],
    Kind.MEMO: lambda column: Annotated[str, Meta(max_length=column.length)],
    Kind.INTEGER: lambda column: Annotated[int, Meta(ge=column.minimum, le=column.maximum)],
    Kind.CHOICE: lambda column: Literal[tuple(word_of(option) for option in column.choice)],
    Kind.LOCAL: lambda _: Annotated[datetime, Meta(tz=False)],
    Kind.MOMENT: lambda _: Annotated[datetime, Meta(tz=True)],
    Kind.LOOKUP: lambda _: UUID,
    Kind.BOOLEAN: lambda _: bool,
    Kind.LIST: lambda _: list[str],
    Kind.MONEY: lambda _: MoneyDto,
}


def _is_currency(column: Column) -> bool:
    """Kept by its ISO code, and written so."""
    return column.target_column == "iso_code"


def _value(tx: ReadTx, name: str, column: Column, value: Any, currency: str | None) -> Value:
    if value is None:
        return None
    match column.kind:
        case Kind.MONEY:
            return _amount(name, value, currency)
        case Kind.CHOICE:
            return next(option.value for option in column.choice if word_of(option) == value)
        case Kind.LIST:
            return "\n".join(value)
        case _:
            return _currency(tx, name, value) if _is_currency(column) else value


def _amount(name: str, value: MoneyDto, currency: str | None) -> Value:
    if value.currency != currency:
        raise Refused("CurrencyDiffers", f"Amounts are in {currency} here.", field=name)
    return Money(value.minor, value.currency).amount


def _currency(tx: ReadTx, name: str, code: str) -> UUID:
    found = copying.currency_id(tx, code)
    if found is None:
        raise Refused("CurrencyUnknown", f"There is no currency {code}. Use an ISO code such as EUR.", field=name)
    return found


def _told(column: Column, row: Row) -> Any:
    value = row[column.name]
    if value is None:
        return None
    if column.kind is Kind.MONEY:
        return MoneyDto(value, row["currency"])
    if column.kind is Kind.CHOICE:
        return next((word_of(option) for option in column.choice if value in (option.stored, option.value)), None)
    return value
