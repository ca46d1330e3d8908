"""Which operation a method and an address mean: the routing of the Web API, by segments."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from gatepass import model
from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.model.navigation import navigations
from gatepass.model.query import Navigation, ToOne
from gatepass.model.table import Table
from gatepass.web.dataverse import links, properties, reading, writing
from gatepass.web.dataverse.call import Call, Operation
from gatepass.web.dataverse.odata.address import Segment, segments
from gatepass.web.dataverse.odata.keys import parse_key
from gatepass.web.dataverse.reading import Key

Unit = Callable[..., object]
COUNT, VALUE, REFERENCE = "$count", "$value", "$ref"
MAX_SEGMENTS = 8


def operation_of(call: Call) -> Operation:
    """Raises NotFound for an address that leads nowhere, Conflict for one that does not answer to this method."""
    found = segments(call.path)
    first, rest = found[0], found[1:]
    table = model.BY_SET.get(first.name)
    if table is None:
        raise unknown(first.name)
    if first.key is None:
        return _of_set(call, table, rest)
    return _of_record(call, table, parse_key(table, first.key), rest)
