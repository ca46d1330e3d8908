"""What the pages of records share: ids in addresses, and the answer to a form that was refused."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.model.table import Table
from gatepass.services.access import Caller
from gatepass.store import ReadTx, rows
from gatepass.store.tables import Row
from gatepass.web.errors import status_of
from gatepass.web.staff.layout import page

MAX_REASON_CHARS = 500


def id_in(request: Request, name: str) -> UUID:
    """An id in the address. Raises NotFound."""
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise NotFound("RecordMissing", "There is nothing at this address. It may have been deleted.") from None


def row_at(tx: ReadTx, table: Table, record_id: UUID) -> Row:
    """The row of an address. Raises NotFound."""
    found = rows.find(tx, table, record_id)
    if found is None:
        raise NotFound("RecordMissing", f"There is no such {table.label.lower()}. It may have been deleted.")
    return found


def form_page(
    request: Request, caller: Caller, template: str, context: Mapping[str, Any], wrong: GatepassError | None = None
) -> Response:
    """A page with a form; with `wrong` it says what to correct, and has the status of the refusal."""
    return page(request, caller, template, dict(context) | {"wrong": wrong}, status_of(wrong) if wrong else 200)
