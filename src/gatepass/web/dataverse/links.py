"""What a record points to and what points to it: `set(key)/navigation`, and the links themselves by `/$ref`."""

from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.navigation import navigations
from gatepass.model.query import (
    At,
    Compare,
    Condition,
    Exists,
    Linked,
    Literal,
    Navigation,
    Operator,
    Query,
    ToMany,
    ToOne,
)
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.store import ReadTx, WriteTx, query
from gatepass.web.dataverse import document, encode, reading, references
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.odata.resolve import query_of
from gatepass.web.dataverse.payload import payload
from gatepass.web.dataverse.preferences import preferences
from gatepass.web.dataverse.privacy import require_all
from gatepass.web.dataverse.reading import Key
from gatepass.web.dataverse.writing import add_related, target_of, written

_OTHER = "other"
"""Alias of the table on the far side of a many-to-many link."""


def show(table: Table, key: Key, navigation: Navigation, tx: ReadTx, call: Call) -> Reply:
    """GET set(key)/navigation: the record, 204 when there is none; or the collection, with all options of a list."""
    if not isinstance(navigation, ToOne):
        return reading.listed(target_of(navigation), tx, call, within=_those_of(tx, call, table, key, navigation))
    other = pointed_to(tx, call, table, key, navigation)
    return reading.one(navigation.target, other, tx, call) if other else Reply(204)


def count(table: Table, key: Key, navigation: Navigation, tx: ReadTx, call: Call) -> Reply:
    """GET set(key)/navigation/$count"""
    within = _those_of(tx, call, table, key, navigation)
    return reading.counted(target_of(navigation), tx, call, within=within)


def show_references(table: Table, key: Key, navigation: Navigation, tx: ReadTx, call: Call) -> Reply:
    """GET set(key)/navigation/$ref: addresses only."""
    target = target_of(navigation)
    if isinstance(navigation, ToOne):
        other = pointed_to(tx, call, table, key, navigation)
        context: encode.Json = {"@odata.context": f"{call.root}$metadata#$ref"}
        return reading.json_reply(context | {references.ID: _address(call, target, other)}) if other else Reply(204)
    wanted = query_of(target, call.options, page_size=preferences(call).page_size, caller=call.caller.user_id)
    wanted = reading.narrowed(wanted, _those_of(tx, call, table, key, navigation))
    require_all(call.caller, wanted)
    page = query.select(tx, wanted)
    found = [{references.ID: _address(call, target, one.values[target.id_name])} for one in page.records]
    told: encode.Json = {"@odata.context": f"{call.root}$metadata#Collection($ref)", "value": found}
    link = reading.next_link(call, wanted, page)
    return reading.json_reply(told | ({"@odata.nextLink": link} if link else {}))


def add(table: Table, key: Key, navigation: Navigation, tx: WriteTx, call: Call) -> Reply:
    """POST set(key)/navigation/$ref, or PUT for a single-valued one: link the record that the body names."""
    address = references.address_in(document.read(call.body, table.set_name), table.set_name)
    other = references.target(tx, call, address, target_of(navigation), table.set_name)
    records.associate(tx, call.caller, table, reading.id_of(tx, table, key), navigation.name, other)
    return Reply(204)


def remove(
    table: Table, key: Key, navigation: Navigation, other: Key | None, tx: WriteTx, call: Call
) -> Reply:  # fmt: skip
    """DELETE set(key)/navigation/$ref, of a collection with the other record: navigation(id)/$ref or ?$id=address."""
    found: UUID | None = None
    if not isinstance(navigation, ToOne):
        other = other or _named_in_query(call, navigation, table)
        found = other if isinstance(other, UUID) else reading.id_of(tx, target_of(navigation), other)
    records.disassociate(tx, call.caller, table, reading.id_of(tx, table, key), navigation.name, found)
    return Reply(204)


def create(table: Table, key: Key, navigation: Navigation, tx: WriteTx, call: Call) -> Reply:
    """POST set(key)/navigation: a new record in a collection."""
    target = target_of(navigation)
    made = payload(target, document.read(call.body, target.set_name))
    at = add_related(tx, call, reading.id_of(tx, table, key), navigation, made)
    return written(tx, call, target, at, created=True)


def pointed_to(tx: ReadTx, call: Call, table: Table, key: Key, navigation: ToOne) -> UUID | None:
    """What a lookup of a record points to."""
    wanted = Query(table, (navigation.lookup,))
    require_all(call.caller, wanted)
    found = reading.found(tx, table, key, wanted).values.get(navigation.lookup.logical or "")
    return found if isinstance(found, UUID) else None


def _those_of(tx: ReadTx, call: Call, table: Table, key: Key, navigation: Navigation) -> Condition:
    """The condition that rows of the collection fulfil; the record itself must be there."""
    records.require(call.caller, records.Right.READ, table)
    at = Literal(reading.id_of(tx, table, key))
    if isinstance(navigation, ToMany):
        return Compare(Operator.EQ, At(navigation.lookup), at)
    assert isinstance(navigation, Linked)
    back = navigations(navigation.target)[navigation.name]
    return Exists(back, Compare(Operator.EQ, At(table.primary_key, _OTHER), at), _OTHER)


def _named_in_query(call: Call, navigation: Navigation, table: Table) -> Key:
    address = call.options.get("$id")
    if not address:
        raise Refused("KeyInvalid", f"Name the record to unlink: {table.set_name}(id)/{navigation.name}(id)/$ref.")
    return references.key_of(call, address, target_of(navigation), table.set_name)


def _address(call: Call, table: Table, record_id: object) -> str:
    return f"{call.root}{table.set_name}({record_id})"
