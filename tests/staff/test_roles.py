"""Each role and each page of the staff app: allowed or refused on purpose. And every form, from a page of somebody else."""

import re
from itertools import product

import httpx
import pytest

from gatepass.services.access import STAFF as ROLES
from gatepass.services.access import Role
from gatepass.web.routes import routes
from gatepass.web.staff.api.door import API as STAFF_API
from gatepass.web.staff.door import Open, Page
from gatepass.web.staff.routes import PAGES
from tests.running import Running

from .browsing import OWN, member

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIEWER, EVENT_STAFF, FINANCE, ADMINISTRATOR = ROLES
LOOK = {VIEWER, EVENT_STAFF, FINANCE, ADMINISTRATOR}
MONEY, ALONE = {FINANCE, ADMINISTRATOR}, {ADMINISTRATOR}
PLAN, CARE = {EVENT_STAFF, ADMINISTRATOR}, {EVENT_STAFF, FINANCE, ADMINISTRATOR}

# Written down a second time, so that a change of the declaration is a change of mind.
MAY: dict[tuple[str, str], set[Role]] = {
    ("POST", "/staff/sign-out"): LOOK,
    ("GET", "/staff/confirm"): LOOK,
    ("POST", "/staff/confirm"): LOOK,
    ("GET", "/staff/account"): LOOK,
    ("POST", "/staff/account/password"): LOOK,
    ("POST", "/staff/account/sign-out"): LOOK,
    ("GET", "/staff/account/second-factor"): LOOK,
    ("POST", "/staff/account/second-factor"): LOOK,
    ("POST", "/staff/account/second-factor/code"): LOOK,
    ("POST", "/staff/account/second-factor/recovery"): LOOK,
    ("POST", "/staff/account/second-factor/off"): LOOK,
    ("GET", "/staff/people"): ALONE,
    ("POST", "/staff/people"): ALONE,
    ("GET", "/staff/people/{user_id}"): ALONE,
    ("POST", "/staff/people/{user_id}/role"): ALONE,
    ("POST", "/staff/people/{user_id}/disable"): ALONE,
    ("POST", "/staff/people/{user_id}/enable"): ALONE,
    ("POST", "/staff/people/{user_id}/link"): ALONE,
    ("POST", "/staff/people/{user_id}/second-factor"): ALONE,
    ("POST", "/staff/people/{user_id}/sign-out"): ALONE,
    ("GET", "/staff/audit"): MONEY,
    ("GET", "/staff"): LOOK,
    ("GET", "/staff/purchases"): LOOK,
    ("GET", "/staff/purchases/{purchase_id}"): LOOK,
    ("GET", "/staff/purchases/{purchase_id}/state"): LOOK,
    ("GET", "/staff/purchases/{purchase_id}/timeline.json"): LOOK,
    ("GET", "/staff/purchases/{purchase_id}/refund"): MONEY,
    ("POST", "/staff/purchases/{purchase_id}/refund"): MONEY,
    ("GET", "/staff/events"): LOOK,
    ("GET", "/staff/events/{event_id}"): LOOK,
    ("GET", "/staff/events/{event_id}/waitlist"): LOOK,
    ("GET", "/staff/events/{event_id}/figures"): LOOK,
    ("GET", "/staff/events/{event_id}/figures/now"): LOOK,
    ("GET", "/staff/figures"): LOOK,
    ("GET", "/staff/figures/now"): LOOK,
    ("GET", "/staff/attention"): LOOK,
    ("GET", "/staff/events/new"): PLAN,
    ("POST", "/staff/events/new"): PLAN,
    ("GET", "/staff/events/{event_id}/edit"): PLAN,
    ("POST", "/staff/events/{event_id}/edit"): PLAN,
    ("GET", "/staff/events/{event_id}/passes/new"): PLAN,
    ("POST", "/staff/events/{event_id}/passes/new"): PLAN,
    ("GET", "/staff/events/{event_id}/passes/{pass_id}"): PLAN,
    ("POST", "/staff/events/{event_id}/passes/{pass_id}"): PLAN,
    ("GET", "/staff/events/{event_id}/questions/new"): PLAN,
    ("POST", "/staff/events/{event_id}/questions/new"): PLAN,
    ("GET", "/staff/events/{event_id}/questions/{question_id}"): PLAN,
    ("POST", "/staff/events/{event_id}/questions/{question_id}"): PLAN,
    ("POST", "/staff/events/{event_id}/publish"): PLAN,
    ("POST", "/staff/events/{event_id}/take-back"): PLAN,
    ("POST", "/staff/events/{event_id}/picture"): PLAN,
    ("POST", "/staff/events/{event_id}/copy"): PLAN,
    ("POST", "/staff/events/{event_id}/passes/{pass_id}/remove"): PLAN,
    ("POST", "/staff/events/{event_id}/questions/{question_id}/remove"): PLAN,
    ("GET", "/staff/purchases/{purchase_id}/help"): CARE,
    ("POST", "/staff/purchases/{purchase_id}/resend"): CARE,
    ("POST", "/staff/purchases/{purchase_id}/attendees/{attendee_id}"): CARE,
    ("POST", "/staff/purchases/{purchase_id}/settle"): MONEY,
    ("POST", "/staff/attention/{entry_id}/close"): MONEY,
    ("POST", "/staff/attention/{entry_id}/again"): MONEY,
    ("GET", "/staff/events/{event_id}/call-off"): MONEY,
    ("POST", "/staff/events/{event_id}/call-off"): MONEY,
    ("GET", "/staff/sites/new"): ALONE,
    ("POST", "/staff/sites/new"): ALONE,
    ("GET", "/staff/sites/{site_id}"): ALONE,
    ("POST", "/staff/sites/{site_id}"): ALONE,
    ("GET", "/staff/providers/new"): ALONE,
    ("POST", "/staff/providers/new"): ALONE,
    ("GET", "/staff/providers/{provider_id}"): ALONE,
    ("POST", "/staff/providers/{provider_id}"): ALONE,
    ("GET", "/staff/tokens"): ALONE,
    ("POST", "/staff/tokens"): ALONE,
    ("POST", "/staff/tokens/{token_id}/revoke"): ALONE,
    ("GET", "/staff/switches"): ALONE,
    ("POST", "/staff/switches"): ALONE,
    ("GET", "/staff/sites"): ALONE,
    ("GET", "/staff/providers"): ALONE,
    ("GET", "/staff/providers/{provider_id}/check"): ALONE,
    ("POST", "/staff/sites/{site_id}/token"): ALONE,
    ("POST", "/staff/sites/{site_id}/token/end-old"): ALONE,
    ("POST", "/staff/providers/{provider_id}/keys"): ALONE,
    ("POST", "/staff/providers/{provider_id}/keys/remove"): ALONE,
    ("POST", "/staff/providers/{provider_id}/webhook"): ALONE,
    ("POST", "/staff/providers/{provider_id}/test-payment"): ALONE,
}
WITHOUT_SIGNING_IN = {
    ("GET", "/staff/sign-in"), ("POST", "/staff/sign-in"), ("GET", "/staff/sign-in/code"), ("POST", "/staff/sign-in/code"),
    ("GET", "/staff/sign-in/elsewhere"), ("GET", "/staff/sign-in/back"), ("GET", "/staff/forgot"), ("POST", "/staff/forgot"),
    ("GET", "/staff/link/{token}"), ("POST", "/staff/link/{token}"), ("GET", "/staff/first/{token}"),
    ("POST", "/staff/first/{token}"),
}  # fmt: skip
FRESH = {
    ("POST", "/staff/account/second-factor"), ("POST", "/staff/account/second-factor/recovery"),
    ("POST", "/staff/account/second-factor/off"), ("POST", "/staff/people"), ("POST", "/staff/people/{user_id}/role"),
    ("POST", "/staff/people/{user_id}/disable"), ("POST", "/staff/people/{user_id}/enable"),
    ("POST", "/staff/people/{user_id}/link"), ("POST", "/staff/people/{user_id}/second-factor"),
    ("GET", "/staff/purchases/{purchase_id}/refund"), ("POST", "/staff/purchases/{purchase_id}/refund"),
    ("POST", "/staff/purchases/{purchase_id}/settle"), ("GET", "/staff/events/{event_id}/call-off"),
    ("POST", "/staff/events/{event_id}/call-off"), ("POST", "/staff/sites/{site_id}/token"),
    ("POST", "/staff/providers/{provider_id}/keys"), ("POST", "/staff/providers/{provider_id}/keys/remove"),
    ("POST", "/staff/providers/{provider_id}/webhook"), ("POST", "/staff/tokens"),
    ("GET", "/staff/providers/new"), ("POST", "/staff/providers/new"), ("POST", "/staff/providers/{provider_id}"),
    ("GET", "/staff/sites/new"), ("POST", "/staff/sites/new"), ("POST", "/staff/sites/{site_id}"),
    ("POST", "/staff/switches"),
}  # fmt: skip
"""Only for somebody who has just shown who it is: secrets, money and where it is paid, and who may come in."""
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]
NOWHERE = "00000000-0000-7000-8000-0000000000ff"


def _filled(path: str) -> str:
    """An address of nothing that exists: whoever may is told so, and nothing is changed."""
    return re.sub(r"\{\w+\}", NOWHERE, path)


async def test_every_page_is_written_down_here_too() -> None:
    declared = {(page.method, page.path): set(page.may) for page in PAGES if isinstance(page, Page)}
    assert declared == MAY
    assert {(page.method, page.path) for page in PAGES if isinstance(page, Open)} == WITHOUT_SIGNING_IN
    assert {(page.method, page.path) for page in PAGES if isinstance(page, Page) and page.fresh} == FRESH
    paths = [str(getattr(route, "path", "")) for route in routes()]
    staffed = [path for path in paths if path.startswith("/staff") and not path.startswith(STAFF_API)]
    assert len(staffed) == len(PAGES)


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_and_each_page(shared: Running, role: Role) -> None:
    async with member(shared, role.value) as person:
        for (method, path), roles in MAY.items():
            if path == "/staff/sign-out":
                continue
            answer = await person.web.request(method, _filled(path))
            refused = answer.status_code == 403 and "Your role may not do this" in answer.text
            assert refused is (role not in roles), (role, method, path, answer.status_code)
            assert answer.status_code < 500


@pytest.mark.parametrize("role", ["planner", "finalizer", "nobody", "Administrator", ""])
async def test_a_role_that_is_none_opens_nothing(shared: Running, role: str) -> None:
    async with member(shared, "viewer") as person:
        await person.change_account(role=role)
        for method, path in MAY:
            answer = await person.web.request(method, _filled(path))
            assert answer.status_code in {303, 401}, (method, path)
            assert answer.headers.get("location", "/staff/sign-in").startswith("/staff/sign-in")


async def test_whoever_is_not_signed_in_is_sent_to_sign_in(shared: Running) -> None:
    async with httpx.AsyncClient(base_url=shared.base_url, headers=OWN) as web:
        for method, path in MAY:
            answer = await web.request(method, _filled(path))
            assert answer.status_code in {303, 401}, (method, path)


async def test_no_form_of_another_site_is_taken(shared: Running) -> None:
    posts = [page for page in PAGES if page.method != "GET"]
    assert {page.method for page in PAGES} == {"GET", "POST"}
    async with member(shared, "administrator") as person:
        async with httpx.AsyncClient(base_url=shared.base_url, cookies=person.web.cookies) as web:
            for page, headers in product(posts, FOREIGN):
                answer = await web.post(_filled(page.path), headers=headers, data={"reason": "x"})
                assert (answer.status_code, "another site" in answer.text) == (403, True), (page.path, headers)
            for page in posts:
                if isinstance(page, Page):
                    # A session to ride on, and nothing that says where the form stood.
                    assert (await web.post(_filled(page.path))).status_code == 403, page.path
        assert (await person.get("/staff")).status_code == 200


async def test_reading_changes_nothing_and_no_answer_is_kept(shared: Running) -> None:
    async with member(shared, "administrator") as person:
        for page in PAGES:
            if page.method == "GET":
                answer = await person.get(_filled(page.path))
                assert answer.headers.get("cache-control", "no-store") == "no-store", page.path
                assert "frame-ancestors 'none'" in answer.headers.get(
                    "content-security-policy", "frame-ancestors 'none'"
                )
                wrong = await person.web.delete(_filled(page.path))
                assert wrong.status_code == 405
