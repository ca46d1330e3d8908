"""The address of a record inside a body, as @odata.bind and @odata.id have it, in all its forms:

`/set(id)`, `set(id)`, `https://any.host/api/data/v9.2/set(id)`, `set(key='v')`, and `$n` inside a change set.
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import Refused
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.store import ReadTx
from gatepass.web.dataverse import reading
from gatepass.web.dataverse.call import Call
from gatepass.web.dataverse.document import Item, Members, invalid
from gatepass.web.dataverse.odata.keys import parse_key

ID = "@odata.id"
_ROOT = re.compile(r"(?:https?://[^/?#\s]+)?/api/data/v9\.\d+/", re.IGNORECASE)
_RECORD = re.compile(r"/?([A-Za-z_][A-Za-z0-9_]*)\((.*)\)", re.DOTALL)


def target(tx: ReadTx, call: Call, address: str, table: Table, place: str) -> UUID:
    """The id of the record that an address means; it has to be one of `table`. Raises NotFound when a key finds none."""
    key = key_of(call, address, table, place)
    return key if isinstance(key, UUID) else reading.id_of(tx, table, key)


def key_of(call: Call, address: str, table: Table, place: str) -> UUID | Mapping[str, Value]:
    """The key in an address. Raises Refused for an address that is none, or one of another table."""
    written = _declared(call, address) if address.startswith("$") else address
    found = _RECORD.fullmatch(_ROOT.sub("", written, count=1) if _ROOT.match(written) else written)
    if found is None:
        raise invalid(place, f"'{address[:200]}' is not the address of a record, such as /{table.set_name}(id).")
    named = model.BY_SET.get(found.group(1))
    if named is not table:
        wanted = f"'Microsoft.Dynamics.CRM.{table.logical}'"
        raise invalid(place, f"'{address[:200]}' does not lead to a record of the expected type {wanted}.")
    return parse_key(table, unquote(found.group(2)))


def address_in(members: Members, place: str) -> str:
    """The address in a body such as {"@odata.id": "..."}."""
    found: Item = members.get(ID)
    if not isinstance(found, str):
        raise invalid(place, f"The body needs the member '{ID}' with the address of a record.")
    return found


def _declared(call: Call, name: str) -> str:
    if name[1:] not in call.references:
        raise Refused("ReferenceUnknown", f"Content-ID Reference: '{name[:50]}' does not exist in the batch context.")
    return call.references[name[1:]]
