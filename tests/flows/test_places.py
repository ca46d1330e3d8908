"""Which jobs are claimed when: mails stand back while money moves, nothing is forgotten, and nobody has more than the places."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.services.places import LANES, MAIL, MONEY, STANDSTILL_S, Lane, Places

SEVERAL = st.integers(0, 200)


class Queue:
    """Due jobs, and a worker without a database: claims as `jobs.claim` does, ends what it is told to."""

    def __init__(self, due: dict[Lane, int]) -> None:
        self.now = 0.0
        self.due, self.under_way = Counter(due), Counter[Lane]()
        self.places = Places(lambda: self.now)

    def claim(self) -> Counter[Lane]:
        """What was begun."""
        room = self.places.room()
        got = Counter({lane: min(self.due[lane], places) for lane, places in room.items()})
        self.places.claimed(room, [lane.kinds[0] for lane, count in got.items() for _ in range(count)])
        self.due -= got
        self.under_way += got
        return +got

    def end(self, lane: Lane, count: int) -> None:
        """So many of a lane come to their end."""
        self.under_way[lane] -= count
        for _ in range(count):
            self.places.ended(lane.kinds[0])


def test_mails_stand_back_while_much_was_paid_even_when_all_of_it_ends_at_once() -> None:
    queue = Queue({MONEY: 20 * MONEY.places, MAIL: 1000})
    queue.claim()
    queue.end(MAIL, queue.under_way[MAIL])
    for _ in range(10):
        queue.end(MONEY, MONEY.places)
        assert queue.claim() == {MONEY: MONEY.places, MAIL: 1}
        assert queue.claim() == {}, "none without money"
        queue.end(MAIL, 1)


def test_two_mails_go_beside_money_that_a_claim_can_take() -> None:
    queue = Queue({MONEY: 30, MAIL: 1000})
    queue.claim()
    queue.end(MONEY, 15)
    queue.end(MAIL, MAIL.places)
    queue.due[MONEY] += 10
    assert queue.claim() == {MONEY: 10, MAIL: MAIL.beside_money}


def test_what_was_paid_and_does_not_move_keeps_no_mail_waiting() -> None:
    queue = Queue({MONEY: 1000, MAIL: 1000})
    queue.claim()
    queue.end(MONEY, 1)
    queue.end(MAIL, MAIL.places)
    assert queue.claim() == {}
    queue.now += STANDSTILL_S
    assert queue.claim() == {MAIL: MAIL.places}


@settings(max_examples=50, deadline=None)
@given(due=st.fixed_dictionaries(dict.fromkeys(LANES, SEVERAL)), data=st.data())
def test_whatever_is_due_is_begun_and_never_more_than_there_are_places(
    due: dict[Lane, int], data: st.DataObject
) -> None:
    queue = Queue(due)
    for _ in range(200):
        queue.claim()
        assert all(queue.under_way[lane] <= lane.places for lane in LANES)
        if not queue.due.total() and not queue.under_way.total():
            return
        lane = data.draw(st.sampled_from([lane for lane in LANES if queue.under_way[lane]]))
        queue.end(lane, data.draw(st.integers((queue.under_way[lane] + 1) // 2, queue.under_way[lane])))
        queue.now += data.draw(st.sampled_from((0.01, STANDSTILL_S)))
    raise AssertionError(f"still due: {queue.due}")
