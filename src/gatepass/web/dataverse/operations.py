"""Which operation a method and an address mean: the routing of the Web API, by segments.

`set`, `set(key)`, `set(key)/column`, `set(key)/navigation` and what may follow each; the rest is refused by name.
"""

from collections.abc import Callable, Sequence
from functools import partial

from gatepass import model
from gatepass.domain.errors import Conflict, NotFound
from gatepass.model.columns import Column
from gatepass.model.navigation import navigations
from gatepass.model.query import Navigation, ToOne
from gatepass.model.table import Table
from gatepass.store import ReadTx, WriteTx
from gatepass.web.dataverse import fetching, functions, links, multiple, properties, reading, writing
from gatepass.web.dataverse.call import Call, Operation, Reply
from gatepass.web.dataverse.metadata.door import metadata_operation
from gatepass.web.dataverse.odata.address import Segment, segments
from gatepass.web.dataverse.odata.keys import parse_key
from gatepass.web.dataverse.reading import Key
from gatepass.web.dataverse.writing import target_of

Read = Callable[[ReadTx, Call], Reply]
Write = Callable[[WriteTx, Call], Reply]
Rest = Sequence[Segment]
_READING = "GET"


def operation_of(call: Call) -> Operation:
    """Raises NotFound for an address that leads nowhere, Conflict for one that does not answer to this method."""
    path = segments(call.path)
    if found := metadata_operation(call, path):
        return found
    first, *rest = path
    table = model.BY_SET.get(first.name)
    if table is None:
        return _of_name(call, first, rest)
    if first.inside is None:
        return _of_set(call, table, rest)
    return _of_record(call, table, parse_key(table, first.inside), rest)


def unknown(name: str) -> NotFound:
    """Nothing goes by this name here."""
    return NotFound("SegmentUnknown", f"Resource not found for the segment '{name[:100]}'.")


def chosen(call: Call, reads: Read | None = None, **writes: Write) -> Operation:
    """The operation of the call's method, out of those that the address answers to."""
    if call.method == _READING and reads:
        return Operation(read=reads)
    if write := writes.get(call.method):
        return Operation(write=write)
    raise Conflict(
        "MethodWrong", f"No HTTP resource was found that matches the request URI '{call.root}{call.path[:200]}'."
    )


def _of_name(call: Call, first: Segment, rest: Rest) -> Operation:
    found = None if rest else functions.find(call, first)
    if found is None:
        raise unknown(first.name)
    return found


def _of_set(call: Call, table: Table, rest: Rest) -> Operation:
    match [one.name for one in rest]:
        case []:
            return chosen(call, partial(_reads(call), table), POST=partial(writing.create, table))
        case ["$count"]:
            return chosen(call, partial(reading.counted, table))
        case _ if len(rest) == 1 and (action := multiple.find(call, table, rest[0])):
            return action
        case names:
            raise unknown(names[0])


def _reads(call: Call) -> Callable[[Table, ReadTx, Call], Reply]:
    """How rows are asked for: in OData, FetchXML or SQL."""
    if fetching.FETCH_XML in call.options:
        return fetching.fetched
    return fetching.selected if fetching.SQL in call.options else reading.listed


def _of_record(call: Call, table: Table, key: Key, rest: Rest) -> Operation:
    if not rest:
        change, delete = partial(writing.change, table, key), partial(writing.delete, table, key)
        return chosen(call, partial(reading.one, table, key), PATCH=change, DELETE=delete)
    name = rest[0].name
    if column := table.by_wire.get(name):
        return _of_property(call, (table, key, column), rest[1:])
    if navigation := navigations(table).get(name):
        return _of_navigation(call, (table, key, navigation), rest[0].inside, rest[1:])
    raise unknown(name)


def _of_property(call: Call, place: tuple[Table, Key, Column], rest: Rest) -> Operation:
    match [one.name for one in rest]:
        case []:
            put, clear = partial(properties.put, *place), partial(properties.clear, *place)
            return chosen(call, partial(properties.show, *place), PUT=put, DELETE=clear)
        case ["$value"]:
            return chosen(call, partial(properties.show_raw, *place))
        case names:
            raise unknown(names[0])


def _of_navigation(call: Call, place: tuple[Table, Key, Navigation], key: str | None, rest: Rest) -> Operation:
    navigation = place[2]
    single = isinstance(navigation, ToOne)
    other = None if key is None else parse_key(target_of(navigation), key)
    match [one.name for one in rest]:
        case ["$ref"]:
            return _of_reference(call, place, other)
        case [] if other is None and not single:
            return chosen(call, partial(links.show, *place), POST=partial(links.create, *place))
        case ["$count"] if other is None and not single:
            return chosen(call, partial(links.count, *place))
        case _ if single and other is None:
            return chosen(call, partial(_beyond, *place, rest) if rest else partial(links.show, *place))
        case _:
            raise unknown(rest[0].name if rest else navigation.name)


def _of_reference(call: Call, place: tuple[Table, Key, Navigation], other: Key | None) -> Operation:
    remove = partial(links.remove, *place, other)
    if other is not None:
        return chosen(call, DELETE=remove)
    add = partial(links.add, *place)
    links_of = partial(links.show_references, *place)
    if isinstance(place[2], ToOne):
        return chosen(call, links_of, PUT=add, DELETE=remove)
    return chosen(call, links_of, POST=add, DELETE=remove)


def _beyond(table: Table, key: Key, navigation: Navigation, rest: Rest, tx: ReadTx, call: Call) -> Reply:
    """GET set(key)/lookup/and/so/on: the record that the lookup points to, and on from there."""
    assert isinstance(navigation, ToOne)
    other = links.pointed_to(tx, call, table, key, navigation)
    if other is None:
        return Reply(204)
    further = _of_record(call, navigation.target, other, rest)
    assert further.read is not None
    return further.read(tx, call)
