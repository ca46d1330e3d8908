"""CreateMultiple, UpdateMultiple, UpsertMultiple, DeleteMultiple: one kind of write to many records of a table, all or none.

    POST contacts/Microsoft.Dynamics.CRM.CreateMultiple {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.contact", ...}]}

A target names its record by `@odata.id`, by its primary key, or by the columns of an alternate key.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import cast
from uuid import UUID

import msgspec

from gatepass.domain.errors import Conflict, Refused
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.store import WriteTx
from gatepass.web.dataverse import document, references, writing
from gatepass.web.dataverse.call import Call, Operation, Reply
from gatepass.web.dataverse.document import Members, invalid
from gatepass.web.dataverse.errors import JSON
from gatepass.web.dataverse.odata.address import Segment
from gatepass.web.dataverse.payload import Payload, payload
from gatepass.web.dataverse.reading import Key

MAX_TARGETS = 1000
TYPE = "@odata.type"
_PREFIX = "Microsoft.Dynamics.CRM."


def find(call: Call, table: Table, segment: Segment) -> Operation | None:
    """The operation of an action on a set; None when nothing goes by this name."""
    action = ACTIONS.get(segment.bare)
    if action is None:
        return None
    if call.method != "POST":
        raise Conflict(
            "MethodWrong", f"No HTTP resource was found that matches the request URI '{call.root}{call.path}'."
        )
    return Operation(write=partial(action, table))


def create(table: Table, tx: WriteTx, call: Call) -> Reply:
    """200 with the ids, in the order of the targets."""
    made = [payload(table, one) for one in _targets(call, table)]
    ids = [writing.save_new(tx, call, one) for one in made]
    return _told(call, table, "CreateMultiple", {"Ids": ids})


def update(table: Table, tx: WriteTx, call: Call) -> Reply:
    """204. Raises NotFound for a record that is not there."""
    for key, said in _keyed(call, table):
        records.update(tx, call.caller, table, key, writing.values_of(tx, call, said, key))
    return Reply(204)


def upsert(table: Table, tx: WriteTx, call: Call) -> Reply:
    """204: what is there is changed, what is not is made."""
    for key, said in _keyed(call, table):
        records.upsert(tx, call.caller, table, key, writing.values_of(tx, call, said, key))
    return Reply(204)


def delete(table: Table, tx: WriteTx, call: Call) -> Reply:
    """204. Raises NotFound for a record that is not there."""
    for key, _ in _keyed(call, table):
        records.delete(tx, call.caller, table, key)
    return Reply(204)


ACTIONS: Mapping[str, Callable[[Table, WriteTx, Call], Reply]] = MappingProxyType(
    {"CreateMultiple": create, "UpdateMultiple": update, "UpsertMultiple": upsert, "DeleteMultiple": delete}
)


def _targets(call: Call, table: Table) -> list[Members]:
    found = document.read(call.body, table.set_name).get("Targets")
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise invalid(table.set_name, "'Targets' has to be a list of objects.")
    if not 0 < len(found) <= MAX_TARGETS:
        raise invalid(table.set_name, f"'Targets' has to hold 1 to {MAX_TARGETS} records; here are {len(found)}.")
    targets = cast("list[Members]", found)
    for one in targets:
        _check_type(table, one)
    return targets


def _check_type(table: Table, target: Members) -> None:
    said = target.get(TYPE, table.logical)
    if not isinstance(said, str) or said.removeprefix("#").removeprefix(_PREFIX) != table.logical:
        raise invalid(table.set_name, f"'{TYPE}' has to be '{_PREFIX}{table.logical}'.")


def _keyed(call: Call, table: Table) -> list[tuple[Key, Payload]]:
    found = [(one, payload(table, one)) for one in _targets(call, table)]
    if any(said.inner or said.linked for _, said in found):
        raise Refused("QueryUnsupported", "Deep update of navigation properties is not allowed.")
    return [(_key(call, table, one, said), said) for one, said in found]


def _key(call: Call, table: Table, target: Members, said: Payload) -> Key:
    address = target.get(references.ID)
    if isinstance(address, str):
        return references.key_of(call, address, table, table.set_name)
    at = said.values.get(table.id_name)
    if isinstance(at, UUID):
        return at
    for key in table.keys:
        if all(said.values.get(name) is not None for name in key.columns):
            return {name: said.values[name] for name in key.columns}
    raise invalid(
        table.set_name, f"Each target needs its key: '{references.ID}', '{table.id_name}' or an alternate key."
    )


def _told(call: Call, table: Table, name: str, members: Mapping[str, object]) -> Reply:
    context = f"{call.root}$metadata#{_PREFIX}{name}Response"
    return Reply(200, {"Content-Type": JSON}, msgspec.json.encode({"@odata.context": context, **members}))
