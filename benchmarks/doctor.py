"""`gatepass doctor` over many purchases: how long every promise takes, and what sales lose while it runs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from benchmarks import words
from benchmarks.bench import MOST, Bench
from benchmarks.report import Measurement
from benchmarks.system import System, running
from gatepass.store import Store, promises
from gatepass.store.engine import engines

EVENTS, PASSES_EACH = 1000, 3
BODY_BYTES = 1000
"""Of one kept notification."""
_KINDS = ("event", "pass", "purchase", "attendee", "registration", "attendee_pass", "payment", "refund", "notification")
_MORE = ("job", "mail", "timeline_entry", "attention")
_CODE = {kind: number for number, kind in enumerate((*_KINDS, *_MORE), 0xA0)}


def doctor(bench: Bench) -> None:
    """Each promise over `bench.purchases` purchases, the whole command, and registrations with and without it."""
    url = bench.database.fresh()
    started = time.perf_counter()
    fill(url, bench.purchases)
    bench.report.add(_took(bench, "doctor_fill", time.perf_counter() - started))
    for name, seconds in promise_times(url):
        bench.report.add(_took(bench, name, seconds))
    _beside_sales(bench, url)


def _took(bench: Bench, name: str, seconds: float) -> Measurement:
    return Measurement(name, bench.database.name, p50_ms=round(seconds * 1000, 1))


def promise_times(url: str) -> Iterator[tuple[str, float]]:
    """Seconds of each promise, on a reading connection; raises when one is broken, since then it was found too soon."""
    store = Store.open(url)
    try:
        for number, promise in enumerate(promises.PROMISES):
            started = time.perf_counter()
            found = store.read_now(lambda tx, promise=promise: promises.broken(tx, promise, datetime.now(UTC)))
            seconds = time.perf_counter() - started
            if found:
                raise RuntimeError(f"{promise.says}: {found[:3]}")
            yield f"promise {promise.number} ({number}) {promise.says[:40]}", seconds
    finally:
        store.close()


def _beside_sales(bench: Bench, url: str) -> None:
    with running(url, bench.folder()) as system:
        requests = [
            words.registration(system.port, system.fair, offer, at) for at, offer in enumerate(system.fair.spread)
        ]
        bench.for_a_while(system.port, MOST, requests)
        alone = bench.for_a_while(system.port, MOST, requests)
        bench.report.add(bench.measured("register_alone", MOST, alone))
        with _doctors(system) as spent:
            beside = bench.for_a_while(system.port, MOST, requests)
        line = bench.measured("register_beside_doctor", MOST, beside)
        bench.report.add(line.beside(alone.rate(200), "the same without a doctor"))
        for seconds in spent:
            bench.report.add(_took(bench, "doctor", seconds))


@contextmanager
def _doctors(system: System) -> Iterator[list[float]]:
    """One `gatepass doctor` after another, until the block ends."""
    spent: list[float] = []
    over = threading.Event()

    def consult() -> None:
        while not over.is_set():
            started = time.perf_counter()
            run = subprocess.run(
                [sys.executable, "-m", "gatepass", "doctor"], env=os.environ | {"GATEPASS_DATABASE_URL": system.database_url},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            spent.append(time.perf_counter() - started)
            if "BROKEN promise" in run.stdout or run.returncode == 2:
                raise RuntimeError(run.stdout + run.stderr)

    thread = threading.Thread(target=consult)
    thread.start()
    try:
        yield spent
    finally:
        over.set()
        thread.join()


# A database full of history


def fill(url: str, purchases: int) -> None:
    """So many purchases of three events a day, paid, refunded, expired and cancelled, with all that belongs to them."""
    writer, reader = engines(url)
    try:
        with writer.begin() as connection:
            words_ = _Words(postgresql=connection.dialect.name == "postgresql", count=purchases)
            for statement in words_.statements():
                connection.execute(sa.text(statement))
        with writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("analyze"))
    finally:
        writer.dispose()
        reader.dispose()


class _Words:
    """The rows in SQL: made inside the database, a million in seconds. `n` is the number of the purchase."""

    def __init__(self, *, postgresql: bool, count: int) -> None:
        self._postgresql, self._count = postgresql, count

    def statements(self) -> Iterator[str]:
        """In the order of foreign keys."""
        soon, long_ago = self._time(timedelta(days=2)), self._time(timedelta(days=-400))
        past = self._time(timedelta(days=-3))
        no, empty = ("false", "'[]'::json") if self._postgresql else ("0", "'[]'")
        seat = f"n % {EVENTS * PASSES_EACH}"
        event, pass_ = self._id("event", f"({seat}) / {PASSES_EACH}"), self._id("pass", seat)
        purchase, both = self._id("purchase", "n"), "case when n % 2 = 1 then 2 else 1 end"
        body = self._body()
        # Of 20: 16 paid, 1 paid and refunded, 2 expired, 1 waits for its payment.
        status = (
            "case when n % 20 < 16 then 'completed' when n % 20 = 16 then 'cancelled' when n % 20 < 19 then 'expired' "
            "else 'awaiting_payment' end"
        )
        paid = "n % 20 < 17"
        people = (
            f"from ({self._numbers(self._count)}) t cross join (select 0 as s union all select 1) u where ({both}) > s"
        )
        person = "n * 2 + s"
        yield f"""insert into event (id, readable_id, name, description, place, status, currency, held, sold, starts, ends,
            time_zone, payment_enabled, late_policy, created)
            select {self._id("event", "n")}, 'old-' || n, 'Event', '', 'Berlin', 'live', 'EUR', 0, 0, {self._local()}, {self._local()},
            'UTC', {no}, 'seat_else_refund', {long_ago} from ({self._numbers(EVENTS, 0)}) t"""
        yield f"""insert into "pass" (id, event_id, name, description, price_minor, allocation, held, sold, created)
            select {self._id("pass", "n")}, {self._id("event", f"n / {PASSES_EACH}")}, 'Full', '', 12050, 1000000, 0, 0, {long_ago}
            from ({self._numbers(EVENTS * PASSES_EACH, 0)}) t"""
        yield f"""insert into purchase (id, event_id, status, total_minor, currency, live, items, locale, hold_until, created, changed)
            select {purchase}, {event}, {status}, 12050 * ({both}), 'EUR', {no}, '1 x Full', 'en',
            case when n % 20 = 19 then {soon} end, {past}, {past} from ({self._numbers(self._count)}) t"""
        yield f"""insert into attendee (id, purchase_id, position, pass_id, price_minor, first_name, last_name, email, answers)
            select {self._id("attendee", person)}, {purchase}, s, {pass_}, 12050, 'Ada', 'Byron', 'ada' || n || '@example.org', {empty}
            {people}"""
        yield f"""insert into registration (id, event_id, purchase_id, attendee_id, status, created)
            select {self._id("registration", person)}, {event}, {purchase}, {self._id("attendee", person)},
            case when n % 20 = 16 then 'cancelled' else 'registered' end, {past} {people} and {paid}"""
        yield f"""insert into attendee_pass (id, registration_id, pass_id, code, price_minor, currency)
            select {self._id("attendee_pass", person)}, {self._id("registration", person)}, {pass_}, 'CODE' || ({person}), 12050, 'EUR'
            {people} and {paid}"""
        # Every tenth was declined first.
        tried = f"from ({self._numbers(self._count)}) t cross join (select 1 as s union all select 2) u where (s = 1 or n % 10 = 3)"
        attempt = "n * 2 + s"
        last = "(s = 2 or n % 10 <> 3)"
        yield f"""insert into payment (id, purchase_id, number, provider, opening, state, amount_minor, currency, live, session_ref,
            intent_ref, page_url, opened, changed, expires_at)
            select {self._id("payment", attempt)}, {purchase}, s, 'stripe', 1,
            case when not {last} then 'failed' when {paid} then 'succeeded' when n % 20 = 19 then 'created' else 'expired' end,
            12050 * ({both}), 'EUR', {no}, 'cs_test_' || ({attempt}), 'pi_' || ({attempt}), 'https://checkout.stripe.com/c/pay/' || n,
            {past}, {past}, case when n % 20 = 19 then {soon} else {past} end {tried}"""
        of_all = f"from ({self._numbers(self._count)}) t where"
        yield f"""insert into refund (id, purchase_id, payment_id, provider, opening, state, amount_minor, currency, cause, reason,
            actor, money_ref, refund_ref, attendees, requested, changed)
            select {self._id("refund", "n")}, {purchase}, {self._id("payment", "n * 2 + 1")}, 'stripe', 1, 'succeeded', 12050 * ({both}),
            'EUR', 'staff', 'Asked for it', 'anna', 'pi_' || (n * 2 + 1), 're_' || n,
            {empty}, {past}, {past} {of_all} n % 20 = 16"""
        yield f"""insert into notification (id, provider, event_ref, kind, object_ref, payment_hint, about, payment_id, purchase_id,
            live, body, state, received, handled)
            select {self._id("notification", "n")}, 'stripe', 'evt_' || n, 'checkout.session.completed', 'cs_test_' || (n * 2 + 1), null,
            'page', {self._id("payment", "n * 2 + 1")}, {purchase}, {no}, {body}, 'applied', {past}, {past} {of_all} {paid}"""
        yield f"""insert into job (id, kind, dedupe, payload, state, due, attempt, failures, created, done)
            select {self._id("job", "n")}, 'apply_notification', 'apply:' || n, '{{}}', 'done', {past}, 1, 0, {past}, {past}
            {of_all} {paid}"""
        yield f"""insert into job (id, kind, dedupe, payload, state, due, attempt, failures, created)
            select {self._id("job", f"n + {10 * self._count}")}, 'look_up_payment', 'look_up:' || n, '{{"payment_id": ""}}', 'ready',
            {soon}, 1, 0, {past} {of_all} n % 20 = 19"""
        yield f"""insert into mail (id, purchase_id, kind, recipient, subject, created, sent)
            select {self._id("mail", "n")}, {purchase}, 'confirmation', 'ada' || n || '@example.org', 'Your pass', {past}, {past}
            {of_all} {paid}"""
        yield f"""insert into timeline_entry (id, purchase_id, at, kind, detail)
            select {self._id("timeline_entry", "n")}, {purchase}, {past}, 'payment.succeeded', '{{}}' {of_all} {paid}"""
        yield f"""insert into attention (id, kind, dedupe, purchase_id, reason, opened, closed)
            select {self._id("attention", "n")}, 'paid_late', 'paid_late:' || n, {purchase}, 'It came late.', {past}, {past}
            {of_all} n % 1000 = 17"""
        yield from self._seats()

    def _seats(self) -> Iterator[str]:
        """The counters say what the rows say."""
        yield """create temporary table held as select a.pass_id, p.event_id, count(*) as seats from attendee a
            join purchase p on p.id = a.purchase_id where p.status = 'awaiting_payment' group by 1, 2"""
        yield """create temporary table sold as select a.pass_id, r.event_id, count(*) as seats from registration r
            join attendee a on a.id = r.attendee_id where r.status = 'registered' group by 1, 2"""
        for table, key in (("event", "event_id"), ('"pass"', "pass_id")):
            for name in ("held", "sold"):
                yield (
                    f"""update {table} set {name} = coalesce((select sum(seats) from {name} c
                    where c.{key} = {table}.id), 0) where readable_id like 'old-%'"""
                    if table == "event"
                    else f"""update {table}
                    set {name} = coalesce((select sum(seats) from {name} c where c.{key} = {table}.id), 0) where name = 'Full'"""
                )

    def _numbers(self, count: int, first: int = 1) -> str:
        if self._postgresql:
            return f"select n from generate_series({first}, {first + count - 1}) n"
        return (
            f"with recursive count(n) as (select {first} union all select n + 1 from count limit {count}) "
            "select n from count"
        )

    def _id(self, kind: str, number: str) -> str:
        """Rises with the number, as UUIDv7 does with time."""
        if self._postgresql:
            return f"('{_CODE[kind]:02x}' || lpad(to_hex({number}), 30, '0'))::uuid"
        return f"printf('{_CODE[kind]:02x}%030x', {number})"

    def _time(self, ahead: timedelta) -> str:
        moment = (datetime.now(UTC) + ahead).replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"'{moment}Z'" + ("::timestamptz" if self._postgresql else "")

    def _local(self) -> str:
        return "timestamp '2027-06-10 09:00:00'" if self._postgresql else "'2027-06-10 09:00:00.000000'"

    def _body(self) -> str:
        return f"decode(repeat('7b', {BODY_BYTES}), 'hex')" if self._postgresql else f"zeroblob({BODY_BYTES})"
