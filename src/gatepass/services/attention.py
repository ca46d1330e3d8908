"""What a person must decide: seen in one list, closed with a reason, never deleted."""

from uuid import UUID

from gatepass.domain.errors import NotFound, Refused
from gatepass.services import audit
from gatepass.store import WriteTx, records

MAX_REASON_CHARS = 500


def close(tx: WriteTx, entry_id: UUID, reason: str, actor: str) -> None:
    """Say that an entry is dealt with, and how; audited. Raises Refused without a reason, NotFound when it is not open."""
    if not reason.strip() or len(reason) > MAX_REASON_CHARS:
        raise Refused(
            "ReasonMissing", f"Say in 1 to {MAX_REASON_CHARS} characters how it was dealt with.", field="reason"
        )
    found = records.close_attention(tx, entry_id)
    if found is None:
        raise NotFound("AttentionUnknown", f"No open entry has the id {entry_id}. List them with: gatepass attention")
    before, after = {"kind": found["kind"], "state": "open"}, {"kind": found["kind"], "state": "closed"}
    audit.write(
        tx, actor, "attention.close", f"attention:{entry_id}", before=before, after=after, reason=reason.strip()
    )


def close_all_of(tx: WriteTx, purchase_id: UUID, reason: str, actor: str) -> None:
    """A person has settled the purchase itself: that answers its open questions, but not money that came twice."""
    for entry_id in records.questions_of(tx, purchase_id):
        close(tx, entry_id, reason, actor)


def close_by_key(tx: WriteTx, dedupe: str, reason: str, actor: str) -> None:
    """What an entry asked for has happened without a person; nothing when it is not open."""
    if entry_id := records.open_attention(tx, dedupe):
        close(tx, entry_id, reason, actor)
