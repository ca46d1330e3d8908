"""EntityDefinitions, RelationshipDefinitions, GlobalOptionSetDefinitions: addresses resolved over the definitions.

An address is walked step by step: a set, one of it by key, what hangs on that, a cast to a derived type, a member.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from gatepass.domain.errors import NotFound, Refused
from gatepass.web.dataverse.metadata import asked, types
from gatepass.web.dataverse.metadata.asked import Asked
from gatepass.web.dataverse.metadata.entities import entities
from gatepass.web.dataverse.metadata.labels import NAMESPACE, Json, Node, is_id
from gatepass.web.dataverse.metadata.option_sets import global_option_sets
from gatepass.web.dataverse.metadata.relationships import relationships
from gatepass.web.dataverse.odata.address import Segment, unknown_segment

Path = Sequence[Segment]

SETS = {
    "EntityDefinitions": (entities, types.ENTITY),
    "RelationshipDefinitions": (relationships, types.RELATIONSHIP),
    "GlobalOptionSetDefinitions": (global_option_sets, types.OPTION_SET),
}
KEYS = {
    types.ENTITY: ("LogicalName", "SchemaName"),
    types.ATTRIBUTE: ("LogicalName", "SchemaName"),
    types.KEY: ("LogicalName", "SchemaName"),
    types.OPTION_SET: ("Name",),
}
"""By what a definition can be asked for, beside its MetadataId; SchemaName for what is not here."""
_CAST = f"{NAMESPACE}."
_KEY = re.compile(r"(?:(\w+)=)?(?:'((?:[^']|'')*+)'|(.*))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the walk has come to: definitions, a single one, or a plain value."""

    value: Json
    type_name: str
    is_typed: bool
    """Rows say what they are: not after a cast."""


def answer(root: str, path: Path, options: Mapping[str, str]) -> bytes:
    """The JSON that a GET is answered with. An address that ends with /$count is for `counted`. Raises NotFound, Refused."""
    place, wanted = _walk(path), asked.asked(options)
    context = f"{root}$metadata#{_told(path)}"
    if isinstance(place.value, list) and place.type_name:
        return msgspec.json.encode({"@odata.context": context, **_rows(place, types.nodes_in(place.value), wanted)})
    if isinstance(place.value, Mapping):
        body = asked.cut(place.value, wanted, place.type_name, typed=place.is_typed)
        return msgspec.json.encode({"@odata.context": f"{context}/$entity", **body})
    return msgspec.json.encode({"@odata.context": context, "value": place.value})


def counted(path: Path, options: Mapping[str, str]) -> int:
    """For an address that ends with /$count."""
    place = _walk(path)
    if not isinstance(place.value, list):
        raise unknown_segment("$count")
    return len(asked.rows_of(types.nodes_in(place.value), place.type_name, asked.asked(options)))


def _rows(place: Place, nodes: list[Node], wanted: Asked) -> Node:
    rows = asked.rows_of(nodes, place.type_name, wanted)
    cut = [asked.cut(one, wanted, place.type_name, typed=place.is_typed) for one in rows[: wanted.top]]
    told: Node = {"@odata.count": len(rows)} if wanted.count else {}
    return {**told, "value": cut}


# The walk


def _walk(path: Path) -> Place:
    first, *rest = path
    nodes, type_name = SETS[first.name]
    place = _keyed(Place(list(nodes()), type_name, type_name not in types.EXACT), first)
    for step in rest:
        place = _cast(place, step) if step.name.startswith(_CAST) else _inside(place, step)
    return place


def _cast(place: Place, step: Segment) -> Place:
    type_name = step.name.removeprefix(_CAST)
    if not types.exists(type_name) or not isinstance(place.value, (list, Mapping)):
        raise unknown_segment(step.name)
    if isinstance(place.value, list):
        rows = [one for one in types.nodes_in(place.value) if types.is_a(one, type_name)]
        return _keyed(Place(rows, type_name, is_typed=False), step)
    if not types.is_a(place.value, type_name):
        raise NotFound("RecordMissing", f"The definition is not of type '{NAMESPACE}.{type_name}'.")
    return replace(place, type_name=type_name, is_typed=False)


def _inside(place: Place, step: Segment) -> Place:
    if not isinstance(place.value, Mapping) or step.name not in place.value:
        raise unknown_segment(step.name)
    found = place.value[step.name]
    type_name = types.NAVIGATION_TYPES.get(step.name, "")
    inner = Place(found, type_name, isinstance(found, list) and type_name not in types.EXACT)
    if step.inside is None:
        return inner
    if not type_name or not isinstance(found, list):
        raise unknown_segment(step.name)
    return _keyed(inner, step, str(place.value.get("LogicalName", "")))


def _keyed(place: Place, step: Segment, owner: str = "") -> Place:
    if step.inside is None:
        return place
    name, value = _key(step.inside, place.type_name)
    rows = types.nodes_in(place.value)
    found = next((one for one in rows if one.get(name) == value), None)
    if found is None:
        raise _missing(place.type_name, name, value, owner)
    return replace(place, value=found)


def _key(text: str, type_name: str) -> tuple[str, str]:
    match = _KEY.fullmatch(text)
    assert match is not None, "the last alternative takes anything"
    name, quoted, bare = match[1] or "MetadataId", match[2], match[3]
    value = bare if quoted is None else quoted.replace("''", "'")
    if name == "MetadataId" and is_id(value):
        return name, value.strip("{}").lower()
    if name in KEYS.get(types.base_of(type_name), ("SchemaName",)) and quoted is not None:
        return name, value
    raise Refused(
        "KeyInvalid", f"The key in the request URI is not valid for resource '{NAMESPACE}.{type_name}'."
    )  # fmt: skip


def _missing(type_name: str, name: str, value: str, owner: str) -> NotFound:
    if name == "LogicalName" and type_name == types.ENTITY:
        said = (
            f"The entity with a name = '{value[:100]}' with namemapping = 'Logical' was not found in the MetadataCache."
        )
    elif name == "LogicalName" and owner:
        said = f"'{owner}' entity doesn't contain attribute with Name = '{value[:100]}' and NameMapping = 'Logical'."
    else:
        said = f"Could not find {type_name} with {name} = '{value[:100]}'."
    return NotFound("RecordMissing", said)


def _told(path: Path) -> str:
    return "/".join(step.name if step.inside is None else f"{step.name}({step.inside})" for step in path)
