"""A thread with a connection: it commits what waits together, and answers each of them after that.

One unit's refusal never undoes its neighbour.
"""

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from gatepass.domain.errors import Unavailable
from gatepass.store.engine import WriteTx, unavailable, worth_another_try

TRIES = 6
"""For a transaction that lost against another one (deadlock, serialization, lock)."""


@dataclass(slots=True)
class Ticket:
    """One waiting caller: a unit alone (`command` is the unit's own business), or a command for a grouped unit."""

    unit: Callable[..., Any]
    command: Any
    grouped: bool
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Lane:
    """A thread with one connection. Takes what waits, up to `limit`, and commits it together."""

    def __init__(
        self,
        engine: Engine,
        limit: int,
        after_commit: Callable[[asyncio.AbstractEventLoop, WriteTx], None],
        waiting: "queue.SimpleQueue[Ticket | None] | None" = None,
    ) -> None:
        self._engine, self._limit, self._after_commit = engine, limit, after_commit
        self.waiting: queue.SimpleQueue[Ticket | None] = waiting or queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gatepass-lane", daemon=True)
        self._thread.start()

    def submit(self, ticket: Ticket) -> None:
        self.waiting.put(ticket)

    def stop(self) -> None:
        """One of the lanes that share this queue ends after what waits now."""
        self.waiting.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while tickets := self._take():
            self._serve(tickets)

    def _take(self) -> list[Ticket]:
        """Wait for one ticket, then take all that wait already; empty means stop."""
        tickets: list[Ticket] = []
        ticket = self.waiting.get()
        while ticket is not None:
            tickets.append(ticket)
            if len(tickets) == self._limit:
                return tickets
            try:
                ticket = self.waiting.get_nowait()
            except queue.Empty:
                return tickets
        if tickets:
            self.waiting.put(None)
        return tickets

    def _serve(self, tickets: Sequence[Ticket]) -> None:
        try:
            answers, tx = self._commit(tickets)
        except Exception as error:
            # Alone it is the unit's own failure; in a group each ticket gets its own transaction and its own answer.
            if len(tickets) == 1 or isinstance(error, Unavailable):
                _deliver(tickets, [error] * len(tickets))
            else:
                for ticket in tickets:
                    self._serve([ticket])
            return
        self._after_commit(tickets[0].loop, tx)
        _deliver(tickets, answers)

    def _commit(self, tickets: Sequence[Ticket]) -> tuple[Sequence[Any], WriteTx]:
        for attempt in range(1, TRIES + 1):
            committing = False
            try:
                with self._engine.connect() as connection:
                    tx = WriteTx(connection)
                    answers = _answer(tx, tickets)
                    tx.finish()
                    committing = True
                    connection.commit()
                return answers, tx
            except DBAPIError as error:
                if attempt == TRIES or not worth_another_try(error, committing=committing):
                    raise unavailable(error) from error
                time.sleep(random.uniform(0.5, 1) * 0.002 * 2**attempt)  # noqa: S311
        raise AssertionError


def _answer(tx: WriteTx, tickets: Sequence[Ticket]) -> Sequence[Any]:
    """Run every ticket of one transaction; a grouped unit once for all its commands."""
    if len(tickets) == 1:
        return [_alone(tx, tickets[0])]
    answers: list[Any] = [None] * len(tickets)
    for unit, places in _by_unit(tickets).items():
        if tickets[places[0]].grouped:
            for place, answer in zip(places, unit(tx, [tickets[i].command for i in places]), strict=True):
                answers[place] = answer
        else:
            for place in places:
                answers[place] = _in_savepoint(tx, tickets[place])
    return answers


def _by_unit(tickets: Sequence[Ticket]) -> dict[Callable[..., Any], list[int]]:
    groups: dict[Callable[..., Any], list[int]] = {}
    for place, ticket in enumerate(tickets):
        groups.setdefault(ticket.unit, []).append(place)
    return groups


def _alone(tx: WriteTx, ticket: Ticket) -> Any:
    return ticket.unit(tx, [ticket.command])[0] if ticket.grouped else ticket.unit(tx)


def _in_savepoint(tx: WriteTx, ticket: Ticket) -> Any:
    try:
        with tx.savepoint():
            return ticket.unit(tx)
    except DBAPIError:
        raise
    except Exception as error:  # the caller's to judge: it travels to the future it belongs to
        return error


def _deliver(tickets: Sequence[Ticket], answers: Sequence[Any]) -> None:
    """Wake the loop once per group, not once per caller."""
    loop = tickets[0].loop
    try:
        loop.call_soon_threadsafe(_resolve, tickets, answers)
    except RuntimeError:
        # The loop is closed: nobody waits any more. What was committed is committed.
        return


def _resolve(tickets: Sequence[Ticket], answers: Sequence[Any]) -> None:
    for ticket, answer in zip(tickets, answers, strict=True):
        if ticket.future.done():
            continue
        if isinstance(answer, Exception):
            ticket.future.set_exception(answer)
        else:
            ticket.future.set_result(answer)
