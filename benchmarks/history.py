"""A database full of history: purchases paid, refunded, expired and cancelled, with all that belongs to them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store import WriteTx, figures
from gatepass.store.engine import engines

EVENTS, PASSES_EACH = 1000, 3
DESK_EVENTS = 200
DESK_SPAN = timedelta(days=90)
NEW_ORDERS = """insert into figure_change (event_id, at, what, currency, count, total_minor)
    select event_id, substr(created, 1, 14) || printf('%02d', substr(created, 15, 2) / 15 * 15) || ':' || '00.000000Z',
    'order.' || status, currency, 1, total_minor from purchase"""
"""What `store/figures.count_orders` writes on SQLite."""
BODY_BYTES = 1000
"""Of one kept notification."""
_KINDS = ("event", "pass", "purchase", "attendee", "registration", "attendee_pass", "payment", "refund", "notification")
_MORE = ("job", "mail", "timeline_entry", "attention", "audit")
_CODE = {kind: number for number, kind in enumerate((*_KINDS, *_MORE), 0xA0)}
# Of 20: 16 paid, 1 paid and refunded, 2 expired, 1 waits for its payment.
_STATUS = (
    "case when n % 20 < 16 then 'completed' when n % 20 = 16 then 'cancelled' when n % 20 < 19 then 'expired' "
    "else 'awaiting_payment' end"
)
_PAID, _REFUNDED, _WAITS = "n % 20 < 17", "n % 20 = 16", "n % 20 = 19"
_SEATS = "case when n % 2 = 1 then 2 else 1 end"
_PERSON = _ATTEMPT = "n * 2 + s"
# Every tenth was declined first.
_LAST = "(s = 2 or n % 10 <> 3)"


def fill(url: str, purchases: int) -> None:
    """So many purchases of three events a day, paid, refunded, expired and cancelled, with all that belongs to them."""
    _run(url, purchases, _History.statements)


def fill_desk(url: str, purchases: int) -> None:
    """The same as staff finds it: of 200 events in 90 days, a tenth of it of one event; with what people did to them."""
    _run(url, purchases, _Desk.statements, _Desk)


def fill_orders(url: str, purchases: int) -> None:
    """The purchases alone, made one third of a second after each other: for those who look at nothing else."""
    _run(url, purchases, _History.orders_alone)


def purchase_id(number: int) -> UUID:
    """Of the purchase with this number, from 1."""
    return id_of("purchase", number)


def id_of(kind: str, number: int) -> UUID:
    """Of the row with this number; events and passes count from 0."""
    return UUID(f"{_CODE[kind]:02x}{number:030x}")


def _run(
    url: str, purchases: int, statements: "Callable[[Any], Iterator[str]]", kind: "type[_History] | None" = None
) -> None:
    writer, reader = engines(url)
    try:
        with writer.begin() as connection:
            history = (kind or _History)(postgresql=connection.dialect.name == "postgresql", count=purchases)
            for statement in statements(history):
                connection.execute(sa.text(statement))
            if connection.dialect.name != "postgresql":
                connection.execute(sa.text(NEW_ORDERS))
            figures.sum_up(WriteTx(connection))
        with writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # As a server that has been there for longer than the filling took.
            connection.execute(sa.text("analyze" if connection.dialect.name == "sqlite" else "vacuum analyze"))
    finally:
        writer.dispose()
        reader.dispose()


class _History:
    """The rows in SQL: made inside the database, a million in seconds. `n` is the number of the purchase."""

    events = EVENTS
    last_name = "'Byron'"

    def __init__(self, *, postgresql: bool, count: int) -> None:
        self._postgresql, self._count = postgresql, count
        self._soon, self._past = self._time(timedelta(days=2)), self._time(timedelta(days=-3))
        self._long_ago = self._time(timedelta(days=-400))
        self._no, self._empty = ("false", "'[]'::json") if postgresql else ("0", "'[]'")
        self._purchase, self._all = self._id("purchase", "n"), f"from ({self._numbers(count)}) t"

    def statements(self) -> Iterator[str]:
        """In the order of foreign keys."""
        yield from self._catalog()
        yield from self._orders()
        yield from self._registrations()
        yield from self._money()
        yield from self._told()
        yield from self._work()
        yield from self._seats()

    def orders_alone(self) -> Iterator[str]:
        """Events, passes, and purchases of rising age."""
        yield from self._catalog()
        yield self._purchases(self._one_by_one())

    def _catalog(self) -> Iterator[str]:
        yield f"""insert into event (id, readable_id, name, description, place, status, currency, held, sold, starts, ends,
            time_zone, payment_enabled, late_policy, created)
            select {self._id("event", "n")}, 'old-' || n, 'Event', '', 'Berlin', 'live', 'EUR', 0, 0, {self._local()}, {self._local()},
            'UTC', {self._no}, 'seat_else_refund', {self._long_ago} from ({self._numbers(self.events, 0)}) t"""
        yield f"""insert into "pass" (id, event_id, name, description, price_minor, allocation, held, sold, created)
            select {self._id("pass", "n")}, {self._id("event", f"n / {PASSES_EACH}")}, 'Full', '', 12050, 1000000, 0, 0, {self._long_ago}
            from ({self._numbers(self.events * PASSES_EACH, 0)}) t"""

    def _orders(self) -> Iterator[str]:
        _, pass_ = self._event_and_pass()
        yield self._purchases(self._past)
        yield f"""insert into attendee (id, purchase_id, position, pass_id, price_minor, first_name, last_name, email, answers)
            select {self._id("attendee", _PERSON)}, {self._purchase}, s, {pass_}, 12050, 'Ada', {self.last_name},
            'ada' || n || '@example.org', {self._empty} {self._people}"""

    def _purchases(self, created: str) -> str:
        event, _ = self._event_and_pass()
        return f"""insert into purchase (id, event_id, status, total_minor, currency, live, items, locale, hold_until, created, changed)
            select {self._purchase}, {event}, {_STATUS}, 12050 * ({_SEATS}), 'EUR', {self._no}, '1 x Full', 'en',
            case when {_WAITS} then {self._soon} end, {created}, {self._past} {self._all}"""

    def _registrations(self) -> Iterator[str]:
        purchase, past, people = self._purchase, self._past, self._people
        event, pass_ = self._event_and_pass()
        yield f"""insert into registration (id, event_id, purchase_id, attendee_id, status, created)
            select {self._id("registration", _PERSON)}, {event}, {purchase}, {self._id("attendee", _PERSON)},
            case when {_REFUNDED} then 'cancelled' else 'registered' end, {past} {people} and {_PAID}"""
        yield f"""insert into attendee_pass (id, registration_id, pass_id, code, price_minor, currency)
            select {self._id("attendee_pass", _PERSON)}, {self._id("registration", _PERSON)}, {pass_}, 'CODE' || ({_PERSON}), 12050, 'EUR'
            {people} and {_PAID}"""

    def _event_and_pass(self) -> tuple[str, str]:
        """What purchase `n` is of."""
        seat = self._seat()
        return self._id("event", f"({seat}) / {PASSES_EACH}"), self._id("pass", seat)

    def _seat(self) -> str:
        """The number of its pass."""
        return f"n % {self.events * PASSES_EACH}"

    @property
    def _people(self) -> str:
        """One row per seat, `s` its place."""
        return f"{self._all} cross join (select 0 as s union all select 1) u where ({_SEATS}) > s"

    def _money(self) -> Iterator[str]:
        purchase, past, soon, no, of_all = self._purchase, self._past, self._soon, self._no, self._all
        tried = f"{of_all} cross join (select 1 as s union all select 2) u where (s = 1 or n % 10 = 3)"
        yield f"""insert into payment (id, purchase_id, number, provider, opening, state, amount_minor, currency, live, session_ref,
            intent_ref, page_url, opened, changed, expires_at)
            select {self._id("payment", _ATTEMPT)}, {purchase}, s, 'stripe', 1,
            case when not {_LAST} then 'failed' when {_PAID} then 'succeeded' when {_WAITS} then 'created' else 'expired' end,
            12050 * ({_SEATS}), 'EUR', {no}, 'cs_test_' || ({_ATTEMPT}), 'pi_' || ({_ATTEMPT}),
            'https://checkout.stripe.com/c/pay/' || n,
            {past}, {past}, case when {_WAITS} then {soon} else {past} end {tried}"""
        yield f"""insert into refund (id, purchase_id, payment_id, provider, opening, state, amount_minor, currency, cause, reason,
            actor, money_ref, refund_ref, attendees, requested, changed)
            select {self._id("refund", "n")}, {purchase}, {self._id("payment", "n * 2 + 1")}, 'stripe', 1, 'succeeded',
            12050 * ({_SEATS}), 'EUR', 'staff', 'Asked for it', 'anna', 'pi_' || (n * 2 + 1), 're_' || n,
            {self._empty}, {past}, {past} {of_all} where {_REFUNDED}"""

    def _told(self) -> Iterator[str]:
        purchase, past, of_all = self._purchase, self._past, self._all
        yield f"""insert into notification (id, provider, event_ref, kind, object_ref, payment_hint, about, payment_id, purchase_id,
            live, body, state, received, handled)
            select {self._id("notification", "n")}, 'stripe', 'evt_' || n, 'checkout.session.completed', 'cs_test_' || (n * 2 + 1), null,
            'page', {self._id("payment", "n * 2 + 1")}, {purchase}, {self._no}, {self._body()}, 'applied', {past}, {past}
            {of_all} where {_PAID}"""
        yield f"""insert into mail (id, purchase_id, kind, recipient, subject, created, sent)
            select {self._id("mail", "n")}, {purchase}, 'confirmation', 'ada' || n || '@example.org', 'Your pass', {past}, {past}
            {of_all} where {_PAID}"""
        yield f"""insert into timeline_entry (id, purchase_id, at, kind, detail)
            select {self._id("timeline_entry", "n")}, {purchase}, {past}, 'payment.succeeded', '{{}}' {of_all} where {_PAID}"""
        yield f"""insert into attention (id, kind, dedupe, purchase_id, reason, opened, closed)
            select {self._id("attention", "n")}, 'paid_late', 'paid_late:' || n, {purchase}, 'It came late.', {past}, {past}
            {of_all} where n % 1000 = 17"""

    def _work(self) -> Iterator[str]:
        past, soon, of_all = self._past, self._soon, self._all
        yield f"""insert into job (id, kind, dedupe, payload, state, due, attempt, failures, created, done)
            select {self._id("job", "n")}, 'apply_notification', 'apply:' || n, '{{}}', 'done', {past}, 1, 0, {past}, {past}
            {of_all} where {_PAID}"""
        yield f"""insert into job (id, kind, dedupe, payload, state, due, attempt, failures, created)
            select {self._id("job", f"n + {10 * self._count}")}, 'look_up_payment', 'look_up:' || n, '{{"payment_id": ""}}', 'ready',
            {soon}, 1, 0, {past} {of_all} where {_WAITS}"""

    def _seats(self) -> Iterator[str]:
        """The counters say what the rows say."""
        yield """create temporary table held as select a.pass_id, p.event_id, count(*) as seats from attendee a
            join purchase p on p.id = a.purchase_id where p.status = 'awaiting_payment' group by 1, 2"""
        yield """create temporary table sold as select a.pass_id, r.event_id, count(*) as seats from registration r
            join attendee a on a.id = r.attendee_id where r.status = 'registered' group by 1, 2"""
        for name in ("held", "sold"):
            of_event, of_pass = (f"coalesce((select sum(seats) from {name} c where c.{key}), 0)"
                for key in ("event_id = event.id", 'pass_id = "pass".id'))  # fmt: skip
            yield f"update event set {name} = {of_event} where readable_id like 'old-%'"
            yield f"""update "pass" set {name} = {of_pass} where name = 'Full'"""

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

    def _one_by_one(self) -> str:
        """Three a second, from four hundred days ago."""
        return self._seconds_after(self._long_ago, "n / 3")

    def _seconds_after(self, moment: str, seconds: str) -> str:
        if self._postgresql:
            return f"{moment} + ({seconds}) * interval '1 second'"
        return f"strftime('%Y-%m-%dT%H:%M:%S', {moment}, '+' || ({seconds}) || ' seconds') || '.000000Z'"

    def _local(self) -> str:
        return "timestamp '2027-06-10 09:00:00'" if self._postgresql else "'2027-06-10 09:00:00.000000'"

    def _body(self) -> str:
        return f"decode(repeat('7b', {BODY_BYTES}), 'hex')" if self._postgresql else f"zeroblob({BODY_BYTES})"


class _Desk(_History):
    """Two hundred events, the first of them with a tenth of all orders, sold evenly over the days that a chart shows."""

    events = DESK_EVENTS
    last_name = "case when n % 10 = 0 then 'Byron' else 'Name' || n end"

    def __init__(self, *, postgresql: bool, count: int) -> None:
        super().__init__(postgresql=postgresql, count=count)
        start, length = self._time(-DESK_SPAN), int(DESK_SPAN.total_seconds())
        self._past = self._seconds_after(start, f"cast(n as bigint) * {length} / {count}")

    def _seat(self) -> str:
        return f"case when n % 10 = 0 then n / 10 % {PASSES_EACH} else n % {self.events * PASSES_EACH} end"

    def _told(self) -> Iterator[str]:
        yield from super()._told()
        yield f"""insert into timeline_entry (id, purchase_id, at, kind, detail)
            select {self._id("timeline_entry", f"n + {self._count}")}, {self._purchase}, {self._past}, 'payment.failed',
            '{{"reason_code": "insufficient_funds"}}' {self._all} where n % 10 = 3"""
        yield f"update attention set closed = null where id >= {self._id('attention', str(self._count * 9 // 10))}"
        yield f"""insert into audit (id, at, actor, action, subject, detail)
            select {self._id("audit", "n")}, {self._past}, 'anna' || n % 50, 'purchase.settle', 'purchase:' || {self._purchase},
            '{{"reason": "Asked for it"}}' {self._all} where n % 5 = 0"""
