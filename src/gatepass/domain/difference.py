"""What differs between the provider's books, our ledger and the registrations, and what mends it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gatepass.domain.dispute import Dispute, DisputeReport, DisputeState
from gatepass.domain.money import Money
from gatepass.domain.payment import MONEY, Payment, PaymentState, Report, mismatch
from gatepass.domain.purchase import Status
from gatepass.domain.refund import COUNTS, Refund, RefundReport


class Kind(StrEnum):
    """What differs."""

    PAYMENT_UNHEARD = "payment_unheard"
    """The provider knows more of a payment than we do."""
    MONEY_WITHOUT_ROW = "money_without_row"
    """Money for a purchase of ours, on a page that no row holds."""
    PAGE_OPEN = "page_open"
    """It can still be paid, though its attempt is over here, or no row holds it."""
    MISMATCH = "mismatch"
    """Amount, currency, mode or purchase are not those of the attempt."""
    PAID_HERE_ONLY = "paid_here_only"
    REFUND_UNHEARD = "refund_unheard"
    REFUND_WRONG = "refund_wrong"
    """Its amount differs, or it arrived there and failed here."""
    REFUND_HERE_ONLY = "refund_here_only"
    DISPUTE_UNHEARD = "dispute_unheard"
    DISPUTE_HERE_ONLY = "dispute_here_only"
    PAID_NOT_CONFIRMED = "paid_not_confirmed"
    CONFIRMED_NOT_PAID = "confirmed_not_paid"
    SEATS_WRONG = "seats_wrong"
    """Registrations are held without a completed purchase, or a completed one holds none."""
    TOTAL_CHANGED = "total_changed"
    """What it costs over there is not what was paid here, or is kept of it."""
    CANCELLED_HERE_ONLY = "cancelled_here_only"
    """Its seats were given back, and Dataverse has opened it again."""
    PURCHASE_MISSING = "purchase_missing"
    """Money is here for a purchase that is not."""


class Remedy(StrEnum):
    """What mends a difference. All but `attention` only bring a record, ours or a remote one, to what the provider says, or end a page."""

    LOOK_UP = "look_up"
    ADOPT = "adopt"
    END_PAGE = "end_page"
    RECORD_REFUND = "record_refund"
    RECORD_DISPUTE = "record_dispute"
    SETTLE = "settle"
    """Tell the Dataverse where the purchase lives what its money says."""
    ATTENTION = "attention"
    """A person must decide."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of a reconciliation."""

    kind: Kind
    remedy: Remedy
    key: str
    """The same difference has the same key: also that of its entry in needs attention."""
    purchase_id: UUID
    ref: str
    """The provider's name of what it is about; empty when it is about registrations."""
    ours: str
    theirs: str
    payment: Payment | None = None
    """The attempt it is about; without a row of its own, one of the same purchase."""
    report: Report | None = None
    refund: RefundReport | None = None
    dispute: DisputeReport | None = None


@dataclass(slots=True)
class Sums:
    """Minor units of one currency, on one side."""

    charged: int = 0
    refunded: int = 0
    disputed: int = 0
    """What buyers' banks hold or keep."""
    fees: int = 0

    @property
    def net(self) -> int:
        """What is left of it."""
        return self.charged - self.refunded - self.disputed - self.fees


@dataclass(slots=True)
class Balance:
    """Both sides, in one currency."""

    theirs: Sums = field(default_factory=Sums)
    ours: Sums = field(default_factory=Sums)
    fees_to_store: int = 0
    """Of the provider's fees: what we have not stored yet. It is no difference."""

    @property
    def difference(self) -> Sums:
        """Theirs without ours."""
        return Sums(
            charged=self.theirs.charged - self.ours.charged,
            refunded=self.theirs.refunded - self.ours.refunded,
            disputed=self.theirs.disputed - self.ours.disputed,
            fees=self.theirs.fees - self.fees_to_store - self.ours.fees,
        )

    @property
    def differs(self) -> bool:
        """True when any sum does."""
        return self.difference != Sums()


def of_payment(row: Payment, report: Report) -> Difference | None:
    """What differs between an attempt and the provider's word about it; None: nothing."""
    if row.intent_ref and report.intent_ref != row.intent_ref:
        return _of_another_visit(row, report)
    if why := mismatch(row, report):
        return _paid(Kind.MISMATCH, Remedy.ATTENTION, row, report, f"mismatch:{row.id}:{report.session_ref}", why)
    if row.state is PaymentState.SUCCEEDED and report.state is not PaymentState.SUCCEEDED:
        return _paid(Kind.PAID_HERE_ONLY, Remedy.ATTENTION, row, report)
    if row.told(report).state is not row.state:
        return _paid(Kind.PAYMENT_UNHEARD, Remedy.LOOK_UP, row, report)
    if report.state is PaymentState.CREATED and not row.open:
        return _paid(Kind.PAGE_OPEN, Remedy.END_PAGE, row, report)
    return None


def _of_another_visit(row: Payment, report: Report) -> Difference | None:
    """A page that can be opened by many: somebody else's visit counts only when it brought money."""
    return _paid(Kind.MONEY_WITHOUT_ROW, Remedy.LOOK_UP, row, report) if report.state in MONEY else None


def of_stray(like: Payment, report: Report) -> Difference | None:
    """What is wrong with a page of a purchase of ours that no row holds; `like` is what an attempt of it looks like."""
    if report.state in MONEY and (why := mismatch(like, report)):
        key = f"reconcile:{Kind.MISMATCH}:{report.session_ref}"
        return _paid(Kind.MISMATCH, Remedy.ATTENTION, like, report, key, why, ours="no attempt")
    if report.state in MONEY:
        return _paid(Kind.MONEY_WITHOUT_ROW, Remedy.ADOPT, like, report, ours="no attempt")
    if report.state is PaymentState.CREATED and not mismatch(like, report):
        return _paid(Kind.PAGE_OPEN, Remedy.END_PAGE, like, report, ours="no attempt")
    return None


def _paid(
    kind: Kind, remedy: Remedy, row: Payment, report: Report, key: str = "", why: str = "", ours: str = ""
) -> Difference:  # fmt: skip
    return Difference(
        kind=kind,
        remedy=remedy,
        key=key or f"reconcile:{kind}:{report.session_ref}",
        purchase_id=row.purchase_id,
        ref=report.session_ref,
        ours=ours or f"attempt {row.number} {row.state}, {row.amount}",
        theirs=f"{report.state}, {report.amount or 'unknown amount'}" + (f": {why}" if why else ""),
        payment=row,
        report=report,
    )


def of_refund(payment: Payment, row: Refund | None, report: RefundReport) -> Difference | None:
    """What differs between a refund of this payment and the provider's word about it."""
    fits = report.amount is not None and report.amount.minor > 0 and report.amount.currency == payment.amount.currency
    moved = row is not None and row.told(report).state is not row.state
    if not fits or (row and (row.amount != report.amount or not (moved or row.counts == (report.state in COUNTS)))):
        kind, remedy = Kind.REFUND_WRONG, Remedy.ATTENTION
    elif row is None or moved:
        kind, remedy = Kind.REFUND_UNHEARD, Remedy.RECORD_REFUND
    else:
        return None
    return Difference(
        kind=kind,
        remedy=remedy,
        key=f"reconcile:{kind}:{report.refund_ref}",
        purchase_id=payment.purchase_id,
        ref=report.refund_ref,
        ours=f"{row.state}, {row.amount}" if row else "no refund",
        theirs=f"{report.state}, {report.amount or 'unknown amount'}",
        payment=payment,
        refund=report,
    )


def of_dispute(payment: Payment, row: Dispute | None, report: DisputeReport) -> Difference | None:
    """What differs between a dispute about this payment and the provider's word about it."""
    amount = report.amount or payment.amount
    told = (report.state, amount, report.inquiry, report.due)
    if row and (row.state, row.amount, row.inquiry, row.due) == told:
        return None
    return Difference(
        kind=Kind.DISPUTE_UNHEARD,
        remedy=Remedy.RECORD_DISPUTE,
        key=f"reconcile:{Kind.DISPUTE_UNHEARD}:{report.dispute_ref}",
        purchase_id=payment.purchase_id,
        ref=report.dispute_ref,
        ours=_disputed(row.state, row.amount, row.due, inquiry=row.inquiry) if row else "no dispute",
        theirs=_disputed(report.state, amount, report.due, inquiry=report.inquiry),
        payment=payment,
        dispute=report,
    )


def _disputed(state: DisputeState, amount: Money, due: datetime | None, *, inquiry: bool) -> str:
    """All that may differ, so that two lines that are told apart look different."""
    until = f", answer until {due:%Y-%m-%d %H:%M} UTC" if due else ""
    return f"{'inquiry ' if inquiry else ''}{state}, {amount}{until}"


def here_only(kind: Kind, purchase_id: UUID, ref: str, ours: str) -> Difference:
    """Something stands here that the provider does not know."""
    return Difference(kind, Remedy.ATTENTION, f"reconcile:{kind}:{ref}", purchase_id, ref, ours, "unknown there")


def of_missing(purchase_id: UUID, kept: Money) -> Difference | None:
    """Money that is still here, for a purchase that is not."""
    if not kept.minor:
        return None
    key = f"reconcile:{Kind.PURCHASE_MISSING}:{purchase_id}"
    return Difference(Kind.PURCHASE_MISSING, Remedy.ATTENTION, key, purchase_id, "", "no purchase", f"{kept} for it")


@dataclass(frozen=True, slots=True)
class Standing:
    """A purchase beside its money: what it costs, what came, what went, and how many hold a registration."""

    id: UUID
    status: Status
    total: Money
    live: bool
    paid_minor: int
    gone_minor: int
    """Given back, or held or kept by the buyer's bank."""
    registered: int


def of_standing(one: Standing) -> Difference | None:
    """What differs between a purchase, its money and its registrations."""
    completed = one.status is Status.COMPLETED
    unsettled = one.status in {Status.AWAITING_PAYMENT, Status.EXPIRED, Status.CANCELLED}
    if completed and one.paid_minor < one.total.minor:
        kind = Kind.CONFIRMED_NOT_PAID
    elif unsettled and 0 < one.total.minor <= one.paid_minor - one.gone_minor:
        kind = Kind.PAID_NOT_CONFIRMED
    elif completed != (one.registered > 0):
        kind = Kind.SEATS_WRONG
    else:
        return None
    kept = Money(one.paid_minor - one.gone_minor, one.total.currency)
    ours = f"{one.status} with {one.registered} registrations"
    key = f"reconcile:{kind}:{one.id}"
    return Difference(kind, Remedy.ATTENTION, key, one.id, "", ours, f"{kept} of {one.total}")
