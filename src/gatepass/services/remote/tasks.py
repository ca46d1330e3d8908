"""The job that brings Dataverse to what is wanted of a purchase."""

from collections.abc import Sequence
from uuid import UUID

from gatepass.store import WriteTx, jobs

TELL = "finalize_remote"
"""Its kind."""


def ask_to_tell(tx: WriteTx, ids: Sequence[UUID]) -> None:
    """Leave it for these; one that was done or given up is taken up again."""
    names = {tell_key(at): at for at in ids}
    known = jobs.lock_by_dedupe(tx, list(names))
    jobs.wake(tx, [job for job, state in known.values() if state != jobs.READY])
    fresh = [(name, at) for name, at in names.items() if name not in known]
    jobs.add_many(tx, [jobs.row(tx, TELL, {"purchase_id": str(at)}, dedupe=name) for name, at in fresh])


def tell_key(purchase_id: UUID) -> str:
    """The dedupe key of that job: one per purchase, so that two words are never under way at once."""
    return f"finalize:{purchase_id}"
