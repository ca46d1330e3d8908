"""The Web API in the OpenAPI document: its kinds of addresses. What the tables hold stands in $metadata, in full."""

from collections.abc import Mapping, Sequence
from typing import Any

from gatepass import model

ROOT = "/api/data/v9.2"
_LIST = ("$select", "$filter", "$orderby", "$top", "$count", "$expand", "$apply", "$skiptoken", "fetchXml", "sql")
_ONE = ("$select", "$expand")
_HEADERS = ("Prefer", "If-Match", "If-None-Match")
_RECORD = {"type": "object", "additionalProperties": True}

Paths = dict[str, dict[str, Any]]


def paths() -> Paths:
    """By address, then by method."""
    return {
        path: {
            method: one | {"parameters": [*_of_path(path), *one["parameters"]]} for method, one in operations.items()
        }
        for path, operations in _addresses().items()
    }


def _addresses() -> Paths:
    record = f"{ROOT}/{{set}}({{key}})"
    return {
        f"{ROOT}/{{set}}": {"get": _reads("Rows of a table", _LIST), "post": _writes("Make a row", _RECORD)},
        f"{ROOT}/{{set}}/$count": {"get": _reads("How many rows there are", ("$filter",))},
        record: {
            "get": _reads("One row", _ONE),
            "patch": _writes("Change a row, or make it", _RECORD),
            "delete": _writes("Remove a row"),
        },
        f"{record}/{{member}}": {
            "get": _reads("A value, or what is related", _LIST),
            "put": _writes("Set a value", {"type": "object", "properties": {"value": {}}}),
            "delete": _writes("Clear a value"),
        },
        f"{record}/{{member}}/$ref": {
            "get": _reads("Links", _LIST),
            **{method: _writes("Link", _REFERENCE) for method in ("put", "post")},
            "delete": _writes("Unlink", options=("$id",)),
        },
        f"{ROOT}/{{set}}/Microsoft.Dynamics.CRM.CreateMultiple": {"post": _writes("Make many rows", _TARGETS)},
        f"{ROOT}/$batch": {"post": _batch()},
        f"{ROOT}/EntityDefinitions": {"get": _reads("Tables", (*_ONE, "$filter"))},
        f"{ROOT}/WhoAmI": {"get": _reads("Who calls", ())},
    }


_REFERENCE = {"type": "object", "properties": {"@odata.id": {"type": "string"}}}
_TARGETS = {"type": "object", "properties": {"Targets": {"type": "array", "items": _RECORD}}}
_SETS = {"type": "string", "enum": sorted(table.set_name for table in model.TABLES)}
_MEMBERS = {"type": "string", "enum": sorted({one.wire for table in model.TABLES for one in table.shown})}
_SCHEMAS: Mapping[str, Any] = {"set": _SETS, "key": {"type": "string", "format": "uuid"}, "member": _MEMBERS}


def _reads(summary: str, options: Sequence[str]) -> dict[str, Any]:
    return _operation(summary, options, {"200": "What was asked for", "204": "There is none"})


def _writes(summary: str, body: Any = None, options: Sequence[str] = ()) -> dict[str, Any]:
    found = _operation(summary, options, {"200": "Done", "201": "Done, and told", "204": "Done"})
    return found | ({"requestBody": {"content": {"application/json": {"schema": body}}}} if body else {})


def _batch() -> dict[str, Any]:
    found = _operation("Several requests at once", (), {"200": "An answer to each"})
    return found | {"requestBody": {"content": {"multipart/mixed": {"schema": {"type": "string"}}}}}


def _operation(summary: str, options: Sequence[str], answers: Mapping[str, str]) -> dict[str, Any]:
    shape = {"type": "object", "properties": {"error": {"type": "object"}}}
    refused = {"description": "Refused", "content": {"application/json": {"schema": shape}}}
    query = [_parameter(name, "query") for name in options]
    headers = [_parameter(name, "header") for name in ("Authorization", *_HEADERS)]
    told = {code: {"description": said} for code, said in answers.items()}
    return {
        "tags": ["Web API"], "summary": summary, "parameters": [*query, *headers],
        "responses": told | dict.fromkeys(("4XX", "501", "503"), refused),
    }  # fmt: skip


def _of_path(path: str) -> list[dict[str, Any]]:
    return [_parameter(name, "path") for name in _SCHEMAS if f"{{{name}}}" in path]


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": _SCHEMAS.get(name, {"type": "string"})}
