"""RetrieveMetadataChanges: definitions by an EntityQueryExpression (learn.microsoft.com, EntityQueryExpression ComplexType).

There is one version of the definitions, so every answer holds all that fits; nothing is ever deleted.
"""

from collections.abc import Mapping, Sequence

import msgspec

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.metadata import types
from gatepass.web.dataverse.metadata.entities import COLLECTIONS, entities
from gatepass.web.dataverse.metadata.labels import NAMESPACE, Json, Node, metadata_id

VERSION_STAMP = metadata_id("stamp", "1")
_ALWAYS = ("MetadataId", "HasChanged")


class Value(msgspec.Struct, rename="pascal"):
    """An Object ComplexType: texts, whatever `type` says. Lists are texts of JSON, in single or double quotes."""

    value: str | bool | int | float | list[str | int] | None = None


class Condition(msgspec.Struct, rename="pascal"):
    """One member compared with a value."""

    property_name: str
    condition_operator: str
    value: Value | None = None


class Filter(msgspec.Struct, rename="pascal"):
    """Conditions and filters, all of which or one of which must hold."""

    conditions: list[Condition] = []
    filters: list["Filter"] = []
    filter_operator: str = "And"


class Properties(msgspec.Struct, rename="pascal"):
    """Which members are wanted."""

    all_properties: bool = False
    property_names: list[str] = []


class SubQuery(msgspec.Struct, rename="pascal"):
    """What is asked of columns, relationships, or keys."""

    criteria: Filter | None = None
    properties: Properties | None = None


class EntityQuery(SubQuery, rename="pascal"):
    """What is asked of tables."""

    attribute_query: SubQuery | None = None
    relationship_query: SubQuery | None = None
    key_query: SubQuery | None = None


_decoder = msgspec.json.Decoder(EntityQuery)
_EVERYTHING = SubQuery(properties=Properties(all_properties=True))


def retrieve_metadata_changes(root: str, query: str) -> bytes:
    """The answer as JSON. `query` is the text of the parameter. Raises Refused (PayloadInvalid)."""
    asked = _read(query)
    body: Node = {
        "@odata.context": f"{root}$metadata#{NAMESPACE}.RetrieveMetadataChangesResponse",
        "ServerVersionStamp": VERSION_STAMP,
        "DeletedMetadata": None,
        "EntityMetadata": [_entity(one, asked) for one in entities() if _fits(one, asked.criteria)],
    }
    return msgspec.json.encode(body)


def _read(text: str) -> EntityQuery:
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        said = f"Query is no EntityQueryExpression: {str(error)[:200]}"
        raise Refused("PayloadInvalid", said) from None


def _entity(entity: Node, asked: EntityQuery) -> Node:
    found = dict(_projected(entity, asked.properties))
    parts = {"Attributes": asked.attribute_query, "Keys": asked.key_query}
    for name in COLLECTIONS:
        if name in found:
            query = parts.get(name, asked.relationship_query) or _EVERYTHING
            found[name] = _parts(types.nodes_in(found[name]), query)
    return found


def _parts(nodes: list[Node], asked: SubQuery) -> list[Json]:
    return [_projected(one, asked.properties) for one in nodes if _fits(one, asked.criteria)]


def _projected(node: Node, wanted: Properties | None) -> Node:
    """Members that a type does not have are left out: a query names those of all types together."""
    names = set(node) if wanted and wanted.all_properties else {*_ALWAYS, *(wanted.property_names if wanted else ())}
    found = {name: value for name, value in node.items() if name in names}
    return {**found, "@odata.type": _complex(node)}


def _complex(node: Node) -> str:
    return str(node["@odata.type"]).replace(f"{NAMESPACE}.", f"{NAMESPACE}.Complex")


# Criteria


def _fits(node: Node, criteria: Filter | None) -> bool:
    if criteria is None or not (criteria.conditions or criteria.filters):
        return True
    results = [_holds(node, one) for one in criteria.conditions] + [_fits(node, one) for one in criteria.filters]
    return any(results) if criteria.filter_operator == "Or" else all(results)


def _holds(node: Node, condition: Condition) -> bool:
    found = _plain(node.get(condition.property_name))
    given = condition.value.value if condition.value else None
    match condition.condition_operator:
        case "Equals":
            return _text(found) == _text(given)
        case "NotEquals":
            return _text(found) != _text(given)
        case "In":
            return _text(found) in _texts(given)
        case "NotIn":
            return _text(found) not in _texts(given)
        case "GreaterThan":
            return _number(found) > _number(given)
        case "LessThan":
            return _number(found) < _number(given)
        case unknown:
            raise Refused("QueryUnsupported", f"There is no ConditionOperator '{unknown[:50]}'.")


def _plain(value: Json) -> Json:
    """What a managed property holds."""
    return value.get("Value") if isinstance(value, Mapping) else value


def _text(value: Json) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    text = None if value is None else str(value)
    return text.lower() if text in {"True", "False"} else text


def _texts(value: Json) -> Sequence[str | None]:
    if not isinstance(value, str):
        return [_text(one) for one in value] if isinstance(value, list) else [_text(value)]
    inner = value.strip().removeprefix("[").removesuffix("]")
    return [_text(part.strip().strip("'\"")) for part in inner.split(",")]


def _number(value: Json) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")
