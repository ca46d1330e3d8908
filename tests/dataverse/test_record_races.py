"""Many who write the same record at once: one wins, and no seat is given twice. Threads here, processes' worth of lanes below."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from gatepass.domain.errors import GatepassError
from gatepass.services import records
from gatepass.store import Store, tables
from tests.dataverse.book import ADMIN, Book, T
from tests.dataverse.test_record_rules import TIMES
from tests.running import Running

WRITERS = 8


@pytest.fixture
def book(gatepass: Running) -> Book:
    return Book(gatepass)


async def _outcomes(attempts: list[Any]) -> Counter[str]:
    said = await asyncio.gather(*attempts, return_exceptions=True)
    for one in said:
        assert not isinstance(one, BaseException) or isinstance(one, GatepassError), one
    return Counter(one.code if isinstance(one, GatepassError) else "done" for one in said)


async def test_eight_writers_with_one_version_one_wins(book: Book) -> None:
    event = await book.event()
    for version in range(1, 6):
        outcomes = await _outcomes(
            [book.update("event", event, version, msevtmgt_name="the same") for _ in range(WRITERS)]
        )
        assert outcomes == {"done": 1, "VersionStale": WRITERS - 1}
        assert (await book.row("event", event))["version"] == version + 1


async def test_eight_processes_with_one_version_one_wins(book: Book) -> None:
    """Each has a store of its own, as nodes have."""
    event = await book.event()
    url = str(book.gatepass.store._writer.url.render_as_string(hide_password=False))

    def write(number: int) -> str:
        store = Store.open(url.replace("+psycopg", ""))

        async def once() -> None:
            unit = lambda tx: records.update(tx, ADMIN, T["event"], event, {"msevtmgt_name": f"n{number}"}, expected=1)  # noqa: E731
            await store.write(unit)

        try:
            asyncio.run(once())
        except GatepassError as refusal:
            return refusal.code
        finally:
            store.close()
        return "done"

    with ThreadPoolExecutor(WRITERS) as pool:
        loop = asyncio.get_running_loop()
        said = await asyncio.gather(*(loop.run_in_executor(pool, write, at) for at in range(WRITERS)))
    assert Counter(said) == {"done": 1, "VersionStale": WRITERS - 1}


async def test_a_session_is_never_overbooked(book: Book) -> None:
    session = await book.create(
        "session", msevtmgt_name="Opening", msevtmgt_event=await book.event(), msevtmgt_sessionmaxcapacity=3, **TIMES
    )
    people = [await book.create("contact", firstname=f"p{at}") for at in range(WRITERS)]
    outcomes = await _outcomes(
        [book.create("session_registration", msevtmgt_sessionid=session, msevtmgt_contactid=one) for one in people]
    )
    assert outcomes == {"done": 3, "RuleBroken": WRITERS - 3}
    assert (await book.row("session", session))["registrationcount"] == 3


async def test_capacity_is_lowered_while_seats_are_sold(book: Book, gatepass: Running) -> None:
    full = gatepass.pass_id("Full")

    async def lower(to: int) -> None:
        try:
            await book.update("pass", full, msevtmgt_noofpassesallocated=to, msevtmgt_passprice=Decimal(to))
        except GatepassError as refusal:
            assert refusal.code == "RuleBroken"  # noqa: PT017

    await asyncio.gather(
        *(gatepass.post_registration(gatepass.body(seats=2)) for _ in range(20)),
        *(lower(40 - at * 4) for at in range(10)),
    )
    row = await book.row("pass", full)
    assert row["held"] + row["sold"] <= row["allocation"]
    await gatepass.check_promises()


async def test_one_key_is_taken_once(book: Book) -> None:
    outcomes = await _outcomes([book.create("account", name=f"a{at}", accountnumber="A-1") for at in range(WRITERS)])
    assert outcomes == {"done": 1, "KeyTaken": WRITERS - 1}

    async def upsert(at: int) -> bool:
        values = {"name": f"b{at}"}
        return (await book.run(lambda tx: records.upsert(tx, ADMIN, T["account"], {"accountnumber": "A-2"}, values)))[1]

    made = await asyncio.gather(*(upsert(at) for at in range(WRITERS)))
    assert sorted(made) == [False] * (WRITERS - 1) + [True]


async def test_what_goes_is_not_pointed_to(book: Book) -> None:
    for _ in range(4):
        building = await book.create("building", msevtmgt_name="Hall")
        rooms = [book.create("room", msevtmgt_name="Red", msevtmgt_building=building) for _ in range(3)]
        outcomes = await _outcomes([*rooms[:2], book.delete("building", building), rooms[2]])
        assert set(outcomes) <= {"done", "RecordMissing", "RecordInUse"}


async def test_the_same_new_people_pay_at_once(book: Book, gatepass: Running) -> None:
    """Contacts are made by whoever is first, over the Web API and by registrations alike."""
    bodies = [gatepass.body(pass_name="Free", seats=3, email=f"same{at % 2}@example.org") for at in range(12)]
    answers = await asyncio.gather(
        *(gatepass.post_registration(body) for body in bodies),
        *(
            book.create("contact", firstname="Ada", lastname="Byron", emailaddress1=f"same{at % 2}@example.org")
            for at in range(6)
        ),
    )
    assert all(answer.status_code == 200 for answer in answers if not isinstance(answer, UUID))
    held = await gatepass.store.read(_buyers)
    assert len(held) == 2
    await gatepass.check_promises()


def _buyers(tx: Any) -> set[Any]:

    return {row["contact_id"] for row in tx.rows(tables.purchase.select())}
