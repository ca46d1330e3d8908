"""The staff API's part of the OpenAPI document, from the table of its operations."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gatepass.web.staff.api.door import API, PROBLEM, Operation, Problem
from gatepass.web.staff.api.operations import OPERATIONS

SECURITY = {
    "staffToken": {"type": "http", "scheme": "bearer", "description": "A token of /staff/tokens; the scope beside it"}
}
_REFUSED = {"description": "Refused", "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def types() -> list[type[msgspec.Struct]]:
    """Everything that goes over the wire."""
    named = {kind.__name__: kind for one in OPERATIONS for kind in (one.gives, one.takes) if kind}
    return [*named.values(), Problem]


def paths(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """`schemas`: of each type by its name."""
    found: dict[str, Any] = {}
    for one in OPERATIONS:
        found.setdefault(API + one.path, {})[one.method.lower()] = _operation(one, schemas)
    return found


def _operation(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    place, _, says = (one.handler.__doc__ or "").partition(": ")
    body = {"requestBody": {"required": True, "content": _json(schemas[one.takes.__name__])}} if one.takes else {}
    return {
        "tags": ["Staff API"],
        "summary": says or place,
        "security": [{"staffToken": [one.scope.value]}],
        "parameters": [*_in_path(one), *_in_query(one), *_key(one)],
        "responses": {**_answers(one, schemas), "4XX": _REFUSED, "503": _REFUSED},
    } | body


def _answers(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    if one.gives is None:
        return {"204": {"description": "Done"}}
    return {str(one.status): {"description": "Done", "content": _json(schemas[one.gives.__name__])}}


def _in_path(one: Operation) -> list[dict[str, Any]]:
    names: list[str] = re.findall(r"\{(\w+)\}", one.path)
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"} | ({"format": "uuid"} if name.endswith("_id") else {})}
        for name in names
    ]  # fmt: skip


def _in_query(one: Operation) -> list[dict[str, Any]]:
    if one.asks is None:
        return []
    (_, found) = msgspec.json.schema_components([one.asks])
    members: Mapping[str, Any] = found[one.asks.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in members.items()]


def _key(one: Operation) -> list[dict[str, Any]]:
    if one.method == "GET":
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return [{"name": "Idempotency-Key", "in": "header", "required": one.moves_money, "schema": schema}]


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
