"""The service document: which entity sets there are."""

import msgspec

from gatepass import model
from gatepass.web.dataverse.metadata.edmx import DEFINITION_SETS


def service_document(root: str) -> bytes:
    """The answer to GET of the service root itself."""
    names = sorted([*(table.set_name for table in model.TABLES), *DEFINITION_SETS])
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in names]
    return msgspec.json.encode({"@odata.context": f"{root}$metadata", "value": sets})
