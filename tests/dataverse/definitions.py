"""Asks for definitions as a client would, without a server: none of them touches the database."""

import json
from typing import Any, cast
from urllib.parse import quote, urlencode
from uuid import UUID

from gatepass.services.access import Caller, Role
from gatepass.store import ReadTx
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.metadata.door import metadata_operation
from gatepass.web.dataverse.odata.address import segments

ROOT = "https://ev.example/api/data/v9.2/"
CALLER = Caller("reader", Role.PLANNER, UUID(int=1))
NO_DATABASE = cast("ReadTx", None)


def answered(path: str, query: str = "", method: str = "GET") -> Reply | None:
    """The answer to one call; None when it is not about metadata. `path` and `query` as they stand on the wire."""
    call = Call(method, path, query, {}, b"", ROOT, CALLER)
    operation = metadata_operation(call, segments(path))
    if operation is None:
        return None
    assert operation.read is not None
    return operation.read(NO_DATABASE, call)


def told(path: str, /, **options: str) -> Any:
    """The JSON. Options are written without their dollar sign, and sent as the Python client sends them: %24, spaces as +."""
    reply = answered(quote(path, safe="()/='"), urlencode({f"${name}": value for name, value in options.items()}))
    assert reply is not None
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("application/json")
    return json.loads(reply.body)


def rows(path: str, /, **options: str) -> list[Any]:
    """The rows of a collection."""
    found: list[Any] = told(path, **options)["value"]
    return found
