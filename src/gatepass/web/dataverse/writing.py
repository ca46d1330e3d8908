"""Records created, changed and deleted: the body becomes values, the rules are those of services/records.

All of one call happens in one transaction: the record, those inside it, and what it is linked to.
"""

from collections.abc import Mapping
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.navigation import navigations
from gatepass.model.query import Linked, Navigation, ToMany, ToOne, Value
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.store import WriteTx
from gatepass.web.dataverse import document, reading, references
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.conditions import conditions
from gatepass.web.dataverse.odata.resolve import query_of
from gatepass.web.dataverse.payload import Payload, payload
from gatepass.web.dataverse.preferences import RETURN, preferences
from gatepass.web.dataverse.privacy import require_all
from gatepass.web.dataverse.reading import Key

_SHOWN = ("$select", "$expand")
"""The options that say what a written record's representation has."""


def create(table: Table, tx: WriteTx, call: Call) -> Reply:
    """POST set"""
    made = payload(table, document.read(call.body, table.set_name))
    return written(tx, call, table, save_new(tx, call, made), created=True)


def change(table: Table, key: Key, tx: WriteTx, call: Call) -> Reply:
    """PATCH set(key): changes the record or makes it, unless If-Match or If-None-Match leave only one of the two."""
    said = payload(table, document.read(call.body, table.set_name))
    if said.inner or said.linked:
        raise Refused("QueryUnsupported", "Deep update of navigation properties is not allowed.")
    wanted = conditions(call)
    at, created = records.upsert(
        tx, call.caller, table, key, _without_key(said, key) | _lookups(tx, call, said), expected=wanted.expected,
        may_create=wanted.may_create, may_update=wanted.may_update,
    )  # fmt: skip
    return written(tx, call, table, at, created=created)


def delete(table: Table, key: Key, tx: WriteTx, call: Call) -> Reply:
    """DELETE set(key)"""
    records.delete(tx, call.caller, table, key, expected=conditions(call).expected)
    return Reply(204)


def written(tx: WriteTx, call: Call, table: Table, record_id: UUID, *, created: bool) -> Reply:
    """204 and where the record is, or the record itself to a caller who prefers it."""
    address = f"{call.root}{table.set_name}({record_id})"
    headers = {"OData-EntityId": address} | ({"Location": address} if created else {})
    asked = preferences(call)
    if not asked.representation:
        return Reply(204, headers)
    options = {name: value for name, value in call.options.items() if name in _SHOWN}
    wanted = query_of(table, options, single=True)
    require_all(call.caller, wanted)
    record = reading.found(tx, table, record_id, wanted)
    return reading.shown(tx, call, wanted, record, headers | asked.applied(RETURN), 201 if created else 200)


def save_new(tx: WriteTx, call: Call, made: Payload, more: Mapping[str, Value] | None = None) -> UUID:
    """A new record with those inside it: what it points to first, what points to it last."""
    values = _without_key(made, None) | _lookups(tx, call, made) | dict(more or {})
    for navigation, inner in made.inner:
        if isinstance(navigation, ToOne):
            values[_logical(navigation)] = save_new(tx, call, inner)
    record_id = records.create(tx, call.caller, made.table, values, made.record_id)
    for navigation, inner in made.inner:
        if not isinstance(navigation, ToOne):
            add_related(tx, call, record_id, navigation, inner)
    for navigation, address in made.linked:
        other = references.target(tx, call, address, target_of(navigation), made.table.set_name)
        records.associate(tx, call.caller, made.table, record_id, navigation.name, other)
    return record_id


def add_related(tx: WriteTx, call: Call, record_id: UUID, navigation: Navigation, inner: Payload) -> UUID:
    """A new record in a collection of another one."""
    if isinstance(navigation, ToMany):
        return save_new(tx, call, inner, {navigation.lookup.logical or "": record_id})
    assert isinstance(navigation, Linked)
    other = save_new(tx, call, inner)
    inverse = navigations(inner.table)[navigation.name]
    records.associate(tx, call.caller, inner.table, other, inverse.name, record_id)
    return other


def values_of(tx: WriteTx, call: Call, said: Payload, key: Key) -> dict[str, Value]:
    """What a body says of the record of this key, lookups found."""
    return _without_key(said, key) | _lookups(tx, call, said)


def target_of(navigation: Navigation) -> Table:
    """The table that a navigation property leads to."""
    return navigation.source if isinstance(navigation, ToMany) else navigation.target


def _lookups(tx: WriteTx, call: Call, said: Payload) -> dict[str, Value]:
    place = said.table.set_name
    return {
        _logical(navigation): None
        if address is None
        else references.target(tx, call, address, navigation.target, place)
        for navigation, address in said.bound.items()
    }


def _without_key(said: Payload, key: Key | None) -> dict[str, Value]:
    """The primary key stands in the address; a body may repeat it, and nothing else."""
    if isinstance(key, UUID) and said.record_id not in {None, key}:
        raise document.invalid(said.table.set_name, f"'{said.table.id_name}' differs from the key in the address.")
    return {name: value for name, value in said.values.items() if name != said.table.id_name}


def _logical(navigation: ToOne) -> str:
    return navigation.lookup.logical or ""
