"""A batch does what its requests say, in order: reads see what was written, change sets happen whole or not at all."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataverse.calling import WebApi, api, refused
from tests.dataverse.clients import Asked, Item, Read, dwa_body, dwa_read, sdk_body, sdk_read
from tests.dataverse.effort import examples

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
ANY = (("If-Match", "*"),)
GO_ON = {"Prefer": "odata.continue-on-error"}


async def test_both_clients_write_read_and_delete(api: WebApi) -> None:
    for client in CLIENTS:
        contact, mail = uuid4(), f"{uuid4()}@example.org"
        found = await client(api, [
            _create(api, contactid=str(contact), lastname="Söhne", emailaddress1=mail),
            Asked("GET", f"{api.root}contacts?$select=lastname&$filter=emailaddress1 eq '{mail}'"),
            Asked("PATCH", _at(api, contact), '{"lastname":"B"}', ANY),
            Asked("GET", f"{api.root}contacts({contact})?$select=lastname"),
            Asked("DELETE", _at(api, contact), None, ANY),
        ])  # fmt: skip

        assert [one.status for one in found] == [204, 200, 204, 200, 204]
        assert found[0].record_id == str(contact)
        assert [row["lastname"] for row in found[1].data["value"]] == ["Söhne"]
        assert found[3].data["lastname"] == "B"
        assert (await api.get(f"contacts({contact})")).status_code == 404


async def test_a_count_comes_as_text(api: WebApi) -> None:
    answer = await _send(api, sdk_body([Asked("GET", f"{api.root}contacts/$count")]))
    (read,) = dwa_read(answer.content)
    assert int(read.data) >= 0


async def test_a_change_set_fills_in_what_it_made(api: WebApi) -> None:
    (account, contact, changed, put) = await sdk(api, [[
        Asked("POST", f"{api.root}accounts", '{"name":"Contoso"}', (), "1"),
        Asked("POST", f"{api.root}contacts", '{"lastname":"L","parentcustomerid_account@odata.bind":"$1"}', (), "2"),
        Asked("PATCH", "$2", '{"firstname":"F"}', ANY, "3"),
        Asked("PUT", "$2/jobtitle", '{"value":"Analyst"}', (), "4"),
    ]])  # fmt: skip

    assert [one.content_id for one in (account, contact, changed, put)] == ["1", "2", "3", "4"]
    row = (await api.get(f"contacts({contact.record_id})?$select=firstname,jobtitle,_parentcustomerid_value")).json()
    assert (row["firstname"], row["jobtitle"]) == ("F", "Analyst")
    assert row["_parentcustomerid_value"] == account.record_id


async def test_a_link_may_be_made_to_what_was_just_made(api: WebApi) -> None:
    account = await api.make("accounts", name="Contoso")
    found = await dwa(api, [[
        _create(api, lastname="L")._replace(content_id="1"),
        Asked("PUT", f"{api.root}accounts({account})/primarycontactid/$ref", '{"@odata.id":"$1"}', (), "100002"),
    ]])  # fmt: skip

    row = (await api.get(f"accounts({account})?$select=_primarycontactid_value")).json()
    assert row["_primarycontactid_value"] == found[0].record_id


@pytest.mark.parametrize("name", ["$9", "$1"])
async def test_a_reference_to_nothing_undoes_the_change_set(api: WebApi, name: str) -> None:
    mail = f"{uuid4()}@example.org"
    changes = [
        Asked("PATCH", name, '{"firstname":"F"}', ANY, "2"),
        _create(api, lastname="L", emailaddress1=mail)._replace(content_id="1"),
    ]
    answer = await _send(api, sdk_body([changes]))

    (read,) = sdk_read(answer.headers["content-type"], answer.content)
    assert (answer.status_code, read.status, read.content_id) == (400, 400, "2")
    assert read.data["error"]["message"] == f"Content-ID Reference: '{name}' does not exist in the batch context."
    assert await _count(api, mail) == 0


async def test_a_failed_change_set_is_undone_and_answers_with_what_failed(api: WebApi) -> None:
    mail, gone = f"{uuid4()}@example.org", uuid4()
    changes = [
        _create(api, lastname="L", emailaddress1=mail)._replace(content_id="1"),
        Asked("DELETE", _at(api, gone), None, ANY, "2"),
        _create(api, lastname="L", emailaddress1=mail)._replace(content_id="3"),
    ]
    after = Asked("GET", f"{api.root}contacts?$top=1")
    for write in (sdk_body, dwa_body):
        answer = await _send(api, write([changes, after]))

        assert answer.status_code == 400
        (read,) = sdk_read(answer.headers["content-type"], answer.content)
        assert (read.status, read.content_id) == (404, "2")
        assert read.data["error"] == {"code": "0x80040217", "message": f"contact With Id = {gone} Does Not Exist"}
        assert [one.data for one in dwa_read(answer.content)] == [read.data]
        assert b"--changesetresponse_" in answer.content
        assert await _count(api, mail) == 0


async def test_the_first_failure_ends_a_batch_and_what_came_before_stays(api: WebApi) -> None:
    mail = f"{uuid4()}@example.org"
    create = _create(api, lastname="L", emailaddress1=mail)
    items = [create, Asked("GET", f"{api.root}nothings"), create, [create._replace(content_id="1")]]

    stopped = await _send(api, sdk_body(items))
    assert stopped.status_code == 400
    assert _statuses(stopped) == [204, 404]
    assert await _count(api, mail) == 1

    went_on = await _send(api, sdk_body(items), **GO_ON)
    assert went_on.status_code == 200
    assert went_on.headers["preference-applied"] == "odata.continue-on-error"
    assert _statuses(went_on) == [204, 404, 204, 204]
    assert await _count(api, mail) == 4


async def test_a_refused_write_leaves_its_neighbours_alone(api: WebApi) -> None:
    mail = f"{uuid4()}@example.org"
    good, bad = _create(api, lastname="L", emailaddress1=mail), _create(api, nothing="x")

    assert _statuses(await _send(api, sdk_body([good, bad, good]), **GO_ON)) == [204, 400, 204]
    assert await _count(api, mail) == 2
    assert _statuses(await _send(api, sdk_body([good, bad, good]))) == [204, 400]
    assert await _count(api, mail) == 3


async def test_addresses_in_answers_are_those_the_caller_writes(api: WebApi) -> None:
    old = f"{api.here.base_url}/api/data/v9.1/"
    answer = await _send(
        api, sdk_body([Asked("POST", f"{old}contacts", '{"lastname":"L"}'), _create(api, lastname="L")])
    )

    assert f"OData-EntityId: {old}contacts(".encode() in answer.content
    assert f"OData-EntityId: {api.root}contacts(".encode() in answer.content


async def test_a_batch_that_cannot_be_read_is_refused_in_json(api: WebApi) -> None:
    mail = f"{uuid4()}@example.org"
    create = _create(api, lastname="L", emailaddress1=mail)
    read = Asked("GET", f"{api.root}contacts", None, (), "9")
    for body in (sdk_body([create])[:-8], sdk_body([create, [read]]), b"", b"{}"):
        refused(await _send(api, body), 400, "0x80060888", "nothing of it was done")
    refused(await api.post("$batch", {}), 400, "0x80060888", "multipart/mixed")
    refused(await api.get("$batch"), 405, "0x80060888")
    refused(await _send(api.by(token=""), sdk_body([create])), 401, "0x80040220")
    assert await _count(api, mail) == 0


async def test_the_rules_and_privileges_of_the_door_hold_inside(api: WebApi) -> None:
    order = await api.here.register()
    paid = json.dumps({"msevtmgt_totalprice": 1})
    address = f"{api.root}msevtmgt_eventpurchases({order.id})"
    answer = await _send(api, sdk_body([[Asked("PATCH", address, paid, ANY, "1")]]))
    assert _statuses(answer) == [400]

    finalizer = api.by(token="secret-token-of-a-program")
    answer = await _send(finalizer, sdk_body([_create(api, lastname="L")]))
    assert _statuses(answer) == [403]


async def test_finalizing_inside_a_change_set_is_all_or_nothing(api: WebApi) -> None:
    first, second = await api.here.register(), await api.here.register()
    changes = [_finalize(api, first.id, "1"), _finalize(api, uuid4(), "2")]
    answer = await _send(api, sdk_body([changes]))
    assert _statuses(answer) == [404]
    assert (await api.here.purchase(first.id)).status.value == "awaiting_payment"

    changes = [_finalize(api, first.id, "1"), _finalize(api, second.id, "2")]
    assert [one.status for one in await dwa(api, [changes, _finalize(api, first.id, "")])] == [204, 204, 204]
    assert {(await api.here.purchase(one.id)).status.value for one in (first, second)} == {"completed"}
    await api.here.until(lambda: api.here.mails_to(first.email))


async def test_batches_at_once_do_not_mix(api: WebApi) -> None:
    mails = [f"{uuid4()}@example.org" for _ in range(8)]
    batches = [[[_create(api, lastname=str(at), emailaddress1=mail)._replace(content_id=str(at)) for at in range(1, 6)]]
               for mail in mails]  # fmt: skip
    found = await asyncio.gather(*(sdk(api, items) for items in batches))

    assert all([one.status for one in read] == [204] * 5 for read in found)
    assert [await _count(api, mail) for mail in mails] == [5] * 8


# Any batch, against a model of what it does


_people = st.integers(0, 3)
_changes = st.tuples(st.sampled_from(["create", "update", "delete", "bad"]), _people)
_parts = st.tuples(st.just("read"), _people) | _changes | st.lists(_changes, min_size=1, max_size=4)


async def test_any_batch_leaves_what_its_answers_say(api: WebApi) -> None:
    loop = asyncio.get_running_loop()

    @examples(25)
    @given(parts=st.lists(_parts, min_size=1, max_size=6), goes_on=st.booleans())
    def check(parts: list[Any], goes_on: bool) -> None:
        asyncio.run_coroutine_threadsafe(_check(api, parts, goes_on=goes_on), loop).result()

    await asyncio.to_thread(check)


async def _check(api: WebApi, parts: list[Any], *, goes_on: bool) -> None:
    ids = [uuid4() for _ in range(4)]
    items: list[Item] = [
        [_asked(api, ids, *one)._replace(content_id=str(at)) for at, one in enumerate(part, 1)]
        if isinstance(part, list) else _asked(api, ids, *part)
        for part in parts
    ]  # fmt: skip
    wanted, there = _modelled(parts, goes_on=goes_on)

    answer = await _send(api, dwa_body(items), **(GO_ON if goes_on else {}))

    assert _statuses(answer) == wanted
    assert answer.status_code == (200 if goes_on or all(one < 400 for one in wanted) else 400)
    found = [await api.get(f"contacts({at})?$select=jobtitle") for at in ids]
    assert {at: one.json()["jobtitle"] for at, one in enumerate(found) if one.status_code == 200} == there


def _asked(api: WebApi, ids: Sequence[UUID], what: str, person: int) -> Asked:
    address = _at(api, ids[person])
    return {
        "read": Asked("GET", address),
        "create": _create(api, contactid=str(ids[person]), lastname="L", jobtitle="new"),
        "update": Asked("PATCH", address, '{"jobtitle":"changed"}', ANY),
        "delete": Asked("DELETE", address),
        "bad": Asked("PATCH", address, '{"nothing":1}', ANY),
    }[what]


def _modelled(parts: list[Any], *, goes_on: bool) -> tuple[list[int], dict[int, str]]:
    """Statuses, and who is there with which title."""
    statuses, there = list[int](), dict[int, str]()
    for part in parts:
        if isinstance(part, list):
            tried, now = list[int](), dict(there)
            for one in part:
                tried.append(_step(now, *one))
                if tried[-1] >= 400:
                    break
            failed = tried[-1] >= 400
            statuses += tried[-1:] if failed else tried
            there = there if failed else now
        else:
            statuses.append(_step(there, *part))
        if statuses[-1] >= 400 and not goes_on:
            break
    return statuses, there


def _step(there: dict[int, str], what: str, person: int) -> int:
    known = person in there
    if what == "create":
        there.setdefault(person, "new")
        return 412 if known else 204
    if what == "bad":
        return 400
    if not known:
        return 404
    if what == "update":
        there[person] = "changed"
    elif what == "delete":
        del there[person]
    return 200 if what == "read" else 204


# Words


async def sdk(api: WebApi, items: Sequence[Item]) -> list[Read]:
    """As the Python SDK sends a batch and reads its answer."""
    answer = await _send(api, sdk_body(items))
    assert answer.status_code == 200, answer.text
    return sdk_read(answer.headers["content-type"], answer.content)


async def dwa(api: WebApi, items: Sequence[Item]) -> list[Read]:
    """As dynamics-web-api does."""
    body = dwa_body(items)
    headers = {"Content-Type": "multipart/mixed;boundary=dwa_batch_1"}
    answer = await api.call("POST", "$batch", body, **headers)
    assert answer.status_code == 200, answer.text
    return dwa_read(answer.content)


CLIENTS = (sdk, dwa)


async def _send(api: WebApi, body: bytes, **headers: str) -> httpx.Response:
    boundary = "dwa_batch_1" if b"--dwa_batch_1" in body else "batch_1"
    return await api.call(
        "POST", "$batch", body, **{"Content-Type": f'multipart/mixed; boundary="{boundary}"'}, **headers
    )


def _statuses(answer: httpx.Response) -> list[int]:
    found = [one.status for one in sdk_read(answer.headers["content-type"], answer.content)]
    assert found == [one.status for one in dwa_read(answer.content)]
    return found


def _create(api: WebApi, **values: str) -> Asked:
    return Asked("POST", f"{api.root}contacts", json.dumps(values, ensure_ascii=False))


def _finalize(api: WebApi, purchase: UUID, content_id: str) -> Asked:
    body = json.dumps({"msevtmgt_purchaseid": str(purchase), "msevtmgt_paymentstatus": 100000001})
    return Asked("POST", f"{api.root}msevtmgt_finalizeregistrationpayment", body, (), content_id)


def _at(api: WebApi, record: UUID) -> str:
    return f"{api.root}contacts({record})"


async def _count(api: WebApi, mail: str) -> int:
    found = await api.get(f"contacts?$select=contactid&$filter=emailaddress1 eq '{mail}'")
    assert found.status_code == 200, found.text
    return len(found.json()["value"])
