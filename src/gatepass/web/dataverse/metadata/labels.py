"""The small shapes that every definition is made of: ids, labels, values that could be managed."""

from collections.abc import Mapping, Sequence
from uuid import NAMESPACE_URL, UUID, uuid5

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
Node = Mapping[str, Json]
"""One definition, or a part of one, as it goes out as JSON. Members are PascalCase, as clients read them."""

ENGLISH = 1033
"""The language code of all labels (LCID)."""
NAMESPACE = "Microsoft.Dynamics.CRM"
INTRODUCED = "1.0"
_SPACE = uuid5(NAMESPACE_URL, "gatepass:metadata")


def metadata_id(kind: str, name: str) -> str:
    """Always the same for the same thing: clients keep MetadataIds."""
    return str(uuid5(_SPACE, f"{kind}:{name}"))


def is_id(text: str) -> bool:
    """True for a guid, in any of its forms."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def label(text: str) -> Node:
    """A text in our one language; an empty one has no labels at all."""
    if not text:
        return {"LocalizedLabels": [], "UserLocalizedLabel": None}
    localized: Node = {
        "Label": text,
        "LanguageCode": ENGLISH,
        "IsManaged": False,
        "MetadataId": metadata_id("label", text),
        "HasChanged": None,
    }
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}


def fixed(value: Json, name: str) -> Node:
    """A value that Dataverse lets makers manage; here nobody can change it."""
    return {"Value": value, "CanBeChanged": False, "ManagedPropertyLogicalName": name}
