"""The worker's lanes: how many jobs of which kinds run at once, and what stands back while money moves."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

REFILL = 4
"""While jobs of a lane run, new ones are claimed once one place in so many is free: a claim is a transaction, however many
it takes."""
STANDSTILL_S = 2.0
"""When nothing of what was paid has ended for so long, it waits for somebody else."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Kinds of work that share so many places: a provider that hangs, or a backlog, keeps no other lane waiting."""

    places: int
    kinds: Sequence[str]
    beside_money: int | None = None
    """Places while what was paid is under way, and moves; None: all of them. One place while more of it waits."""


# More at once than a provider that answers at once needs: much is written together.
MONEY = Lane(128, ("apply_notification",))
MAIL = Lane(
    16,
    ("send_confirmation", "send_cancellation", "send_refund_mail", "send_link", "send_staff_mail", "send_drift_report"),
    beside_money=2,
)
LANES = (
    MONEY,
    Lane(16, ("end_payment", "look_up_payment", "send_refund", "pull_events", "reconcile")),
    MAIL,
    Lane(
        8,
        (
            "collect_evidence", "refund_event", "seat_waiting", "sweep_holds", "sweep_remote_holds", "forget_done_jobs",
            "forget_bodies", "keep_pictures", "seat_waitlist", "sum_up_figures",
        ),
    ),
)  # fmt: skip
LANE_OF: Mapping[str, Lane] = {kind: lane for lane in LANES for kind in lane.kinds}


class Places:
    """What one worker has under way. `clock` tells seconds, and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken = dict.fromkeys(LANES, 0)
        self._money_moved = -STANDSTILL_S
        self._more: set[Lane] = set()
        """Lanes whose last claim was full: more may be due."""

    def room(self) -> dict[Lane, int]:
        """Of each lane that is worth a claim: how many more. What stands back for money is claimed with it, never alone."""
        busy = self._busy()
        most = {lane: self._places(lane, busy=busy) for lane in LANES}
        free = {lane: most[lane] - taken for lane, taken in self._taken.items()}
        worth = {lane: room for lane, room in free.items() if room * REFILL >= most[lane]}
        with_money = not busy or MONEY in worth
        return {lane: room for lane, room in worth.items() if lane.beside_money is None or with_money}

    def hinted(self, room: Iterable[Lane]) -> None:
        """There may be more of anything: where there is no room for it now it is looked for as soon as there is."""
        self._more |= set(LANES) - set(room)

    def claimed(self, room: Mapping[Lane, int], kinds: Iterable[str]) -> None:
        """Jobs of these kinds were claimed into this room, and begin."""
        got = Counter(LANE_OF[kind] for kind in kinds)
        self._more = (self._more - set(room)) | {lane for lane, places in room.items() if got[lane] == places}
        for lane, count in got.items():
            self._taken[lane] += count

    def ended(self, kind: str) -> bool:
        """A job has ended. True: there may be more for the room there is."""
        lane = LANE_OF[kind]
        self._taken[lane] -= 1
        if lane is MONEY:
            self._money_moved = self._clock()
        return bool(self._more & set(self.room()))

    def _busy(self) -> bool:
        """Something paid is under way or waits, and it moves. Where it hangs, nothing stands back for it.

        Places alone do not tell: all who were in them may have ended in one transaction, with many more behind them.
        """
        paid = MONEY in self._more or self._taken[MONEY] > 0
        return paid and self._clock() < self._money_moved + STANDSTILL_S

    def _places(self, lane: Lane, *, busy: bool) -> int:
        if lane.beside_money is None or not busy:
            return lane.places
        return 1 if MONEY in self._more else lane.beside_money
