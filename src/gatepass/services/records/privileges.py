"""Who may do what with which table: by role, the same for every door."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.model.table import Table
from gatepass.services.access import Caller, Role


class Right(StrEnum):
    """A right on a table, in the word that Dataverse's privileges have for it."""

    READ = "Read"
    CREATE = "Create"
    WRITE = "Write"
    DELETE = "Delete"


_NEEDED_TO_FINALIZE = frozenset({"purchase", "event", "pass", "transactioncurrency"})
_SET_UP_BY_EVENT_STAFF = frozenset(
    {
        "event", "pass", "custom_field", "event_field", "session", "session_track", "speaker", "speaker_engagement",
        "sponsorship",
    }
)  # fmt: skip
_NOBODY: Mapping[Right, frozenset[str] | None] = MappingProxyType({})
_MAY: Mapping[Role, Mapping[Right, frozenset[str] | None]] = MappingProxyType(
    {
        Role.ADMINISTRATOR: MappingProxyType(dict.fromkeys(Right)),
        Role.PLANNER: MappingProxyType({Right.READ: None}),
        Role.FINALIZER: MappingProxyType({Right.READ: _NEEDED_TO_FINALIZE}),
        Role.VIEWER: MappingProxyType({Right.READ: None}),
        Role.EVENT_STAFF: MappingProxyType(dict.fromkeys(Right, _SET_UP_BY_EVENT_STAFF) | {Right.READ: None}),
        Role.FINANCE: MappingProxyType({Right.READ: None}),
    }
)
"""Role -> right -> names of tables; None: every table. A role that is not here may do nothing."""


def may(caller: Caller, right: Right, table: Table) -> bool:
    """True when this caller has this right on the table."""
    rights = _MAY.get(caller.role, _NOBODY)
    if right not in rights:
        return False
    tables = rights[right]
    return tables is None or table.name in tables


def may_read(caller: Caller, table: Table) -> bool:
    """True when rows of this table may be shown to this caller."""
    return may(caller, Right.READ, table)


def require(caller: Caller, right: Right, table: Table) -> None:
    """Raises Refused (PrivilegeMissing), naming the privilege."""
    if not may(caller, right, table):
        wanted = f"prv{right}{table.schema}"
        raise Refused(
            "PrivilegeMissing",
            f"Principal user (Id={caller.user_id}, type=8) is missing {wanted} privilege on the table '{table.logical}'. "
            f"Its role is '{caller.role}'. Ask an administrator for one that has it.",
        )
