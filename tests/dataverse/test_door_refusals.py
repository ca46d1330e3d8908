"""What the Web API refuses, in Dataverse's shape, codes and words (dataverse-web-api.md section 7); and that it never fails."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.web.dataverse.door import MAX_BODY_BYTES
from tests.dataverse.calling import ADMINISTRATOR, WebApi, api, refused
from tests.dataverse.effort import examples
from tests.running import API_TOKEN

__all__ = ["api"]

READER = "token-of-a-reader"
pytestmark = pytest.mark.asyncio(loop_scope="module")

BODIES: dict[str, tuple[object, str]] = {
    "no JSON": (b"{firstname:1}", "no JSON"),
    "a list": ([], "A JSON object is needed"),
    "nothing": (b"", "no JSON"),
    "half": (b'{"firstname":', "no JSON"),
    "twice": (b'{"firstname":"a","firstname":"b"}', "Multiple properties with the name 'firstname'"),
    "deep": (b'{"a":' * 90_000 + b"1" + b"}" * 90_000, "nested too deeply"),
    "NaN": (b'{"creditlimit":NaN}', "NaN"),
    "not UTF-8": (b'{"firstname":"\xff"}', "no JSON"),
    "NUL": (b'{"firstname":"\\u0000"}', "cannot be kept"),
    "half a character": (b'{"firstname":"\\ud800"}', "cannot be kept"),
    "a number for a text": ({"firstname": 1}, "Cannot convert the literal '1' to the expected type 'Edm.String'"),
    "a text for a number": ({"numberofemployees": "1"}, "Invalid property"),
    "a lookup's value": ({"_parentcustomerid_value": str(uuid4())}, "Use Navigation properties instead"),
    "a lookup's name": ({"parentcustomerid": str(uuid4())}, "Use Navigation properties instead"),
    "an unknown property": (
        {"nothing": 1},
        "Invalid property 'nothing' was found in entity 'Microsoft.Dynamics.CRM.contact'",
    ),
    "another case": ({"FirstName": "x"}, "Invalid property 'FirstName'"),
    "a list for a record": ({"parentcustomerid_account": [1]}, "has to be an object"),
    "a bind to a number": ({"parentcustomerid_account@odata.bind": 1}, "the address of one record"),
}


@pytest.mark.parametrize("what", BODIES)
async def test_a_body_that_is_none_is_400(api: WebApi, what: str) -> None:
    body, says = BODIES[what]
    refused(await api.call("POST", "contacts", body, content_type="application/json"), 400, "0x80048d19", says)


async def test_what_is_not_json_in_utf_8_is_said_not_to_be(api: WebApi) -> None:
    for kind in ("application/json; charset=utf-16", "text/xml", "application/json; charset=latin-1"):
        refused(await api.call("POST", "contacts", b'{"lastname":"x"}', content_type=kind), 415, "0x80048d19")
    refused(await api.get("contacts?$format=xml"), 415, "0x80048d19", "Answers are JSON")
    refused(await api.get("contacts?$filter=lastname eq '%ff'"), 400, "0x80060888", "not UTF-8")
    for form in ("json", "application/json;odata.metadata=minimal"):
        assert (await api.get(f"contacts?$top=1&$format={form}")).status_code == 200


VALUES: dict[str, tuple[str, object, str]] = {
    "whole numbers": ("numberofemployees", 1.5, "Edm.Int32"),
    "32 bits": ("numberofemployees", 2**31, "Edm.Int32"),
    "yes or no": ("creditonhold", 1, "Edm.Boolean"),
    "amounts": ("creditlimit", "1", "Edm.Decimal"),
    "amounts with an end": ("creditlimit", 10**60, "Edm.Decimal"),
    "ids": ("accountid", "1", "Edm.Guid"),
}


@pytest.mark.parametrize("what", VALUES)
async def test_values_have_their_type(api: WebApi, what: str) -> None:
    name, value, says = VALUES[what]
    refused(await api.post("accounts", {"name": "x", name: value}), 400, "0x80048d19", says)


@pytest.mark.parametrize(
    "text", ["yesterday", "2027-13-01", "2027-06-10T25:00:00Z", "0001-01-01T00:00:00+14:00", "2027-W01"]
)
async def test_dates_are_dates(api: WebApi, text: str) -> None:
    path = f"msevtmgt_events({api.here.event.id})"
    refused(await api.patch(path, {"msevtmgt_eventstartdate": text}), 400, "0x80048d19", "Edm.DateTimeOffset")


REQUESTS = {
    "an unknown set": ("GET", "nothings", 404, "0x8006088a", "Resource not found for the segment 'nothings'."),
    "another case": ("GET", "Contacts", 404, "0x8006088a", "'Contacts'"),
    "an unknown function": ("GET", "Nothing(a=1)", 404, "0x8006088a", "'Nothing'"),
    "a broken segment": ("GET", "contacts(1", 404, "0x8006088a", ""),
    "another method": ("PUT", "contacts", 405, "0x80060888", "No HTTP resource was found that matches the request URI"),
    "a post to a record": ("POST", f"contacts({uuid4()})", 405, "0x80060888", ""),
    "an unknown column": (
        "GET",
        "contacts?$select=x",
        400,
        "0x80060888",
        "Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.contact'.",
    ),
    "syntax": ("GET", "contacts?$filter=lastname eq", 400, "0x80060888", "Syntax error at position"),
    "$skip": ("GET", "contacts?$skip=1", 400, "0x80060888", "The query parameter $skip is not supported"),
    "$top": ("GET", "contacts?$top=-1", 400, "0x80060888", "$top"),
    "a token": ("GET", "contacts?$skiptoken=x", 400, "0x80060888", "$skiptoken"),
    "a schema change": ("POST", "EntityDefinitions", 403, "0x80040220", "schema"),
}


@pytest.mark.parametrize("what", REQUESTS)
async def test_a_request_for_what_is_not_there(api: WebApi, what: str) -> None:
    method, path, status, code, says = REQUESTS[what]
    refused(await api.call(method, path, {} if method == "POST" else None), status, code, says)


async def test_nobody_is_told_nothing(api: WebApi) -> None:
    for token in ("", "wrong", f"{ADMINISTRATOR}x"):
        answer = await api.by(token=token).get("contacts")
        refused(answer, 401, "0x80040220")
        assert answer.headers["www-authenticate"].startswith("Bearer authorization_uri=")


async def test_a_finalizer_sees_what_a_payment_is_about_and_no_more(api: WebApi) -> None:
    by = api.by(token=API_TOKEN)

    assert (await by.get("msevtmgt_eventpurchases?$expand=msevtmgt_EventId")).status_code == 200
    for path in (
        "contacts", "contacts/$count", "msevtmgt_eventpurchases?$expand=msevtmgt_PurchasingContactId",
        "msevtmgt_eventpurchases?$filter=msevtmgt_PurchasingContactId/lastname eq 'x'",
        "msevtmgt_eventpurchases?$orderby=msevtmgt_PurchasingContactId/lastname",
        f"contacts({uuid4()})/lastname", f"accounts({uuid4()})/contact_customer_accounts",
    ):  # fmt: skip
        refused(await by.get(path), 403, "0x80040220", "privilege")
    refused(await by.post("contacts", {"lastname": "x"}), 403, "0x80040220", "prvCreateContact")
    refused(await by.delete(f"contacts({uuid4()})"), 403, "0x80040220", "privilege")
    # A viewer of before reads as a planner does, and writes nothing.
    assert (await api.by(token=READER).get("contacts")).status_code == 200
    refused(await api.by(token=READER).post("contacts", {"lastname": "x"}), 403, "0x80040220", "prvCreateContact")


async def test_nobody_acts_for_somebody_else(api: WebApi) -> None:
    own = (await api.get("WhoAmI")).json()["UserId"]

    for name in ("MSCRMCallerID", "CallerObjectId"):
        refused(await api.get("contacts", **{name: str(uuid4())}), 403, "0x80040220", "prvActOnBehalfOfAnotherUser")
        assert (await api.get("contacts?$top=1", **{name: own.upper()})).status_code == 200


async def test_bodies_have_a_limit_and_a_type(api: WebApi) -> None:
    refused(await api.call("POST", "contacts", b" " * (MAX_BODY_BYTES + 1)), 413, "0x80048d19")
    refused(
        await api.call("POST", "contacts", b"a=b", content_type="application/x-www-form-urlencoded"), 415, "0x80048d19"
    )
    charset = await api.call("POST", "contacts", b'{"lastname":"x"}', content_type="application/json; charset=utf-8")
    assert charset.status_code == 204


async def test_head_and_options_do_no_harm(api: WebApi) -> None:
    at = await api.make("contacts", lastname="Byron")

    head, options = await api.call("HEAD", f"contacts({at})"), await api.by(token="").call("OPTIONS", f"contacts({at})")

    assert (head.status_code, head.content) == (200, b"")
    assert (options.status_code, "PATCH" in options.headers["allow"]) == (204, True)
    trace = await api.call("TRACE", f"contacts({at})")
    assert trace.status_code == 405
    assert trace.json()["error"]["code"] == "0x80060888"


async def test_requests_have_ids(api: WebApi) -> None:
    mine = str(uuid4())

    first, second = [await api.get("WhoAmI", **{"x-ms-client-request-id": mine}) for _ in range(2)]

    assert first.headers["x-ms-client-request-id"] == mine
    assert first.headers["x-ms-service-request-id"] != second.headers["x-ms-service-request-id"]
    long = await api.get("nothing", **{"x-ms-client-request-id": "x" * 5000})
    assert "x-ms-client-request-id" not in long.headers


words = st.sampled_from(
    ["contacts", "msevtmgt_events", "(", ")", "'", "$", "$ref", "$count", "$value", "/", "accountnumber=", "%", "%27", "%00", "%ff",
     "11111111-1111-4111-8111-111111111111", "firstname", "parentcustomerid_account", "?", "&", "=", "$filter=", "$select=", "$expand=",
     "$orderby=", "$apply=", "$top=", " ", "+", ",", ";", "any(x:x/lastname eq 'a')", "eq", "not", "null", "@p1", "é", "\U0001f600"]
)  # fmt: skip


@examples(100)
@given(
    method=st.sampled_from(["GET", "PATCH", "PUT", "DELETE", "POST"]),
    path=st.lists(words, max_size=12).map("".join),
    body=st.binary(max_size=60),
)
async def test_no_input_leads_to_a_failure(api: WebApi, method: str, path: str, body: bytes) -> None:
    answer = await api.call(method, path, None if method in {"GET", "DELETE"} else body)

    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and method != "HEAD":
        assert set(answer.json()["error"]) == {"code", "message"}
