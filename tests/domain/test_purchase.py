"""The life of a purchase is one table; what is not in it is forbidden on purpose."""

from itertools import product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import Conflict
from gatepass.domain.purchase import (
    EVERY_PAIR,
    FORBIDDEN,
    HOLDS_SEATS,
    MOVES,
    SOLD_SEATS,
    Move,
    Status,
    after,
    order_reference,
)

histories = st.lists(st.sampled_from(Move), max_size=12)


def test_every_move_is_either_allowed_or_forbidden_on_purpose() -> None:
    assert set(product(Status, Move)) == EVERY_PAIR
    assert set(MOVES) | set(FORBIDDEN) == EVERY_PAIR
    assert not set(MOVES) & set(FORBIDDEN)


def test_every_status_can_be_reached() -> None:
    assert set(MOVES.values()) == set(Status)


@pytest.mark.parametrize(("status", "move"), sorted(FORBIDDEN))
def test_a_forbidden_move_names_the_purchase_and_the_way_out(status: Status, move: Move) -> None:
    purchase_id = uuid4()

    with pytest.raises(Conflict) as refusal:
        after(status, move, purchase_id)

    assert str(purchase_id) in refusal.value.message
    assert refusal.value.code == "PurchaseState"


@pytest.mark.parametrize("move", sorted(set(Move) - {Move.SEAT}))
@pytest.mark.parametrize("status", sorted(Status))
def test_the_same_word_twice_is_the_same_as_once(status: Status, move: Move) -> None:
    """Providers repeat themselves."""
    if (status, move) in MOVES:
        once = MOVES[status, move]
        assert MOVES.get((once, move), once) is once


@given(histories)
def test_money_that_came_is_never_forgotten_until_it_is_given_back(moves: list[Move]) -> None:
    status, paid = Status.AWAITING_PAYMENT, False
    for move in moves:
        if (status, move) not in MOVES:
            continue
        status = MOVES[status, move]
        paid = (paid or move is Move.PAY) and move is not Move.GIVE_UP
        assert (status in {Status.COMPLETED, Status.PAID_LATE, Status.WAITLISTED}) is paid


@given(histories)
def test_a_seat_once_freed_is_held_again_only_by_seating(moves: list[Move]) -> None:
    status, freed = Status.AWAITING_PAYMENT, False
    for move in moves:
        if (status, move) not in MOVES:
            continue
        status = MOVES[status, move]
        freed = (freed or status in {Status.CANCELLED, Status.EXPIRED, Status.PAID_LATE}) and move is not Move.SEAT
        if freed:
            assert status not in HOLDS_SEATS | SOLD_SEATS


@given(st.uuids(), st.uuids())
def test_an_order_reference_is_short_readable_and_follows_from_the_id(one: UUID, other: UUID) -> None:
    text = order_reference(one)

    assert text == order_reference(UUID(str(one)))
    assert len(text) == 12
    assert text.startswith("GP-")
    assert not set(text[3:].replace("-", "")) & set("ILOU")
    if one.int & ((1 << 40) - 1) != other.int & ((1 << 40) - 1):
        assert text != order_reference(other)
