"""The events API, by its contract: both base forms, what each answers, and each refusal with its own code."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from gatepass.domain.event import EventStatus
from gatepass.services import switches
from tests.running import SITE, TOKEN, Running, query

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESULT = {"status", "errorMessage", "errorCode", "redirectUrl", "purchaseId"}
NEW, OLD = "new", "old"
_MEMBERS = """
    allowAnonymousRegistrations allowCustomAgenda autoregisterWaitlistItems building description enableCaptcha
    enableMultiAttendeeRegistration startDate endDate startDateUTC endDateUTC eventFormat eventId eventLanguage eventName
    eventType image maxCapacity isCapacityRestricted publicEventUrl readableEventId room showAutomaticRegistrationCheckbox
    showWaitlist timeZone timeZoneName registrationForm setRegistrationEndDate stopRegistrationDate websiteMessage
"""
EVENT_MEMBERS = set(_MEMBERS.split())


# What there is to read


@pytest.mark.parametrize("form", [NEW, OLD])
async def test_a_site_reads_events_passes_and_the_count(shared: Running, form: str) -> None:
    here = await shared.at(("Full", 12050, 20), ("Hidden", 100, 0), ("Free", 0, 5), capacity=25)
    await here.register(pass_name="Free")

    listed = await _get(here, form, "events/published")
    one = await _get(here, form, f"events/{here.event.readable_id}")
    passes = await _get(here, form, f"events/{here.event.readable_id}/passes")
    count = await _get(here, form, f"events/{here.event.readable_id}/registrations/count")

    assert one.json() in listed.json()
    told = one.json()
    assert set(told) >= EVENT_MEMBERS
    assert (told["eventId"], told["eventName"]) == (str(here.event.id), "Contoso Summit")
    assert (told["startDate"], told["startDateUTC"]) == ("2027-06-10T09:00:00", "2027-06-10T07:00:00Z")
    assert (told["maxCapacity"], told["isCapacityRestricted"]) == (25, True)
    assert told["building"] is None
    assert told["websiteMessage"] is None
    assert [(one["passName"], one["price"], one["numberOfPassesLeft"]) for one in passes.json()] == [
        ("Full", 120.5, 20),
        ("Free", 0, 4),
    ]
    assert passes.json()[0]["currencySymbol"] == "€"
    assert passes.json()[1]["numberOfPassesSold"] == 1
    assert count.text == "1"


async def test_prices_keep_the_decimals_of_their_currency(shared: Running) -> None:
    yen = await shared.at(("Day", 18000, 5), currency="JPY")
    dinar = await shared.at(("Day", 1234, 5), currency="KWD")

    assert (await _get(yen, NEW, f"events/{yen.event.readable_id}/passes")).json()[0]["price"] == 18000
    assert (await _get(dinar, NEW, f"events/{dinar.event.readable_id}/passes")).json()[0]["price"] == 1.234


async def test_only_live_events_are_published(shared: Running) -> None:
    draft = await shared.at(("Full", 100, 5), status=EventStatus.DRAFT)

    listed = await _get(draft, NEW, "events/published")
    one = await _get(draft, NEW, f"events/{draft.event.readable_id}")
    count = await _get(draft, NEW, f"events/{draft.event.readable_id}/registrations/count")

    assert draft.event.readable_id not in {event["readableEventId"] for event in listed.json()}
    _refused(one, 404, "EventNotFound")
    _refused(count, 404, "EventNotFound")


# Registrations


@pytest.mark.parametrize("form", [NEW, OLD])
async def test_a_paid_registration_answers_all_five_members(shared: Running, form: str) -> None:
    answer = await _register(shared, shared.body(), form)

    assert answer.status_code == 200
    said = answer.json()
    assert set(said) == RESULT
    assert (said["status"], said["errorMessage"], said["errorCode"]) == ("Redirect", None, None)
    link = query(said["redirectUrl"])
    assert link["purchaseId"] == said["purchaseId"]
    assert said["redirectUrl"].startswith(f"{shared.base_url}/GatewayRedirect/PayWithStripe?source=mail&")


@pytest.mark.parametrize("form", [NEW, OLD])
async def test_a_free_registration_answers_success_with_nulls(shared: Running, form: str) -> None:
    answer = await _register(shared, shared.body(pass_name="Free"), form)

    said = answer.json()
    assert set(said) == RESULT
    assert (said["status"], said["redirectUrl"]) == ("Success", None)
    assert (await shared.purchase(UUID(said["purchaseId"]))).status.value == "completed"


async def test_without_the_payments_switch_a_paid_registration_is_only_initiated(shared: Running) -> None:
    await shared.store.write(lambda tx: switches.put(tx, switches.PAYMENTS, to=False, actor="test"))
    try:
        key = {"Idempotency-Key": uuid4().hex}
        body = shared.body()
        first, repeat = await _register(shared, body, headers=key), await _register(shared, body, headers=key)
    finally:
        await shared.store.write(lambda tx: switches.put(tx, switches.PAYMENTS, to=True, actor="test"))

    assert (first.json()["status"], first.json()["redirectUrl"]) == ("Initiated", None)
    assert repeat.json() == first.json()


async def test_several_attendees_with_several_passes_make_one_purchase(shared: Running) -> None:
    here = await shared.at(("Full", 10000, 10), ("Half", 5000, 10))
    body = here.body(seats=2)
    body["attendees"].append(here.body(pass_name="Half")["attendees"][0])

    answer = await _register(here, body)

    purchase = await here.purchase(UUID(answer.json()["purchaseId"]))
    assert (purchase.total.minor, purchase.items) == (25000, "2 × Full, 1 × Half")
    assert len(await here.tickets(purchase.id)) == 3
    assert ((await here.pass_now("Full")).held, (await here.pass_now("Half")).held) == (2, 1)


async def test_an_event_without_passes_registers_people_for_nothing(shared: Running) -> None:
    here = await shared.at(capacity=1)
    body = {"attendees": [{"firstName": "Ada", "lastName": "Byron", "email": "ada@example.org"}]}

    first, second = await _register(here, body), await _register(here, body)

    assert first.json()["status"] == "Success"
    _refused(second, 409, "EventCapacityReached")


async def test_responses_of_both_forms_are_kept(shared: Running) -> None:
    body = shared.body()
    body["attendees"][0]["responses"] = [
        {"id": "jobtitle", "value": "Analyst"},
        {"id": "vegan", "value": True},
        {"id": "years", "value": 12},
        {"id": "empty", "value": None},
        {"id": "4d6d7a3e-0000-4000-8000-000000000001", "values": ["Workshop", "Dinner"]},
    ]

    answer = await _register(shared, body)

    assert answer.status_code == 200, answer.text
    assert await _answers(shared, UUID(answer.json()["purchaseId"])) == [
        ["jobtitle", "Analyst"],
        ["vegan", "Yes"],
        ["years", "12"],
        ["empty", ""],
        ["4d6d7a3e-0000-4000-8000-000000000001", "Workshop, Dinner"],
    ]


# Return addresses


async def test_the_return_url_is_the_one_sent_when_its_origin_is_listed(shared: Running) -> None:
    wanted = f"{SITE}/thanks?a=1&b=ä#end"

    answer = await _register(shared, shared.body() | {"returnUrl": wanted})

    assert query(answer.json()["redirectUrl"])["returnUrl"] == wanted


async def test_without_a_return_url_the_buyer_comes_back_to_our_own_page(shared: Running) -> None:
    answer = await _register(shared, shared.body())

    assert query(answer.json()["redirectUrl"])["returnUrl"].startswith(f"{shared.base_url}/orders/")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/thanks",
        "https://www.contoso.example.evil.example/",
        "https://www.contoso.example@evil.example/",
        "http://www.contoso.example/",
        "//www.contoso.example/",
        "https:\\\\www.contoso.example\\",
        "javascript:alert(1)",
        "/thanks",
        "https://www.contoso.example/" + "a" * 3000,
    ],
)
async def test_a_foreign_return_url_is_refused_and_nothing_is_held(shared: Running, url: str) -> None:
    here = await shared.at(("Full", 100, 5))

    answer = await _register(here, here.body() | {"returnUrl": url})

    _refused(answer, 400, "ReturnUrlForeign", field="returnUrl")
    assert (await here.pass_now("Full")).held == 0


# Refusals: who may call


async def test_a_missing_token_is_400_and_a_wrong_one_401(shared: Running) -> None:
    url = f"{shared.api}/events/published"

    _refused(await shared.client.get(url), 400, "TokenMissing")
    _refused(await shared.client.get(url, params={"emApplicationtoken": ""}), 400, "TokenMissing")
    _refused(await shared.client.get(url, params={"emapplicationtoken": TOKEN}), 400, "TokenMissing")
    for wrong in ("wrong", TOKEN[:-1], TOKEN.upper(), TOKEN + "\0", "a" * 5000, "%"):
        _refused(await shared.client.get(url, params={"emApplicationtoken": wrong}), 401, "TokenInvalid")


async def test_the_older_base_insists_on_an_origin_and_both_refuse_a_foreign_one(shared: Running) -> None:
    params = {"emApplicationtoken": TOKEN}
    old, new = f"{shared.base_url}/EvtMgmt/api/v2.0/events/published", f"{shared.api}/events/published"

    _refused(await shared.client.get(old, params=params), 400, "OriginMissing")
    assert (await shared.client.get(new, params=params)).status_code == 200
    for url in (old, new):
        for origin in (
            "https://evil.example",
            "null",
            "https://www.contoso.example:8443",
            "http://www.contoso.example",
        ):
            answer = await shared.client.get(url, params=params, headers={"Origin": origin})
            _refused(answer, 403, "OriginForeign")
            assert "access-control-allow-origin" not in answer.headers


async def test_a_browser_of_a_listed_site_may_read_the_answer_and_the_refusal(shared: Running) -> None:
    headers = {"Origin": SITE}
    fine = await _get(shared, NEW, "events/published", headers=headers)
    refused = await _get(shared, NEW, "events/nothing", headers=headers)
    any_port = await _get(shared, NEW, "events/published", headers={"Origin": "http://localhost:49152"})

    for answer in (fine, refused):
        assert answer.headers["access-control-allow-origin"] == SITE
        assert "origin" in answer.headers["vary"].lower()
    assert any_port.headers["access-control-allow-origin"] == "http://localhost:49152"


@pytest.mark.parametrize("form", [NEW, OLD])
async def test_a_preflight_is_answered_for_listed_sites_only(shared: Running, form: str) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    url = f"{_base(shared, form)}/events/{shared.event.readable_id}/registrations"

    listed = await shared.client.options(url, params={"emApplicationtoken": TOKEN}, headers=asked | {"Origin": SITE})
    foreign = await shared.client.options(
        url, params={"emApplicationtoken": TOKEN}, headers=asked | {"Origin": "https://evil.example"}
    )

    assert (listed.status_code, listed.content) == (204, b"")
    assert listed.headers["access-control-allow-origin"] == SITE
    assert "POST" in listed.headers["access-control-allow-methods"]
    allowed = listed.headers["access-control-allow-headers"].lower()
    assert "content-type" in allowed
    assert "idempotency-key" in allowed
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers


# Refusals: what was sent


def _without(member: str) -> Callable[[dict[str, Any]], None]:
    return lambda body: body["attendees"][0].pop(member)


def _with(**members: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body["attendees"][0].update(members)


UNKNOWN_PASS = "7c0f6a52-0000-4000-8000-000000000001"

# what is done to a good registration -> status, errorCode, field
WRONG: list[tuple[str, Callable[[dict[str, Any]], None], int, str, str | None]] = [
    ("no attendees", lambda body: body["attendees"].clear(), 422, "AttendeesMissing", "attendees"),
    ("attendees missing", lambda body: body.pop("attendees"), 422, "MemberInvalid", None),
    ("attendees null", lambda body: body.update(attendees=None), 422, "MemberInvalid", "attendees"),
    ("too many", lambda body: body.update(attendees=body["attendees"] * 51), 422, "TooManyAttendees", "attendees"),
    ("a name that nobody sees", _with(firstName="\u202e\u200b"), 422, "AttendeeInvalid", "attendees[0].firstName"),
    ("no mail", _without("email"), 422, "AttendeeInvalid", "attendees[0].email"),
    ("mail null", _with(email=None), 422, "AttendeeInvalid", "attendees[0].email"),
    ("mail without domain", _with(email="ada@"), 422, "AttendeeInvalid", "attendees[0].email"),
    ("mail with a line", _with(email="ada@example.org\nBcc: x@y.org"), 422, "AttendeeInvalid", "attendees[0].email"),
    ("mail too long", _with(email="a" * 95 + "@x.org"), 422, "AttendeeInvalid", "attendees[0].email"),
    ("no first name", _without("firstName"), 422, "AttendeeInvalid", "attendees[0].firstName"),
    ("blank last name", _with(lastName="  "), 422, "AttendeeInvalid", "attendees[0].lastName"),
    ("name too long", _with(lastName="x" * 51), 422, "AttendeeInvalid", "attendees[0].lastName"),
    ("NUL in a name", _with(firstName="Ada\0"), 422, "AttendeeInvalid", "attendees[0].firstName"),
    ("a price", _with(price=1), 422, "MemberInvalid", "attendees[0]"),
    ("a status", lambda body: body.update(status="Success"), 422, "MemberInvalid", None),
    ("a payment status", lambda body: body.update(msevtmgt_paymentstatus=100000001), 422, "MemberInvalid", None),
    ("a total", lambda body: body.update(totalPrice=0), 422, "MemberInvalid", None),
    ("no pass", _without("passId"), 422, "PassMissing", "attendees.passId"),
    ("an unknown pass", _with(passId=UNKNOWN_PASS), 422, "PassNotFound", "attendees.passId"),
    ("a pass that is no GUID", _with(passId="Full"), 422, "MemberInvalid", "attendees[0].passId"),
    ("waitlisted", _with(waitlisted=True), 409, "WaitlistClosed", None),
    ("a session", _with(attendeeSessions=[{"sessionId": "2b1e"}]), 422, "SessionsNotOffered", "attendees[0].attendeeSessions"),
    ("an answer without field", _with(responses=[{"id": " ", "value": "x"}]), 422, "ResponsesInvalid",
     "attendees[0].responses[0].id"),
    ("an answer too long", _with(responses=[{"id": "a", "value": "x" * 4001}]), 422, "ResponsesInvalid",
     "attendees[0].responses[0].value"),
    ("too many answers", _with(responses=[{"id": "a", "value": "x"}] * 101), 422, "ResponsesInvalid",
     "attendees[0].responses"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "status", "code", "field"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
async def test_a_wrong_registration_is_refused_by_name(
    shared: Running, spoil: Callable[[dict[str, Any]], None], status: int, code: str, field: str | None
) -> None:
    before = (await shared.pass_now("Full")).held
    body = shared.body()
    spoil(body)

    _refused(await _register(shared, body), status, code, field=field)

    assert (await shared.pass_now("Full")).held == before


async def test_false_and_null_members_change_nothing(shared: Running) -> None:
    body = shared.body()
    body["attendees"][0] |= {"waitlisted": False, "autoRegister": None, "responses": None, "attendeeSessions": []}

    assert (await _register(shared, body | {"hipObject": None, "returnUrl": None})).status_code == 200


async def test_a_pass_of_another_event_is_refused(shared: Running) -> None:
    here = await shared.at(("Cheap", 1, 5))
    body = shared.body()
    body["attendees"][0]["passId"] = str(here.pass_id("Cheap"))

    _refused(await _register(shared, body), 422, "PassNotFound")
    assert (await here.pass_now("Cheap")).held == 0


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "JsonMalformed"),
        (b"{", 400, "JsonMalformed"),
        (b'{"attendees": [}', 400, "JsonMalformed"),
        (b"attendees=1", 400, "JsonMalformed"),
        (b"[]", 422, "MemberInvalid"),
        (b"null", 422, "MemberInvalid"),
        ('{"attendees":[{"firstName":"Zoë"}]}'.encode("latin-1"), 400, "JsonMalformed"),
        (b" " * (1024 * 1024), 413, "BodyTooLarge"),
    ],
)
async def test_what_is_no_registration_is_refused(shared: Running, content: bytes, status: int, code: str) -> None:
    answer = await _raw(shared, content)

    _refused(answer, status, code)


async def test_a_body_without_announced_length_is_cut_at_the_limit(shared: Running) -> None:
    async def endless() -> Any:
        for _ in range(64):
            yield b" " * 16384

    url = f"{shared.api}/events/{shared.event.readable_id}/registrations"
    answer = await shared.client.post(url, params={"emApplicationtoken": TOKEN}, content=endless())

    _refused(answer, 413, "BodyTooLarge")


# Refusals: how things stand


async def test_a_sold_out_pass_is_refused_with_its_own_code(shared: Running) -> None:
    here = await shared.at(("Full", 100, 2))

    _refused(await _register(here, here.body(seats=3)), 409, "PassSoldOut")
    assert (await _register(here, here.body(seats=2))).status_code == 200
    _refused(await _register(here, here.body()), 409, "PassSoldOut")


async def test_the_capacity_of_the_event_counts_beside_the_passes(shared: Running) -> None:
    here = await shared.at(("Full", 100, 10), ("Free", 0, 10), capacity=2)
    await here.register()
    await here.register(pass_name="Free")

    _refused(await _register(here, here.body(pass_name="Free")), 409, "EventCapacityReached")


async def test_registration_that_has_closed_is_410(shared: Running) -> None:
    here = await shared.at(("Full", 100, 5))
    await here.change_event(registration_closes=datetime.now(UTC) - timedelta(seconds=1))

    _refused(await _register(here, here.body()), 410, "RegistrationClosed")
    told = (await _get(here, NEW, f"events/{here.event.readable_id}")).json()
    assert told["setRegistrationEndDate"] is True
    assert told["stopRegistrationDate"] is not None


@pytest.mark.parametrize("status", [one for one in EventStatus if one is not EventStatus.LIVE])
async def test_only_a_live_event_takes_registrations(shared: Running, status: EventStatus) -> None:
    here = await shared.at(("Full", 100, 5), status=status)

    _refused(await _register(here, here.body()), 409, "EventNotLive")


async def test_an_unknown_event_is_404(shared: Running) -> None:
    _refused(await _register(shared, shared.body(), event="nothing"), 404, "EventNotFound")
    _refused(await _get(shared, NEW, "events/nothing/passes"), 404, "EventNotFound")
    _refused(await _get(shared, NEW, f"events/{shared.event.id}"), 404, "EventNotFound")


# Idempotency


async def test_the_same_key_and_wish_give_the_same_purchase(shared: Running) -> None:
    here = await shared.at(("Full", 100, 50))
    body, key = here.body(), {"Idempotency-Key": uuid4().hex}

    first = await _register(here, body, headers=key)
    again = await _register(here, body, headers=key)

    assert again.json() == first.json()
    assert (await here.pass_now("Full")).held == 1


async def test_the_same_key_with_another_wish_is_a_conflict(shared: Running) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    body = shared.body()
    assert (await _register(shared, body, headers=key)).status_code == 200

    _refused(await _register(shared, shared.body(), headers=key), 409, "IdempotencyKeyReused")
    _refused(await _register(shared, body | {"returnUrl": f"{SITE}/x"}, headers=key), 409, "IdempotencyKeyReused")


async def test_ten_at_once_with_one_key_make_one_purchase(shared: Running) -> None:
    here = await shared.at(("Full", 100, 5))
    body, key = here.body(), {"Idempotency-Key": uuid4().hex}

    answers = await asyncio.gather(*(_register(here, body, headers=key) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["purchaseId"] for answer in answers}) == 1
    assert (await here.pass_now("Full")).held == 1


async def test_a_refused_registration_does_not_use_its_key_up(shared: Running) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    wrong, right = shared.body() | {"nonsense": 1}, shared.body()

    assert (await _register(shared, wrong, headers=key)).status_code == 422
    assert (await _register(shared, right, headers=key)).status_code == 200


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_must_be_a_key(shared: Running, key: str) -> None:
    _refused(await _register(shared, shared.body(), headers={"Idempotency-Key": key}), 422, "IdempotencyKeyInvalid")


async def test_a_key_of_an_ended_registration_says_so(shared: Running) -> None:
    body, key = shared.body(), {"Idempotency-Key": uuid4().hex}
    first = await _register(shared, body, headers=key)
    assert (await shared.finalize(first.json()["purchaseId"], 100000000)).status_code == 204

    _refused(await _register(shared, body, headers=key), 409, "PurchaseEnded")


# Simulated payment


@pytest.mark.parametrize("form", [NEW, OLD])
async def test_demo_payment_works_only_behind_its_switch(shared: Running, form: str) -> None:
    order = await shared.register()
    body = {"purchaseId": str(order.id), "hipObject": None}

    _refused(await _finalize(shared, body, form), 403, "FinalizeSwitchedOff")
    assert (await shared.purchase(order.id)).status.value == "awaiting_payment"

    await shared.store.write(lambda tx: switches.put(tx, switches.DEMO_PAYMENT, to=True, actor="test"))
    try:
        done, unknown = await _finalize(shared, body, form), await _finalize(shared, {"purchaseId": UNKNOWN_PASS}, form)
    finally:
        await shared.store.write(lambda tx: switches.put(tx, switches.DEMO_PAYMENT, to=False, actor="test"))

    assert done.json() == dict.fromkeys(RESULT) | {"status": "Success", "purchaseId": str(order.id)}
    _refused(unknown, 404, "PurchaseUnknown")
    assert (await shared.purchase(order.id)).status.value == "completed"
    (payment,) = await shared.payments(order.id)
    assert (payment.provider, payment.amount.minor) == ("demo", 12050)


# Hostile input: whatever comes, never a 5xx, and never a seat


async def _raw(shared: Running, content: bytes) -> httpx.Response:
    url = f"{shared.api}/events/{shared.event.readable_id}/registrations"
    return await shared.client.post(url, params={"emApplicationtoken": TOKEN}, content=content)


GOOD = b'{"firstName":"A","lastName":"B","email":"a@b.org","passId":"%s"'

HOSTILE_BODIES = {
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"attendees":' * 10_000 + b"1" + b"}" * 10_000,
    "deep and closed": b'{"attendees":[' + b"[" * 50_000 + b"]" * 50_000 + b"]}",
    "deep hip object": b'{"attendees":[],"hipObject":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "a lone surrogate in a name": b'{"attendees":[{"firstName":"\\ud800","lastName":"B","email":"a@b.org"}]}',
    "a lone surrogate in an answer": b'{"attendees":[' + GOOD + b',"responses":[{"id":"a","value":"\\udfff"}]}]}',
    "a surrogate in bytes": b'{"attendees":[{"firstName":"\xed\xa0\x80","lastName":"B","email":"a@b.org"}]}',
    "NUL in an answer": b'{"attendees":[' + GOOD + b',"responses":[{"id":"a\\u0000","value":"\\u0000"}]}]}',
    "NUL in a mail": b'{"attendees":[{"firstName":"A","lastName":"B","email":"a\\u0000@b.org"}]}',
    "NUL in the return url": b'{"attendees":[' + GOOD + b'}],"returnUrl":"https://www.contoso.example/\\u0000"}',
    "a huge number": b'{"attendees":[' + GOOD + b',"responses":[{"id":"a","value":' + b"9" * 5000 + b"}]}]}",
    "a huge exponent": b'{"attendees":[' + GOOD + b',"responses":[{"id":"a","value":1e999999}]}]}',
    "NaN": b'{"attendees":[' + GOOD + b',"responses":[{"id":"a","value":NaN}]}]}',
    "a number as a name": b'{"attendees":[{"firstName":1,"lastName":"B","email":"a@b.org"}]}',
    "a list as a mail": b'{"attendees":[{"firstName":"A","lastName":"B","email":["a@b.org"]}]}',
    "attendees as an object": b'{"attendees":{"0":{}}}',
    "an attendee that is null": b'{"attendees":[null]}',
    "a pass that is a number": b'{"attendees":[{"firstName":"A","lastName":"B","email":"a@b.org","passId":1}]}',
    "a name twice": b'{"attendees":[],"attendees":[null]}',
    "bytes": bytes(range(256)),
    "a byte order mark": b'\xef\xbb\xbf{"attendees":[]}',
    "UTF-16": '{"attendees":[]}'.encode("utf-16"),
    "latin-1": '{"attendees":"ä"}'.encode("latin-1"),
    "nothing": b"",
    "a word": b"true",
}


@pytest.mark.parametrize("what", HOSTILE_BODIES)
async def test_a_hostile_body_is_never_our_failure(shared: Running, what: str) -> None:
    pass_id = str(shared.pass_id("Full")).encode()
    answer = await _raw(shared, HOSTILE_BODIES[what].replace(b"%s", pass_id))

    allowed = {200} if what.startswith("NUL in an answer") else set()
    assert answer.status_code in {400, 413, 422} | allowed, answer.text
    if answer.status_code != 200:
        assert answer.json()["Message"]


HOSTILE_PATHS = [
    "events/%00",
    "events/a%00b/passes",
    "events/a%00b/registrations/count",
    "events/%ff%fe",
    "events/%ed%a0%80",
    "events/%",
    "events/%zz",
    "events/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "events/" + "x" * 8000,
    "events/'; drop table event; --",
    "events/%F0%9F%8E%9F",
    "events/published?emApplicationtoken=%00",
    "events/published?emApplicationtoken=%ff",
    "events/published?emApplicationtoken=%ed%a0%80",
    "events/published?%00=%00",
]


@pytest.mark.parametrize("form", [NEW, OLD])
async def test_a_hostile_address_is_never_our_failure(shared: Running, form: str) -> None:
    for path in HOSTILE_PATHS:
        asked = path if "?" in path else f"{path}?emApplicationtoken={TOKEN}"
        answer = await shared.client.get(f"{_base(shared, form)}/{asked}", headers={"Origin": SITE})
        assert 400 <= answer.status_code < 500, f"{path}: {answer.status_code}"
        assert answer.json()["Message"], path


async def test_a_hostile_event_in_the_address_of_a_registration_is_not_found(shared: Running) -> None:
    for event in ("a%00b", "%00", "%ff", "x" * 8000):
        _refused(await _register(shared, shared.body(), event=event), 404, "EventNotFound")


async def test_a_hostile_neighbour_harms_nobody(shared: Running) -> None:
    """All of these wait for the same commit; only the wrong ones are refused."""
    here = await shared.at(("Full", 100, 100))

    hostile = (_register(here, here.body(), event="a%00b") for _ in range(10))
    honest = (_register(here, here.body()) for _ in range(10))
    answers = await asyncio.gather(*(call for pair in zip(hostile, honest, strict=True) for call in pair))

    assert [answer.status_code for answer in answers] == [404, 200] * 10
    assert (await here.pass_now("Full")).held == 10


async def test_hostile_headers_are_never_our_failure(shared: Running) -> None:
    url = f"{shared.api}/events/{shared.event.readable_id}/registrations"
    for name, value in (
        ("Origin", b"\xff\xfe"),
        ("Origin", b"http://[::1"),
        ("Origin", b"http://localhost:99999999"),
        ("Idempotency-Key", b"\xff" * 200),
        ("Content-Length", b"9" * 30),
        ("Content-Type", b"\xff"),
    ):
        content = b"" if name == "Content-Length" else b"{}"
        params = {"emApplicationtoken": TOKEN}
        try:
            answer = await shared.client.post(url, params=params, content=content, headers=[(name.encode(), value)])
        except httpx.HTTPError:
            assert name == "Content-Length"
            continue
        assert answer.status_code < 500, name


async def test_a_wrong_method_is_told_in_the_shape_of_this_api(shared: Running) -> None:
    answer = await shared.client.put(f"{shared.api}/events/published", params={"emApplicationtoken": TOKEN})

    assert answer.status_code == 405
    assert answer.json()["Message"]


def _base(here: Running, form: str) -> str:
    return here.api if form == NEW else f"{here.base_url}/EvtMgmt/api/v2.0"


async def _get(here: Running, form: str, path: str, **options: Any) -> httpx.Response:
    headers = {"Origin": SITE} if form == OLD else {}
    headers |= options.pop("headers", {})
    return await here.client.get(
        f"{_base(here, form)}/{path}", params={"emApplicationtoken": TOKEN}, headers=headers, **options
    )


async def _register(
    here: Running, body: Any, form: str = NEW, event: str | None = None, **options: Any
) -> httpx.Response:
    url = f"{_base(here, form)}/events/{event or here.event.readable_id}/registrations"
    headers = ({"Origin": SITE} if form == OLD else {}) | options.pop("headers", {})
    return await here.client.post(url, params={"emApplicationtoken": TOKEN}, json=body, headers=headers, **options)


async def _finalize(here: Running, body: Any, form: str) -> httpx.Response:
    url = f"{_base(here, form)}/events/{here.event.readable_id}/registrations/finalize"
    return await here.client.post(url, params={"emApplicationtoken": TOKEN}, json=body, headers={"Origin": SITE})


async def _answers(here: Running, purchase_id: UUID) -> Any:
    from gatepass.store import tables

    person = tables.attendee.c
    return await here.store.read(
        lambda tx: tx.rows(tables.attendee.select().where(person.purchase_id == purchase_id))[0]["answers"]
    )


def _refused(answer: httpx.Response, status: int, code: str, *, field: str | None = None) -> None:
    """A refusal in the shape that the Microsoft client reads: `Message`, and the members of RegistrationResult."""
    assert (answer.status_code, answer.json().get("errorCode")) == (status, code), answer.text
    said = answer.json()
    assert set(said) == RESULT | {"Message", "field"}
    assert said["status"] == "Failed"
    assert said["Message"] == said["errorMessage"]
    assert said["Message"].strip()
    assert (said["redirectUrl"], said["purchaseId"]) == (None, None)
    if field is not None:
        assert said["field"] == field
