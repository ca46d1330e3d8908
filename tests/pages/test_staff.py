"""The door of the staff app."""

from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from .conftest import Demo

OWN = {"Sec-Fetch-Site": "same-origin"}


def signs_in(demo: Demo, page: Page, password: str | None = None) -> None:
    page.goto(demo.told["staff"]["url"])
    page.get_by_label("Email").fill(demo.told["staff"]["email"])
    page.get_by_label("Password").fill(password or demo.told["staff"]["password"])
    page.get_by_role("button", name="Sign in").click()


def test_staff_sign_in_look_and_sign_out(demo: Demo, page: Page) -> None:
    signs_in(demo, page)
    expect(page.get_by_role("heading", name="Live events")).to_be_visible()
    expect(page.get_by_text(demo.told["staff"]["email"])).to_be_visible()
    expect(page.get_by_label("Script for the console")).to_contain_text("msevtmgt_finalizeregistrationpayment")

    page.get_by_role("button", name="Sign out").click()

    page.goto(f"{demo.base_url}/staff")
    assert page.url.endswith("/staff/sign-in?next=%2Fstaff")


def test_the_script_of_the_page_finalizes_an_order(demo: Demo, page: Page, web: httpx.Client) -> None:
    url = demo.event(payment_enabled=0)
    pass_id = demo.sql(
        "select p.id from pass p join event e on e.id = p.event_id where e.readable_id = ?", url.rpartition("/")[2]
    )
    typed = {
        "pass": pass_id[0]["id"],
        "att1_given": "A",
        "att1_family": "B",
        "att1_email": "a@b.example",
        "agreed": "120.00 EUR",
    }
    order_url = web.post(url, data=typed | {"step": "register"}).headers["location"]
    signs_in(demo, page)
    script = page.get_by_label("Script for the console").inner_text()

    page.evaluate(script.replace("00000000-0000-0000-0000-000000000000", demo.newest_order()))

    page.wait_for_timeout(500)
    assert "You’re in" in web.get(order_url).text


def test_a_wrong_password_is_not_told_apart_from_a_wrong_mail(demo: Demo, page: Page) -> None:
    signs_in(demo, page, "not it")

    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Email or password is not right")
    expect(page.get_by_role("textbox", name="Email")).to_have_value(demo.told["staff"]["email"])


def test_ten_wrong_passwords_have_to_wait(web: httpx.Client) -> None:
    tried = {"email": f"{uuid4().hex}@contoso.example", "password": "x"}

    answers = [web.post("/staff/sign-in", data=tried, headers=OWN) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 600
    assert "Too many tries" in answers[-1].text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/staff/sign-in", "/staff/sign-out"])
def test_a_form_of_another_site_does_nothing(demo: Demo, web: httpx.Client, path: str, headers: dict[str, str]) -> None:
    assert web.post(path, data=_right(demo), headers=headers).status_code == 403


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "/%5c/../x\r\nSet-Cookie:a=b", ""]
)
def test_after_sign_in_no_other_host_follows(demo: Demo, web: httpx.Client, wanted: str) -> None:
    answer = web.post("/staff/sign-in", data=_right(demo) | {"next": wanted}, headers=OWN)

    assert (answer.status_code, answer.headers["location"]) == (303, "/staff")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("gatepass_staff=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def _right(demo: Demo) -> dict[str, str]:
    return {"email": demo.told["staff"]["email"], "password": demo.told["staff"]["password"]}
