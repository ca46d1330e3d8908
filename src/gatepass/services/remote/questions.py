"""What only a person can decide about purchases of a remote Dataverse: entries in needs attention."""

from uuid import UUID

from gatepass.dataverse import NoAccess
from gatepass.domain.difference import Kind
from gatepass.domain.money import Money
from gatepass.domain.remote import RemotePurchase, Seen
from gatepass.domain.remote_difference import key_of
from gatepass.store import WriteTx, call_lanes, records
from gatepass.store.call_lanes import Rules
from gatepass.store.jobs import Job

ACCESS = "dataverse_access"
"""The entry that says that Dataverse lets us in no more: one, however many purchases wait."""


def no_access(tx: WriteTx, error: NoAccess) -> None:
    """Dataverse lets us in no more; nothing is lost meanwhile."""
    reason = f"{error.message} Payments are kept, and confirmed once it is put right. Find out with: gatepass doctor"
    records.call_attention(tx, ACCESS, reason, dedupe=ACCESS)


def answered(tx: WriteTx, rules: Rules, done: Job) -> None:
    """Dataverse answers: a place of its lane is free, and if it had let us in no more, it does again."""
    if call_lanes.went_well(tx, rules, done):
        records.supersede_attention(tx, [ACCESS])


def incomplete(tx: WriteTx, seen: Seen) -> None:
    """A buyer could not pay: never guess a price or a currency."""
    reason = f"Purchase {seen.name or seen.id} in Dataverse does not have {seen.missing}: it cannot be paid. Set it over there."
    records.call_attention(tx, "purchase_incomplete", reason, dedupe=_incomplete_key(seen.id), purchase_id=seen.id)


def complete_again(tx: WriteTx, purchase_id: UUID) -> None:
    """It has all that a payment needs."""
    records.supersede_attention(tx, [_incomplete_key(purchase_id)])


def _incomplete_key(purchase_id: UUID) -> str:
    return f"incomplete:{purchase_id}"


def elsewhere(tx: WriteTx, row: RemotePurchase) -> None:
    """Money of ours, for a purchase that somebody else has completed: never given back by itself, it may be for this."""
    reason = (
        f"{row.total} was paid here, and somebody else had completed the purchase in Dataverse before. If that was for this "
        "money, close this entry; if it came on top, refund it."
    )
    records.call_attention(tx, "paid_elsewhere", reason, dedupe=elsewhere_key(row.id), purchase_id=row.id)


def late(tx: WriteTx, row: RemotePurchase) -> None:
    """Money of ours, for seats that were given away."""
    reason = (
        f"{row.total} arrived after Dynamics had given the seats away. Refund it, or register them by hand over there."
    )
    records.call_attention(tx, "paid_late", reason, dedupe=_late_key(row.id), purchase_id=row.id)


def gone(tx: WriteTx, row: RemotePurchase) -> None:
    """Money of ours, for a purchase that Dataverse does not have any more."""
    reason = f"{row.total} was paid for purchase {row.name or row.id}, which is no longer in Dataverse. Refund it."
    records.call_attention(tx, "purchase_gone", reason, dedupe=_gone_key(row.id), purchase_id=row.id)


def refused(tx: WriteTx, row: RemotePurchase, why: str, claim: Job) -> None:
    """Dataverse will not take the word: trying again does not help."""
    reason = f"Purchase {row.name or row.id} should be {row.wanted} in Dataverse. {why} Then have it asked again."
    # The key of every job that was given up: `gatepass replay` closes the entry with it.
    name = f"job:{claim.id}"
    records.supersede_attention(tx, [name])
    records.call_attention(tx, "finalize_refused", reason, dedupe=name, purchase_id=row.id)


def underpaid(tx: WriteTx, row: RemotePurchase, total: Money) -> None:
    """It became dearer over there after its payment page was opened: what is not paid in full is not ours to confirm."""
    reason = (
        f"It was paid as it cost when its page was opened; over there it costs {total} by now. Put the total right and have it "
        "asked again, complete it there by hand, or give the money back."
    )
    records.call_attention(tx, "underpaid", reason, dedupe=_underpaid_key(row.id), purchase_id=row.id)


def overpaid(tx: WriteTx, row: RemotePurchase, kept: Money, total: Money) -> None:
    """It became cheaper over there after its payment page was opened. Reconciliation would find it too: it is one question."""
    reason = (
        f"{kept} was paid, as it cost when its page was opened; over there it costs {total} by now. Give back what is too much, or "
        "put the total right there and close this entry."
    )
    records.call_attention(tx, "overpaid", reason, dedupe=key_of(Kind.TOTAL_CHANGED, row.id), purchase_id=row.id)


def release_by_hand(tx: WriteTx, row: RemotePurchase) -> None:
    """Its money goes back, and Dataverse has no call that ends its registrations."""
    reason = "Everything that was paid goes back. Cancel its registrations in Dynamics: Dataverse has no call for that."
    records.call_attention(tx, "release_by_hand", reason, dedupe=f"release_by_hand:{row.id}", purchase_id=row.id)


def keys_of(purchase_id: UUID) -> list[str]:
    """Of the questions that another look at the purchase answers, or asks again."""
    return [elsewhere_key(purchase_id), _late_key(purchase_id), _gone_key(purchase_id), _underpaid_key(purchase_id)]


def elsewhere_key(purchase_id: UUID) -> str:
    """Of the question whether money of ours is for what somebody else has completed."""
    return f"paid_elsewhere:{purchase_id}"


def _late_key(purchase_id: UUID) -> str:
    return f"paid_late:{purchase_id}"


def _underpaid_key(purchase_id: UUID) -> str:
    return f"underpaid:{purchase_id}"


def _gone_key(purchase_id: UUID) -> str:
    return f"purchase_gone:{purchase_id}"
