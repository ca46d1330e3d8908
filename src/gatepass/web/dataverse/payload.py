"""A request's body as what shall be written: values by column, what lookups are bound to, and records to make with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn, cast
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Kind
from gatepass.model.navigation import navigations
from gatepass.model.query import Navigation, ToMany, ToOne, Value
from gatepass.model.table import Table
from gatepass.web.dataverse.document import Item, Members, invalid

BIND = "@odata.bind"
MAX_NESTING = 10
"""Records inside records of one creation."""
GUID_CHARS = 36
INT32, INT64 = 2**31, 2**63
MAX_DIGITS = 20
"""Before and after the point: more than any column keeps."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_EDM: Mapping[Kind, str] = {
    Kind.ID: "Edm.Guid", Kind.LOOKUP: "Edm.Guid", Kind.TEXT: "Edm.String", Kind.MEMO: "Edm.String",
    Kind.LIST: "Edm.String", Kind.INTEGER: "Edm.Int32", Kind.CHOICE: "Edm.Int32", Kind.STATE: "Edm.Int32",
    Kind.STATUS: "Edm.Int32", Kind.BIGINT: "Edm.Int64", Kind.DECIMAL: "Edm.Decimal", Kind.MONEY: "Edm.Decimal",
    Kind.BOOLEAN: "Edm.Boolean", Kind.MOMENT: "Edm.DateTimeOffset", Kind.LOCAL: "Edm.DateTimeOffset",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payload:
    """What a body says of one record."""

    table: Table
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    """By logical name; lookups stand in `bound`."""
    bound: dict[ToOne, str | None] = field(default_factory=dict["ToOne", "str | None"])
    """Lookups and the address that each shall point to; None clears it."""
    linked: list[tuple[Navigation, str]] = field(default_factory=list[tuple[Navigation, str]])
    """Collections and addresses of records that shall be in them."""
    inner: list[tuple[Navigation, "Payload"]] = field(default_factory=list[tuple[Navigation, "Payload"]])
    """Records to make with this one."""

    @property
    def record_id(self) -> UUID | None:
        """The id that the caller chose."""
        found = self.values.get(self.table.id_name)
        return found if isinstance(found, UUID) else None


def payload(table: Table, members: Members, *, depth: int = 0) -> Payload:
    """Read the members of a record. Raises Refused with Dataverse's words for what the table does not have."""
    if depth > MAX_NESTING:
        raise invalid(table.set_name, f"Records may be nested {MAX_NESTING} deep.")
    found = Payload(table)
    for name, item in members.items():
        if name.endswith(BIND):
            _bind(found, name.removesuffix(BIND), item)
        elif "@" not in name:
            _member(found, name, item, depth)
    return found


def value_of(table: Table, column: Column, item: Item) -> Value:
    """One value, of the column's type. Raises Refused when it is none; ranges and lengths are the services' matter."""
    if item is None:
        return None
    try:
        return _READERS[column.kind](item)
    except (ValueError, OverflowError, ArithmeticError):
        said = "a structure" if isinstance(item, list | dict) else f"the literal '{str(item)[:100]}'"
        why = f"Cannot convert {said} to the expected type '{_EDM[column.kind]}'. Property: {column.wire}."
        raise invalid(table.set_name, why, code="ValueInvalid") from None


def unknown_property(table: Table, name: str) -> Refused:
    """A name that the table does not have; case matters."""
    return Refused(
        "PayloadInvalid",
        f"An error occurred while validating input parameters: Invalid property '{name[:100]}' was found in entity "
        f"'Microsoft.Dynamics.CRM.{table.logical}'.",
    )


def _member(found: Payload, name: str, item: Item, depth: int) -> None:
    table = found.table
    column = table.by_logical.get(name)
    if name in navigations(table) and (column is None or isinstance(item, list | dict)):
        _nest(found, navigations(table)[name], item, depth)
    elif column is not None and column.kind is not Kind.LOOKUP:
        found.values[name] = value_of(table, column, item)
    elif name in table.by_wire or column is not None:
        why = "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
        raise invalid(table.set_name, f"{why} Property: {name}.")
    else:
        raise unknown_property(table, name)


def _bind(found: Payload, name: str, item: Item) -> None:
    table = found.table
    navigation = navigations(table).get(name)
    if navigation is None:
        raise invalid(
            table.set_name,
            f"An undeclared property '{name[:100]}' which only has property annotations in the payload but no property "
            "value was found in the payload. In OData, only declared navigation properties and declared named streams "
            "can be represented as properties without values.",
        )
    if isinstance(navigation, ToOne):
        if item is not None and not isinstance(item, str):
            raise invalid(table.set_name, f"'{name}{BIND}' has to be the address of one record, or null.")
        found.bound[navigation] = item
    elif isinstance(item, list) and all(isinstance(one, str) for one in item):
        found.linked.extend((navigation, one) for one in cast("list[str]", item))
    else:
        raise invalid(table.set_name, f"'{name}{BIND}' has to be a list of addresses.")


def _nest(found: Payload, navigation: Navigation, item: Item, depth: int) -> None:
    target = navigation.source if isinstance(navigation, ToMany) else navigation.target
    single = isinstance(navigation, ToOne)
    items: Sequence[Item] = [item] if single else cast("Sequence[Item]", item) if isinstance(item, list) else [None]
    for one in items:
        if not isinstance(one, dict):
            wanted = "an object" if single else "a list of objects"
            raise invalid(found.table.set_name, f"'{navigation.name}' has to be {wanted}.")
        found.inner.append((navigation, payload(target, cast("Members", one), depth=depth + 1)))


# Values by kind. Each raises ValueError.


def _refuse() -> NoReturn:
    raise ValueError


def _text(item: Item) -> Value:
    return item if isinstance(item, str) else _refuse()


def _flag(item: Item) -> Value:
    return item if isinstance(item, bool) else _refuse()


def _whole(item: Item, limit: int = INT32) -> Value:
    whole = item if isinstance(item, int) and not isinstance(item, bool) else _refuse()
    return whole if -limit <= whole < limit else _refuse()


def _long(item: Item) -> Value:
    return _whole(item, INT64)


def _decimal(item: Item) -> Value:
    value = Decimal(item) if isinstance(item, int | Decimal) and not isinstance(item, bool) else _refuse()
    # A few letters can name a number with a million digits.
    return (
        value if abs(value.adjusted()) <= MAX_DIGITS and len(value.as_tuple().digits) <= 2 * MAX_DIGITS else _refuse()
    )


def _guid(item: Item) -> Value:
    return UUID(item) if isinstance(item, str) and len(item) == GUID_CHARS else _refuse()


def _moment(item: Item) -> datetime:
    value = datetime.fromisoformat(item) if isinstance(item, str) and _MOMENT.fullmatch(item) else _refuse()
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _local(item: Item) -> Value:
    return _moment(item).replace(tzinfo=None)


_READERS = {
    Kind.ID: _guid, Kind.LOOKUP: _guid, Kind.TEXT: _text, Kind.MEMO: _text, Kind.LIST: _text, Kind.INTEGER: _whole,
    Kind.CHOICE: _whole, Kind.STATE: _whole, Kind.STATUS: _whole, Kind.BIGINT: _long, Kind.DECIMAL: _decimal,
    Kind.MONEY: _decimal, Kind.BOOLEAN: _flag, Kind.MOMENT: _moment, Kind.LOCAL: _local,
}  # fmt: skip
