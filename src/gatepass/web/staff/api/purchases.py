"""Orders: found, shown with their story, refunded, settled or cancelled by hand, their people helped."""

from uuid import UUID

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.money import Money
from gatepass.domain.purchase import order_reference
from gatepass.services import helping, refunds, timeline
from gatepass.services.answers import Answer
from gatepass.services.finalize import Word
from gatepass.services.helping import By
from gatepass.services.refunds import Wish
from gatepass.store import ReadTx, WriteTx, payments, purchases, search
from gatepass.store.purchases import AttendeeRow
from gatepass.store.search import Wanted
from gatepass.store.tables import Row
from gatepass.web import timeline_types
from gatepass.web.staff.api.door import Call, Told
from gatepass.web.staff.api.types.setting_up import ReasonIn
from gatepass.web.staff.api.types.work import (
    AttendeeIn,
    AttendeeOut,
    PreviewOut,
    PurchaseLine,
    PurchaseLines,
    PurchaseOut,
    PurchaseQuery,
    RefundIn,
    RefundOut,
    RefundsOut,
    ResendIn,
    SettledOut,
)
from gatepass.web.timeline_types import MoneyDto, money


async def found(call: Call, wanted: PurchaseQuery) -> PurchaseLines:
    """GET /purchases: orders, the newest first (`q`, `event`, `state`, `since`, `before`)"""
    wish = Wanted(wanted.q.strip(), wanted.event, wanted.state, wanted.since, wanted.before)
    rows, more = await call.store.read(lambda tx: search.found(tx, wish))
    return PurchaseLines(items=[_line(row) for row in rows], next=more)


def _line(row: Row) -> PurchaseLine:
    return PurchaseLine(
        id=row["id"], reference=order_reference(row["id"]), status=row["status"], event=row["title"], buyer=row["buyer"],
        items=row["items"], total=MoneyDto(row["total_minor"], row["currency"]), created=row["created"],
    )  # fmt: skip


async def show(call: Call) -> PurchaseOut:
    """GET /purchases/{purchase_id}: one order: people, what could go back, and its story"""
    at = call.id("purchase_id")
    return await call.store.snapshot(lambda tx: _purchase(tx, at))


def _purchase(tx: ReadTx, at: UUID) -> PurchaseOut:
    story, purchase = timeline.tell_now(tx, at), purchases.get(tx, at)
    assert purchase is not None
    registered = {person.id for person in purchases.registered(tx, [at])}
    paid = refunds.succeeded(payments.of_purchase(tx, at))
    left = Money(refunds.left_of_all(paid, refunds.gone(tx, [at])), purchase.total.currency)
    people = [_attendee(one, purchase.total.currency, one.id in registered) for one in purchases.attendees(tx, [at])]
    return PurchaseOut(
        id=at, reference=order_reference(at), status=purchase.status.value, event_id=purchase.event_id,
        total=money(purchase.total), refundable=money(left), created=purchase.created, attendees=people,
        timeline=timeline_types.told(story, for_staff=True),
    )  # fmt: skip


def _attendee(one: AttendeeRow, currency: str, registered: bool) -> AttendeeOut:
    return AttendeeOut(
        id=one.id, first_name=one.first_name, last_name=one.last_name, email=one.email, pass_id=one.pass_id,
        price=MoneyDto(one.price_minor, currency), registered=registered,
    )  # fmt: skip


async def preview(call: Call, given: RefundIn) -> PreviewOut:
    """POST /purchases/{purchase_id}/refunds/preview: what a refund would do; nothing is done"""
    wish = _wish(call, given)
    told = await call.store.snapshot(lambda tx: refunds.preview(tx, wish))
    return PreviewOut(
        amount=money(told.amount), left_before=money(told.left_before), left=money(told.left), ends=len(told.people)
    )


async def refund(call: Call, given: RefundIn) -> Answer:
    """POST /purchases/{purchase_id}/refunds: give money back: all, what some people paid, or an amount; with a reason"""
    wish, management = _wish(call, given), call.here.desk.management

    def unit(tx: WriteTx) -> Told:
        made = refunds.refund_in(tx, management, wish)
        items = [
            RefundOut(id=one.id, amount=money(one.amount), state=one.state.value, by_hand=not one.money_ref) for one in made
        ]  # fmt: skip
        return RefundsOut(items=items)

    return await call.once(unit)


def _wish(call: Call, given: RefundIn) -> Wish:
    return Wish(
        purchase_id=call.id("purchase_id"),
        reason=given.reason,
        actor=call.caller.name,
        attendees=list(dict.fromkeys(given.attendees)),
        amount=Money(given.amount.minor, given.amount.currency) if given.amount else None,
        keep_seats=given.keep_seats,
        expected_left=given.expected_left,
    )


async def settle(call: Call, wish: ReasonIn) -> Answer:
    """POST /purchases/{purchase_id}/settle: it was paid another way"""
    return await _settled(call, Word.COMPLETED, wish)


async def cancel(call: Call, wish: ReasonIn) -> Answer:
    """POST /purchases/{purchase_id}/cancel: an order that is not paid ends, and its seats are free"""
    return await _settled(call, Word.CANCELLED, wish)


async def _settled(call: Call, word: Word, wish: ReasonIn) -> Answer:
    at, by = call.id("purchase_id"), By(call.caller.name, wish.reason)

    def unit(tx: WriteTx) -> SettledOut | GatepassError:
        outcome = helping.settle_in(tx, at, word, by)
        return outcome if isinstance(outcome, GatepassError) else SettledOut(id=at, status=outcome.after.value)

    return await call.once(unit)


async def resend(call: Call, wish: ResendIn) -> Answer:
    """POST /purchases/{purchase_id}/resend: the tickets, or the link of the order"""
    at = call.id("purchase_id")
    send = helping.resend if wish.what == "tickets" else helping.resend_link
    return await call.once(lambda tx: send(tx, at, call.caller.name))


async def change_attendee(call: Call, wish: AttendeeIn) -> Answer:
    """PATCH /purchases/{purchase_id}/attendees/{attendee_id}: correct a person; with a reason"""
    at, attendee_id, by = call.id("purchase_id"), call.id("attendee_id"), By(call.caller.name, wish.reason)

    def unit(tx: WriteTx) -> Told:
        before = next((one for one in purchases.attendees(tx, [at]) if one.id == attendee_id), None)
        if before is None:
            raise NotFound("AttendeeUnknown", "This order has no such attendee.")
        words = (
            before.first_name if wish.first_name is None else wish.first_name,
            before.last_name if wish.last_name is None else wish.last_name,
            before.email if wish.email is None else wish.email,
        )
        helping.change_attendee(tx, at, attendee_id, words, by)
        return _purchase(tx, at)

    return await call.once(unit)
