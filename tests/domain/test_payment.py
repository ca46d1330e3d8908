"""What we hold of a payment after each word of its provider. Money outranks every other word, and stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.money import Money
from gatepass.domain.payment import FOLLOWS, MONEY, OPEN, Payment, PaymentState, Report, mismatch

DUE = Money(12050, "EUR")
words = st.lists(st.sampled_from(PaymentState), max_size=10)


def test_every_pair_of_states_has_an_answer() -> None:
    assert set(FOLLOWS) == set(product(PaymentState, PaymentState))


@given(words)
def test_money_never_goes_back(history: list[PaymentState]) -> None:
    payment = _payment()
    for word in history:
        before = payment.state
        payment = payment.told(_report(payment, word))
        assert payment.state is PaymentState.SUCCEEDED or before is not PaymentState.SUCCEEDED
    assert (payment.state is PaymentState.SUCCEEDED) is (PaymentState.SUCCEEDED in history)


def test_a_debit_that_came_back_has_failed_and_an_older_look_changes_nothing() -> None:
    """An intent is open for another try after both; the charge tells which it was."""
    opened = _payment()
    declined = replace(_report(opened, PaymentState.CREATED), reason_code="card_declined", charge_ref="ch_card")
    waiting = replace(_report(opened, PaymentState.PROCESSING), charge_ref="ch_debit")
    came_back = replace(declined, charge_ref="ch_debit")

    under_way = opened.told(declined).told(waiting)

    assert under_way.told(declined).state is PaymentState.PROCESSING
    assert under_way.told(came_back).state is PaymentState.FAILED
    assert (
        under_way.told(came_back).told(replace(came_back, state=PaymentState.SUCCEEDED)).state is PaymentState.SUCCEEDED
    )


@given(words)
def test_a_closed_payment_never_opens_again(history: list[PaymentState]) -> None:
    payment = _payment()
    for word in history:
        before = payment
        payment = payment.told(_report(payment, word))
        assert before.open or not payment.open


@pytest.mark.parametrize(
    "order", list(permutations([PaymentState.CREATED, PaymentState.PROCESSING, PaymentState.SUCCEEDED]))
)
def test_any_order_of_the_words_of_a_success_ends_in_success(order: tuple[PaymentState, ...]) -> None:
    payment = _payment()
    for word in order:
        payment = payment.told(_report(payment, word, reason_code="card_declined"))

    assert (payment.state, payment.reason_code, payment.reason_text) == (PaymentState.SUCCEEDED, None, None)


def test_a_later_word_keeps_what_it_does_not_say() -> None:
    payment = _payment().told(
        _report(_payment(), PaymentState.CREATED, intent_ref="pi_1", page_url="https://pay.example/1")
    )

    later = payment.told(_report(payment, PaymentState.SUCCEEDED, charge_ref="ch_1"))

    assert (later.intent_ref, later.charge_ref, later.page_url) == ("pi_1", "ch_1", "https://pay.example/1")


def test_an_older_word_after_money_changes_nothing() -> None:
    paid = _payment().told(_report(_payment(), PaymentState.SUCCEEDED, charge_ref="ch_1"))

    assert paid.told(_report(paid, PaymentState.EXPIRED, session_ref="cs_other")) is paid


def test_only_open_states_can_still_bring_money() -> None:
    assert {state for state in PaymentState if _payment(state=state).open} == OPEN


@pytest.mark.parametrize("state", sorted(MONEY))
@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ({"amount": Money(12051, "EUR")}, "charged 120.51 EUR"),
        ({"amount": Money(12050, "USD")}, "charged 120.50 USD"),
        ({"amount": None}, "an unknown amount"),
        ({"live": True}, "live"),
        ({"purchase_id": str(uuid4())}, "names purchase"),
        ({"purchase_id": None}, "names purchase none"),
    ],
)
def test_a_report_about_something_else_is_told_apart(state: PaymentState, lie: dict[str, Any], says: str) -> None:
    payment = _payment()

    assert mismatch(payment, _report(payment, state)) is None
    assert says in (mismatch(payment, _report(payment, state, **lie)) or "")


def test_an_amount_counts_only_where_money_moves() -> None:
    payment = _payment()

    assert mismatch(payment, _report(payment, PaymentState.EXPIRED, amount=None)) is None
    assert mismatch(payment, _report(payment, PaymentState.EXPIRED, live=True)) is not None


def test_each_attempt_and_each_opening_has_its_own_key() -> None:
    purchase = uuid4()
    keys = {_payment(purchase_id=purchase, number=number, opening=at).key for number in (1, 2) for at in (1, 2)}

    assert len(keys) == 4


def _payment(**changes: Any) -> Payment:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    values: dict[str, Any] = {
        "id": uuid4(), "purchase_id": uuid4(), "number": 1, "provider": "stripe", "state": PaymentState.CREATED,
        "amount": DUE, "live": False, "opened": at, "expires_at": at + timedelta(minutes=30), "page_url": None,
        "session_ref": None, "intent_ref": None, "charge_ref": None, "reason_code": None, "reason_text": None,
        "return_url": None,
    }  # fmt: skip
    return Payment(**values | changes)


def _report(payment: Payment, state: PaymentState, **changes: Any) -> Report:
    values: dict[str, Any] = {
        "session_ref": "cs_1", "state": state, "amount": payment.amount, "live": payment.live,
        "purchase_id": str(payment.purchase_id),
    }  # fmt: skip
    return Report(**values | changes)
