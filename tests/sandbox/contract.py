"""Stripe's own description of its API, as a check that every answer passes through."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

CONTRACTS = Path(os.environ.get("GATEPASS_CONTRACTS", Path(__file__).resolve().parents[3] / "shared" / "contracts"))
URI = "urn:stripe"


@dataclass
class Contract:
    """`checked` counts the answers that were compared. Without the description the tests run, and compare nothing."""

    document: dict[str, Any] | None
    registry: Any
    checked: int = 0
    _validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    @classmethod
    def load(cls) -> "Contract":
        path = CONTRACTS / "stripe" / "openapi.json"
        if not path.exists():
            return cls(None, None)
        document = _plain(msgspec.json.decode(path.read_bytes()))
        return cls(document, Registry().with_resource(URI, Resource(document, DRAFT202012)))

    async def check(self, response: httpx.Response) -> None:
        """An httpx event hook: raises AssertionError for an answer that Stripe would not give."""
        path = response.request.url.path
        if not path.startswith("/v1/"):
            return
        self.checked += 1
        await response.aread()
        pointer = self._pointer(response.request.method.lower(), path, response.status_code)
        self.expect(pointer, response.json())
        assert response.headers["request-id"].startswith("req_")
        assert response.headers["content-type"] == "application/json"

    def check_object(self, obj: dict[str, Any]) -> None:
        """An object within an event, by its own name."""
        self.expect(f"/components/schemas/{obj['object']}", obj)

    def needed(self) -> None:
        """Skip a test that is about the comparison itself."""
        if self.document is None:
            pytest.skip(
                f"Stripe's description is not in {CONTRACTS}: answers are not compared. Set GATEPASS_CONTRACTS."
            )

    def expect(self, pointer: str, value: Any) -> None:
        if self.document is None:
            return
        if pointer not in self._validators:
            self._validators[pointer] = Draft202012Validator({"$ref": f"{URI}#{pointer}"}, registry=self.registry)
        errors = [f"{e.json_path}: {e.message[:300]}" for e in self._validators[pointer].iter_errors(value)]
        assert not errors, f"{pointer}: {errors[:5]}"

    def _pointer(self, method: str, path: str, status: int) -> str:
        template = self._template(path)
        code = "200" if status == 200 and template else "default"
        if template is None:
            return "/components/schemas/error"
        escaped = template.replace("~", "~0").replace("/", "~1")
        # jsonschema reads a JSON pointer as part of an address.
        escaped = escaped.replace("{", "%7B").replace("}", "%7D")
        return f"/paths/{escaped}/{method}/responses/{code}/content/application~1json/schema"

    def _template(self, path: str) -> str | None:
        if self.document is None:
            return None
        known = [t for t in self.document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path)]
        return min(known, key=lambda t: t.count("{"), default=None)


def _plain(node: Any) -> Any:
    """JSON Schema of an OpenAPI 3.0 tree: `nullable` becomes a choice, and what is no keyword goes."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        k: _plain(v) for k, v in node.items() if k not in {"x-expansionResources", "nullable"} or isinstance(v, dict)
    }
    kept = _open(kept)
    if node.get("nullable") is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def _open(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of words that Stripe itself does not check is no check for us."""
    return {k: v for k, v in schema.items() if k != "enum"} if schema.get("x-stripeBypassValidation") else schema
