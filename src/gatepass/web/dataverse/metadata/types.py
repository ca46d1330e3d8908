"""Which types of definitions there are, what hangs on them, and which members each has: read off the definitions themselves."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from gatepass.web.dataverse.metadata.entities import entities
from gatepass.web.dataverse.metadata.labels import NAMESPACE, Json, Node
from gatepass.web.dataverse.metadata.option_sets import global_option_sets
from gatepass.web.dataverse.metadata.relationships import MANY_TO_MANY, ONE_TO_MANY, relationships

ENTITY, ATTRIBUTE, KEY = "EntityMetadata", "AttributeMetadata", "EntityKeyMetadata"
RELATIONSHIP, OPTION_SET = "RelationshipMetadataBase", "OptionSetMetadataBase"
NAVIGATION_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "Attributes": ATTRIBUTE,
        "Keys": KEY,
        "ManyToOneRelationships": ONE_TO_MANY,
        "OneToManyRelationships": ONE_TO_MANY,
        "ManyToManyRelationships": MANY_TO_MANY,
        "OptionSet": "OptionSetMetadata",
        "GlobalOptionSet": "OptionSetMetadata",
    }
)
"""What must be expanded to be seen, and its type."""
NAVIGATIONS = frozenset(NAVIGATION_TYPES)
EXACT = frozenset({ENTITY, KEY})
"""Nothing is derived from these, so their rows need not say what they are."""
_DERIVED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"EnumAttributeMetadata": ("PicklistAttributeMetadata", "StateAttributeMetadata", "StatusAttributeMetadata")}
)
_ABSENT = frozenset(
    f"{name}AttributeMetadata"
    for name in ("Double", "Image", "File", "MultiSelectPicklist", "EntityName", "ManagedProperty")
)
"""Types of columns that exist, though perhaps no column of ours has them: no rows, not an error."""


def exists(type_name: str) -> bool:
    """True for a type that definitions can be cast to."""
    return type_name in _ABSENT or type_name in _by_type()


def is_a(node: Node, type_name: str) -> bool:
    """True when the definition is of this type, or of one derived from it."""
    own = str(node.get("@odata.type", "")).removeprefix(f"#{NAMESPACE}.")
    return own == type_name or own in _DERIVED.get(type_name, ()) or base_of(own) == type_name


@cache
def members_of(type_name: str) -> frozenset[str]:
    """The members that every definition of the type has."""
    nodes = _by_type().get(type_name) or _by_type()[ATTRIBUTE]
    return frozenset(set[str].intersection(*(set(node) for node in nodes)))


def nodes_in(value: Json) -> list[Node]:
    """The definitions of a list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


@cache
def _by_type() -> dict[str, list[Node]]:
    found = dict[str, list[Node]]()
    for node in _all():
        own = str(node["@odata.type"]).removeprefix(f"#{NAMESPACE}.")
        wider = [name for name, derived in _DERIVED.items() if own in derived]
        for name in {own, base_of(own), *wider}:
            found.setdefault(name, []).append(node)
    return found


def _all() -> Iterator[Node]:
    yield from relationships()
    yield from global_option_sets()
    for entity in entities():
        yield entity
        for name in ("Attributes", "Keys"):
            yield from nodes_in(entity[name])


def base_of(own: str) -> str:
    """The type that it is derived from; itself when there is none."""
    for base in (RELATIONSHIP, OPTION_SET, ATTRIBUTE):
        if own.endswith(base.removesuffix("Base")):
            return base
    return own
