"""Which calls of the Web API are about metadata, and what they do. None of them touches the database."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gatepass.domain.errors import Conflict, Refused
from gatepass.web.dataverse.call import Call, Operation, Reply
from gatepass.web.dataverse.metadata import definitions, edmx
from gatepass.web.dataverse.metadata.changes import retrieve_metadata_changes
from gatepass.web.dataverse.metadata.definitions import Path
from gatepass.web.dataverse.metadata.service import service_document
from gatepass.web.dataverse.odata.address import arguments, unknown_segment

JSON, XML, TEXT = "application/json; odata.metadata=minimal", "application/xml", "text/plain"
READING = frozenset({"GET", "HEAD"})
SCHEMA_ACTIONS = frozenset(
    {
        "CreateEntities", "InsertOptionValue", "InsertStatusValue", "UpdateOptionValue", "UpdateStateValue",
        "DeleteOptionValue", "OrderOption", "CreateCustomerRelationships", "PublishXml", "PublishAllXml",
    }
)  # fmt: skip
"""Actions of Dataverse that change the schema."""


def metadata_operation(call: Call, path: Path) -> Operation | None:
    """None for a call about records. Raises Refused for a change of the schema, which nobody may make."""
    name = path[0].name if path else ""
    is_set = name in definitions.SETS
    if name in SCHEMA_ACTIONS or (is_set and call.method not in READING):
        raise _closed(call, name)
    make = _definitions if is_set else _OTHERS.get(name)
    if make is None:
        return None
    if call.method not in READING:
        raise Conflict("MethodWrong", f"No HTTP resource was found that matches the request URI '{name}'.")
    return Operation(read=lambda _tx, call: make(call, path))


def _definitions(call: Call, path: Path) -> Reply:
    if path[-1].name == "$count":
        return _reply(TEXT, str(definitions.counted(path[:-1], call.options)).encode())
    return _reply(JSON, definitions.answer(call.root, path, call.options))


def _changes(call: Call, path: Path) -> Reply:
    query = arguments(path[0], call.options).get("Query")
    if query is None or len(path) > 1:
        raise unknown_segment(path[-1].name)
    return _reply(JSON, retrieve_metadata_changes(call.root, query))


def _document(_call: Call, path: Path) -> Reply:
    if len(path) > 1:
        raise unknown_segment(path[1].name)
    return _reply(XML, edmx.document())


def _service(call: Call, _path: Path) -> Reply:
    return _reply(JSON, service_document(call.root))


_OTHERS: Mapping[str, Callable[[Call, Path], Reply]] = MappingProxyType(
    {"": _service, "$metadata": _document, "RetrieveMetadataChanges": _changes}
)


def _reply(media_type: str, body: bytes) -> Reply:
    return Reply(200, {"Content-Type": media_type}, body)


def _closed(call: Call, name: str) -> Refused:
    return Refused(
        "PrivilegeMissing",
        f"Principal user {call.caller.name} is missing the privilege to change the schema ({name}): "
        "the tables of this environment are fixed, only their rows can be changed.",
    )
