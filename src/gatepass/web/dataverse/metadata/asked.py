"""What is asked of definitions: $select, $expand, $filter, $top, $count; and the answer cut to that shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.metadata import evaluate, types
from gatepass.web.dataverse.metadata.labels import Json, Node
from gatepass.web.dataverse.odata import expands, resolve
from gatepass.web.dataverse.odata.parser import parse
from gatepass.web.dataverse.odata.tree import Expression

SUPPORTED = frozenset({"$select", "$expand", "$filter", "$top", "$count", "$format"})
MAX_EXPAND_DEPTH = 5
"""Deeper than any path through the definitions."""
_ALWAYS = "MetadataId"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of one level. No `select`: everything but what must be expanded."""

    select: tuple[str, ...] = ()
    expand: Mapping[str, "Asked"] = field(default_factory=dict[str, "Asked"])
    condition: Expression | None = None
    top: int | None = None
    count: bool = False


def asked(options: Mapping[str, str], depth: int = 0) -> Asked:
    """Reads query options. Raises Refused (QuerySyntax, QueryUnsupported)."""
    for name in options:
        if name.startswith("$") and name not in SUPPORTED:
            raise Refused("QueryUnsupported", f"The query parameter {name[:50]} is not supported")
    aliases = {name: value for name, value in options.items() if name.startswith("@")}
    condition = options.get("$filter")
    return Asked(
        tuple(part.strip() for part in options.get("$select", "").split(",") if part.strip() not in {"", "*"}),
        _expansions(options.get("$expand", ""), aliases, depth),
        None if condition is None else parse(condition, aliases),
        resolve.top(options),
        resolve.flag(options, "$count"),
    )


def rows_of(nodes: Iterable[Node], type_name: str, wanted: Asked) -> list[Node]:
    """Those that fit, not yet cut."""
    members = types.members_of(type_name)
    _check_names(wanted, members, type_name)
    condition = wanted.condition
    if condition is None:
        return list(nodes)
    return [one for one in nodes if evaluate.holds(condition, one, type_name, members)]


def cut(node: Node, wanted: Asked, type_name: str, *, typed: bool) -> Node:
    """One definition with the members that are asked for; `typed` keeps its @odata.type."""
    _check_names(wanted, frozenset(node), type_name)
    names = {_ALWAYS, *wanted.select} if wanted.select else set(node) - types.NAVIGATIONS
    names = names | {"@odata.type"} if typed else names - {"@odata.type"}
    found = {name: value for name, value in node.items() if name in names}
    return {**found, **{name: _expanded(node[name], name, more) for name, more in wanted.expand.items()}}


def _expanded(value: Json, name: str, wanted: Asked) -> Json:
    type_name = types.NAVIGATION_TYPES[name]
    if isinstance(value, Mapping):
        return cut(value, wanted, type_name, typed=False)
    if not isinstance(value, list):
        return None
    rows = rows_of(types.nodes_in(value), type_name, wanted)
    return [cut(one, wanted, type_name, typed=type_name not in types.EXACT) for one in rows[: wanted.top]]


def _check_names(wanted: Asked, members: frozenset[str], type_name: str) -> None:
    for name in wanted.select:
        if name not in members:
            raise evaluate.unknown_property(name, type_name)
    for name in wanted.expand:
        if name not in members or name not in types.NAVIGATIONS:
            raise evaluate.unknown_property(name, type_name)


def _expansions(text: str, aliases: Mapping[str, str], depth: int) -> dict[str, Asked]:
    if not text.strip():
        return {}
    if depth >= MAX_EXPAND_DEPTH:
        raise Refused("QuerySyntax", f"$expand is nested deeper than {MAX_EXPAND_DEPTH} levels.")
    found = expands.parse_expand(text)
    return {one.name: asked({**one.options, **aliases}, depth + 1) for one in found}
