"""Records made, changed and removed from outside: what their declarations say, on both databases."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from gatepass.domain.errors import GatepassError
from gatepass.model.build import SYSTEM_USER
from gatepass.model.columns import Kind
from gatepass.services import records
from gatepass.services.access import Caller, Role
from gatepass.store import rows
from tests.dataverse.book import ADMIN, DRAFT, ENDS, LIVE, STARTS, Book, T
from tests.running import Running


@pytest.fixture
def book(gatepass: Running) -> Book:
    return Book(gatepass)


async def test_an_event_with_a_pass_is_made_changed_and_removed(book: Book) -> None:
    euro = await book.currency("EUR")
    event = await book.event(transactioncurrencyid=euro, msevtmgt_maximumeventcapacity=100)
    ticket = await book.event_pass(event)

    row = await book.row("event", event)
    assert row["readable_id"].startswith("Northwind_Day")
    assert (row["status"], row["currency"], row["payment_enabled"]) == ("draft", "EUR", False)
    assert (row["version"], row["created_by"], row["state"], row["reason"]) == (1, SYSTEM_USER, 0, 1)
    row = await book.row("pass", ticket)
    assert (row["price_minor"], row["currency"], row["allocation"], row["sold"]) == (4950, "EUR", 10, 0)

    await book.update("pass", ticket, msevtmgt_passprice=Decimal(60))
    assert (await book.row("pass", ticket))["price_minor"] == 6000
    assert (await book.row("pass", ticket))["version"] == 2

    await book.delete("event", event)
    assert await book.gatepass.store.read(lambda tx: rows.find(tx, T["pass"], ticket)) is None
    story = [(row["action"], row["actor"]) for row in await book.audit(f"pass:{ticket}")]
    assert story == [("pass.create", "anna"), ("pass.change", "anna"), ("pass.delete", "anna")]
    change = (await book.audit(f"pass:{ticket}"))[1]["detail"]
    assert change == {"before": {"price_minor": 4950}, "after": {"price_minor": 6000}}


async def test_each_column_says_what_it_takes(book: Book) -> None:
    event = await book.event()
    change = partial(book.update, "event", event)

    long = await book.refused("TextTooLong", change(msevtmgt_name="x" * 101))
    assert long.message == (
        "A validation error occurred.  The length of the 'msevtmgt_name' attribute of the 'msevtmgt_event' entity "
        "exceeded the maximum allowed length of '100'."
    )
    await book.refused("OptionInvalid", change(msevtmgt_publishstatus=999), "The value '999' of", "100000003")
    await book.refused("NumberOutOfRange", change(msevtmgt_maximumeventcapacity=-1), "from 0 to")
    await book.refused("NumberOutOfRange", change(msevtmgt_maximumeventcapacity=2**31))
    await book.refused("ValueMissing", change(msevtmgt_name=None), "msevtmgt_name")
    await book.refused("ValueInvalid", change(msevtmgt_name=7), "msevtmgt_name")
    await book.refused("ValueInvalid", change(msevtmgt_name="a\0b"))
    await book.refused("ValueInvalid", change(msevtmgt_maximumeventcapacity=True))
    await book.refused("ValueInvalid", change(msevtmgt_enablecaptcha=1))
    await book.refused("ValueInvalid", change(msevtmgt_eventstartdate="tomorrow"))
    await book.refused("ValueInvalid", change(msevtmgt_paymentproviderid="x"))
    await book.refused(
        "RecordMissing", change(msevtmgt_building=uuid4()), "msevtmgt_building With Id =", "Does Not Exist"
    )
    await book.refused("PayloadInvalid", change(nonsense=1), "Invalid property 'nonsense' was found in entity")
    await book.refused("RuleBroken", change(gatepass_sold=3), "Seats are counted by registrations")
    await book.refused("RuleBroken", change(createdon=datetime.now(UTC)), "kept by the system")
    await book.refused("RuleBroken", change(msevtmgt_readableeventid="other"), "only when the record is made")
    await book.refused("ValueMissing", book.create("event", msevtmgt_name="No dates"), "msevtmgt_eventstartdate")
    assert (await book.row("event", event))["version"] == 1


async def test_what_was_read_may_be_said_again_and_null_clears(book: Book) -> None:
    event = await book.event(msevtmgt_description="Two days", msevtmgt_maximumeventcapacity=10)
    row = await book.row("event", event)
    await book.update(
        "event", event, msevtmgt_eventid=event, msevtmgt_readableeventid=row["readable_id"], versionnumber=1,
        createdon=row["created"], msevtmgt_description=None, msevtmgt_maximumeventcapacity=None,
    )  # fmt: skip
    row = await book.row("event", event)
    assert (row["description"], row["capacity"], row["version"]) == ("", None, 2)
    assert row["changed"] > row["created"]


async def test_a_status_brings_its_reason_and_they_must_fit(book: Book) -> None:
    room = await book.create("building", msevtmgt_name="Hall")
    await book.update("building", room, statecode=1)
    assert (await book.row("building", room))["reason"] == 2
    await book.update("building", room, statuscode=1)
    assert (await book.row("building", room))["state"] == 0
    await book.refused(
        "RuleBroken", book.update("building", room, statecode=1, statuscode=1), "not a valid status code"
    )


async def test_money_is_exact_in_the_currency_of_its_row(book: Book) -> None:
    yen, dinar, euro = [await book.currency(code) for code in ("JPY", "KWD", "EUR")]
    building = await book.create(
        "building", msevtmgt_name="Hall", msevtmgt_cost=Decimal(1500), transactioncurrencyid=yen
    )
    assert (await book.row("building", building))["cost"] == 1500
    await book.refused(
        "RuleBroken", book.update("building", building, msevtmgt_cost=Decimal("1.5")), "more decimals than JPY"
    )
    await book.update("building", building, transactioncurrencyid=dinar)
    assert (await book.row("building", building))["cost"] == 1500_000
    await book.update("building", building, msevtmgt_cost=Decimal("0.001"), transactioncurrencyid=dinar)
    await book.refused("RuleBroken", book.update("building", building, transactioncurrencyid=euro), "EUR")
    await book.refused("NumberOutOfRange", book.update("building", building, msevtmgt_cost=Decimal("1e40")))
    await book.refused("NumberOutOfRange", book.update("building", building, msevtmgt_cost=Decimal("NaN")))
    await book.refused(
        "RecordMissing", book.update("building", building, transactioncurrencyid=uuid4()), "transactioncurrency"
    )


async def test_a_version_is_compared_and_set(book: Book) -> None:
    event = await book.event()
    await book.update("event", event, _expected=1, msevtmgt_name="Second")
    stale = await book.refused("VersionStale", book.update("event", event, _expected=1, msevtmgt_name="Lost"))
    assert stale.message == "The version of the existing record doesn't match the RowVersion property provided."
    await book.refused("VersionStale", book.delete("event", event, expected=1))
    await book.delete("event", event, expected=2)
    gone = await book.refused("RecordMissing", book.update("event", event, msevtmgt_name="x"))
    assert gone.message == f"msevtmgt_event With Id = {event} Does Not Exist"
    await book.refused("RecordMissing", book.delete("event", event))


async def test_ids_and_alternate_keys(book: Book) -> None:
    wanted = uuid4()
    assert await book.create("account", wanted, name="Contoso", accountnumber="A-1") == wanted
    await book.refused(
        "RecordExists", book.create("account", wanted, name="Again"), "matching key values already exists"
    )
    await book.refused("KeyTaken", book.create("account", name="Other", accountnumber="A-1"), "must be unique")
    by_key = {"accountnumber": "A-1"}
    assert await book.update("account", by_key, name="Contoso Ltd") == wanted
    await book.refused(
        "KeyMissing", book.update("account", {"accountnumber": "none"}, name="x"),
        "A record with the specified key values does not exist in account entity",
    )  # fmt: skip

    async def upsert(key: Any, values: dict[str, Any], **more: Any) -> tuple[UUID, bool]:
        return await book.run(lambda tx: records.upsert(tx, ADMIN, T["account"], key, values, **more))

    assert await upsert(by_key, {"name": "Contoso AG"}) == (wanted, False)
    made, new = await upsert({"accountnumber": "A-2"}, {"name": "Fabrikam"})
    assert new
    assert (await book.row("account", made))["accountnumber"] == "A-2"
    fresh = uuid4()
    assert await upsert(fresh, {"name": "Tailspin"}) == (fresh, True)
    await book.refused("RecordExists", upsert(fresh, {"name": "x"}, may_update=False))
    await book.refused("RecordMissing", upsert(uuid4(), {"name": "x"}, may_create=False))
    await book.refused("RecordMissing", upsert(uuid4(), {"name": "x"}, expected=1))
    await book.refused("KeyMissing", upsert({"accountnumber": "A-9"}, {"name": "x"}, may_create=False))
    await book.refused("VersionStale", upsert(fresh, {"name": "x"}, expected=9))


async def test_what_is_in_use_stays_and_parts_go_with_their_whole(book: Book) -> None:
    building = await book.create("building", msevtmgt_name="Hall")
    room = await book.create("room", msevtmgt_name="Red", msevtmgt_building=building)
    await book.refused(
        "RecordInUse", book.delete("building", building), "associated with another record", "msevtmgt_room"
    )
    event = await book.event(msevtmgt_room=room)
    await book.refused("RecordInUse", book.delete("room", room), "msevtmgt_event")
    session = await book.create(
        "session", msevtmgt_name="Opening", msevtmgt_event=event, msevtmgt_starttime=STARTS, msevtmgt_endtime=ENDS
    )
    contact = await book.create("contact", firstname="Ada", lastname="Byron")
    seat = await book.create("session_registration", msevtmgt_sessionid=session, msevtmgt_contactid=contact)
    await book.refused("RecordInUse", book.delete("event", event), "msevtmgt_sessionregistration")
    await book.delete("session_registration", seat)
    await book.delete("event", event)
    await book.delete("room", room)
    await book.delete("building", building)
    euro = await book.currency("EUR")
    await book.refused("RecordInUse", book.delete("transactioncurrency", euro))


async def test_records_are_tied_and_untied(book: Book) -> None:
    event, other = await book.event(), await book.event()
    ticket, foreign = await book.event_pass(event), await book.event_pass(other)
    times = {"msevtmgt_starttime": STARTS, "msevtmgt_endtime": ENDS}
    session = await book.create("session", msevtmgt_name="Opening", msevtmgt_event=event, **times)
    building = await book.create("building", msevtmgt_name="Hall")

    async def tie(table: str, at: UUID, way: str, to: UUID | None, act: Any = records.associate) -> None:
        await book.run(lambda tx: act(tx, ADMIN, T[table], at, way, to))

    both = "msevtmgt_pass_msevtmgt_session"
    for _ in range(2):
        await tie("pass", ticket, both, session)
    await tie("session", session, both, ticket, records.disassociate)
    await tie("session", session, both, ticket)
    await book.refused("RuleBroken", tie("pass", foreign, both, session), "different events")
    await book.refused("RecordMissing", tie("pass", ticket, both, uuid4()), "msevtmgt_session")
    await book.refused(
        "SegmentUnknown", tie("pass", ticket, "nowhere", session), "Resource not found for the segment 'nowhere'."
    )

    await tie("event", event, "msevtmgt_building", building)
    assert (await book.row("event", event))["building_id"] == building
    await tie("event", event, "msevtmgt_building", None, records.disassociate)
    assert (await book.row("event", event))["building_id"] is None
    account = await book.create("account", name="Contoso")
    contact = await book.create("contact", firstname="Ada", lastname="Byron")
    await tie("account", account, "contact_customer_accounts", contact)
    assert (await book.row("contact", contact))["account_id"] == account
    await tie("account", account, "contact_customer_accounts", contact, records.disassociate)
    assert (await book.row("contact", contact))["account_id"] is None
    await book.refused(
        "RecordMissing", tie("account", account, "contact_customer_accounts", contact, records.disassociate)
    )


async def test_roles_decide_by_table(book: Book) -> None:
    event = await book.event()
    planner, finalizer = (Caller(role.value, role, SYSTEM_USER) for role in (Role.PLANNER, Role.FINALIZER))
    nobody = Caller("x", Role.NOBODY, SYSTEM_USER)
    missing = await book.refused(
        "PrivilegeMissing", book.event(_as=planner), "is missing prvCreatemsevtmgt_Event privilege"
    )
    assert missing.message.startswith(f"Principal user (Id={SYSTEM_USER}")
    await book.refused("PrivilegeMissing", book.update("event", event, _as=finalizer, msevtmgt_name="x"), "prvWrite")
    for table in T.values():
        assert records.may_read(planner, table)
        assert not records.may_read(nobody, table)
    assert {name for name, table in T.items() if records.may_read(finalizer, table)} == {
        "purchase", "event", "pass", "transactioncurrency",
    }  # fmt: skip


@pytest.mark.parametrize("table", [one.name for one in T.values() if one.access.value == "read"])
async def test_what_only_our_own_flows_write_names_the_way_out(book: Book, table: str) -> None:
    for attempt in (book.create(table), book.update(table, uuid4()), book.delete(table, uuid4())):
        await book.refused("RuleBroken", attempt, "read-only")


async def test_every_column_of_every_table_answers_nonsense_with_a_refusal(book: Book) -> None:
    nonsense: list[Any] = [
        "x" * 9000,
        -(2**70),
        Decimal("1e99"),
        True,
        uuid4(),
        datetime(1, 1, 1),
        None,
        Decimal("0.00001"),
    ]
    event = await book.event()
    ids = {
        "event": event,
        "pass": await book.event_pass(event),
        "building": await book.create("building", msevtmgt_name="b"),
    }
    for name, record_id in ids.items():
        for column in T[name].shown:
            for value in nonsense:
                try:
                    await book.update(name, record_id, **{column.logical or "": value})
                except GatepassError:
                    continue
                assert column.kind is not Kind.MONEY or value is None


async def test_defaults_are_those_of_the_declaration(book: Book) -> None:
    event = await book.event()
    row = await book.row("event", event)
    assert (row["status"], row["late_policy"], row["time_zone"]) == ("draft", "seat_else_refund", "UTC")
    assert row["allowanonymousregistrations"] is True
    await book.update("event", event, msevtmgt_publishstatus=LIVE)
    assert (await book.row("event", event))["status"] == "live"
    await book.update("event", event, msevtmgt_publishstatus=DRAFT)
