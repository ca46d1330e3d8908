"""From the event's page to the payment page, as buyers do it."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from .conftest import PAID_CARD, Buyer, Demo, Window

ANNA = ("Anna", "Schneider", "anna@fabrikam.example")


def test_a_buyer_registers_pays_and_holds_a_ticket(demo: Demo, buyer: Buyer) -> None:
    buyer.registers(demo.page_url)
    assert buyer.page.url.startswith(demo.sandbox_url)

    buyer.pays(PAID_CARD)

    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in, Anna")
    assert buyer.page.url.startswith(f"{demo.base_url}/orders/")
    expect(buyer.page.get_by_text("Total paid")).to_be_visible()


def test_it_all_works_without_script(demo: Demo, window: Callable[..., Window]) -> None:
    page = window(java_script_enabled=False).page
    page.goto(demo.page_url)
    page.get_by_label("First name").fill("Anna")
    page.get_by_role("button", name="One more").click()
    assert page.url.endswith("#people")
    expect(page.get_by_label("First name").first).to_have_value("Anna")

    buyer = Buyer(page)
    buyer.fill_in(ANNA, ("Priya", "Raman", "priya@fabrikam.example"))
    page.get_by_role("radio", name="Full pass").first.check()
    buyer.review()
    expect(page.get_by_text("Priya Raman")).to_be_visible()
    page.get_by_role("button", name="Pay €240.00").click()
    buyer.pays(PAID_CARD)

    expect(page.get_by_role("heading", name="Your tickets")).to_be_visible()
    assert page.locator(".ticket").count() == 2


def test_more_and_fewer_people_keep_everything_typed(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    page.get_by_role("radio", name="Full pass and workshop").check()
    page.get_by_label("First name").fill("Anna")
    page.get_by_role("button", name="One more").click()
    expect(page.locator("output")).to_have_text("2")
    expect(page.get_by_role("button", name="One more")).to_be_focused()
    page.get_by_label("First name").nth(1).fill("Priya")
    page.get_by_role("button", name="One more").click()
    expect(page.locator("output")).to_have_text("3")
    page.get_by_role("button", name="One fewer").click()
    expect(page.locator("output")).to_have_text("2")

    expect(page.get_by_label("First name").nth(1)).to_have_value("Priya")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("radio", name="Full pass and workshop")).to_be_checked()
    expect(page.get_by_role("complementary")).to_contain_text("€498.00")


def test_the_order_follows_the_choice(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.page_url}?pass={demo.pass_id('Full pass and workshop')}")
    expect(page.get_by_role("radio", name="Full pass and workshop")).to_be_checked()
    expect(page.get_by_role("complementary")).to_contain_text("€249.00")

    page.get_by_role("radio", name="Online").check()

    expect(page.get_by_role("complementary")).to_contain_text("Free")


def test_the_last_choice_counts_however_quickly_it_follows(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.page_url}?pass={demo.pass_id('Online')}")
    page.route(demo.page_url + "*", lambda route: (page.wait_for_timeout(300), route.continue_())[0])
    page.evaluate(
        """() => { for (const one of [...document.querySelectorAll("[name=pass]")].filter((one) => !one.disabled).slice(0, 3).reverse())
             one.click(); }"""
    )
    chosen = page.locator("[name=pass]:checked")
    expect(page.get_by_role("complementary")).to_contain_text(chosen.locator("xpath=../span[1]/b").inner_text())


def test_what_cannot_be_answered_is_said(demo: Demo, window: Callable[..., Window]) -> None:
    here = window()
    page = here.page
    page.goto(demo.page_url)
    page.get_by_label("First name").fill("Anna")
    page.context.set_offline(True)
    page.get_by_role("button", name="One more").click()
    expect(page.get_by_role("alert").get_by_text("That did not work")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="One more").click()
    expect(page.locator("output")).to_have_text("2")
    expect(page.get_by_text("That did not work")).to_be_hidden()
    expect(page.get_by_label("First name").first).to_have_value("Anna")
    assert [said for said in here.complaints if "Failed to fetch" not in said] == []
    here.complaints.clear()


def test_the_enter_key_goes_on_and_takes_nobody_away(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    page.get_by_role("button", name="One more").click()
    expect(page.locator("output")).to_have_text("2")
    Buyer(page).fill_in(ANNA, ("Priya", "Raman", "priya@fabrikam.example"))

    page.get_by_label("Email").last.press("Enter")

    expect(page.get_by_role("heading", name="Is everything right?")).to_be_visible()
    expect(page.get_by_text("Priya Raman")).to_be_visible()


def test_mistakes_are_named_in_sight_and_in_focus(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    Buyer(page).fill_in(("Anna", "", "anna@fabrikam"))
    with page.expect_response(demo.page_url + "?sent") as answer:
        Buyer(page).review()

    assert answer.value.status == 422
    assert page.title().startswith("Error: ")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="Enter a last name.").click()
    expect(page.get_by_label("Last name")).to_be_focused()
    expect(page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("First name")).to_have_value("Anna")


def test_change_on_the_review_page_keeps_everything(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    Buyer(page).fill_in(("محمد", "علي", "m@example.com"))
    Buyer(page).review()
    expect(page.get_by_text("محمد علي")).to_be_visible()

    page.get_by_role("button", name="Change").click()

    expect(page.get_by_label("First name")).to_have_value("محمد")
    Buyer(page).review()
    expect(page.get_by_role("button", name="Pay €120.00")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_back_to_the_first_page_is_the_same_form(demo: Demo, window: Callable[..., Window], script: bool) -> None:
    url = demo.event(capacity=1)
    page = window(java_script_enabled=script).page
    buyer = Buyer(page)
    buyer.registers(url, person=("Ana", "Schneider", "anna@fabrikam.example"))
    first = demo.newest_order()

    page.go_back()
    page.go_back()
    page.get_by_label("First name").fill("Anna")
    page.get_by_label("Last name").fill("Schneider")
    page.get_by_label("Email").fill("anna@fabrikam.example")
    buyer.review()
    page.get_by_role("button", name="Pay €120.00").click()
    page.wait_for_url(f"{demo.sandbox_url}/**")

    assert demo.sql("select status from purchase where id = ?", first)[0]["status"] == "cancelled"
    buyer.pays(PAID_CARD)
    expect(page.get_by_role("heading", level=1)).to_contain_text("You’re in, Anna")


@pytest.mark.parametrize("script", [True, False])
def test_back_from_the_payment_page_a_typo_on_the_last_seat_is_corrected(
    demo: Demo, window: Callable[..., Window], script: bool
) -> None:
    url = demo.event(capacity=1)
    page = window(java_script_enabled=script).page
    buyer = Buyer(page)
    buyer.registers(url, person=("Ana", "Schneider", "anna@fabrikam.example"))
    assert page.url.startswith(demo.sandbox_url)

    page.go_back()
    expect(page.get_by_role("heading", name="Is everything right?")).to_be_visible()
    page.get_by_role("button", name="Change").click()
    page.get_by_label("First name").fill("Anna")
    buyer.review()
    expect(page.get_by_text("Anna Schneider")).to_be_visible()
    page.get_by_role("button", name="Pay €120.00").click()
    page.wait_for_url(f"{demo.sandbox_url}/**")
    page.go_back()
    page.go_back()
    expect(page.get_by_label("First name")).to_have_value("Anna")
    page.go_forward()
    page.go_forward()
    buyer.pays(PAID_CARD)

    expect(page.get_by_role("heading", level=1)).to_contain_text("You’re in, Anna")
    page.goto(url)
    expect(page.get_by_text("All seats are taken")).to_be_visible()


def test_a_form_changed_after_its_order_was_complete_says_that_the_order_stands(demo: Demo, buyer: Buyer) -> None:
    page = buyer.page
    buyer.registers(demo.page_url, "Online", ("Ana", "Silva", "ana@fabrikam.example"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("You’re in, Ana")
    page.go_back()
    page.go_back()

    page.get_by_label("First name").fill("Anna")
    buyer.review()

    expect(page.get_by_text("This form has made its order already")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("You’re in, Ana.")


def test_a_free_pass_needs_no_payment_page(demo: Demo, buyer: Buyer) -> None:
    buyer.registers(demo.page_url, "Online", ("刘", "洋", "liu@example.com"))

    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in, 刘")
    expect(buyer.page.get_by_text("Registered", exact=True)).to_be_visible()


def form(demo: Demo, **changes: str) -> dict[str, str]:
    typed = {
        "idempotency_key": uuid4().hex,
        "people": "1",
        "pass": demo.pass_id("Full pass"),
        "att1_given": "Anna",
        "att1_family": "Schneider",
        "att1_email": "anna@fabrikam.example",
        "agreed": "120.00 EUR",
        "step": "register",
    }
    return typed | changes


def _followed(web: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """The page to which a form that was kept leads."""
    assert answer.status_code == 303, answer.text
    return web.get(answer.headers["location"])


def test_pressed_twice_it_is_one_order(demo: Demo, web: httpx.Client) -> None:
    typed = form(demo)

    answers = [web.post(demo.page_url, data=typed) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer.headers["location"] for answer in answers}) == 1


def test_coming_back_with_other_details_is_another_order(demo: Demo, web: httpx.Client) -> None:
    typed = form(demo)

    first = web.post(demo.page_url, data=typed)
    second = web.post(demo.page_url, data=typed | {"att1_given": "Anne"})

    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] != second.headers["location"]


def test_a_price_that_changed_is_shown_before_it_is_charged(demo: Demo, web: httpx.Client) -> None:
    answer = web.post(demo.page_url, data=form(demo, agreed="100.00 EUR"))

    assert answer.status_code == 422
    assert "The price has changed" in answer.text
    assert "Pay <bdi>€120.00</bdi>" in answer.text


def test_seats_that_are_gone_meanwhile_keep_the_details(demo: Demo, web: httpx.Client) -> None:
    url = demo.event()
    pass_id = demo.sql(
        "select p.id from pass p join event e on e.id = p.event_id where e.readable_id = ?", url.rpartition("/")[2]
    )
    demo.sql("update pass set held = allocation - 1 where id = ?", pass_id[0]["id"])
    two = {"people": "2", "att2_given": "Priya", "att2_family": "Raman", "att2_email": "priya@fabrikam.example"}

    answer = web.post(url, data=form(demo, **{"pass": pass_id[0]["id"]}, **two, agreed="240.00 EUR"))

    assert answer.status_code == 422
    assert "Only 1 left of" in answer.text
    assert 'value="Priya"' in answer.text


def test_more_people_than_fit_are_said_and_all_of_them_kept(demo: Demo, web: httpx.Client) -> None:
    names = {f"att{n}_given": f"Guest {n}" for n in range(1, 12)}
    typed = form(demo, people="11", step="review") | names

    answer, fewer = web.post(demo.page_url, data=typed), web.post(demo.page_url, data=typed | {"step": "fewer"})

    assert answer.status_code == 422
    assert 'id="fewer-error"' in answer.text
    assert "At most 10 people fit in one order." in answer.text
    assert all(f'value="{name}"' in answer.text for name in names.values())
    assert [f'value="{name}"' in _followed(web, fewer).text for name in ("Guest 10", "Guest 11")] == [True, False]


def test_a_name_that_is_too_long_comes_back_whole(demo: Demo, web: httpx.Client) -> None:
    answer = web.post(demo.page_url, data=form(demo, att1_given="x" * 400))

    assert answer.status_code == 422
    assert f'value="{"x" * 400}"' in answer.text


def test_an_event_that_sells_out_meanwhile_keeps_the_details(demo: Demo, web: httpx.Client) -> None:
    url = demo.event()
    demo.change_event(url, "event", capacity=5, held=5)

    answer = web.post(url, data=form(demo))

    assert answer.status_code == 422
    assert "All seats have just been taken." in answer.text
    assert 'value="Schneider"' in answer.text


def test_an_event_that_closes_meanwhile_shows_its_page(demo: Demo, page: Page) -> None:
    url = demo.event()
    page.goto(url)
    demo.change_event(url, "event", registration_closes="2020-01-01T00:00:00.000000Z")

    page.get_by_role("button", name="One more").click()

    expect(page.get_by_text("Registration has closed")).to_be_visible()


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"status": "draft"}, 404, "There is no event at this address"),
        ({"status": "ready_to_go_live"}, 404, "There is no event at this address"),
        ({"status": "cancelled"}, 410, "This event will not take place"),
        ({"capacity": 5, "sold": 5}, 200, "Sold out"),
        ({"registration_closes": "2020-01-01T00:00:00.000000Z"}, 200, "Registration has closed"),
        ({"ends": "2020-01-01 00:00:00.000000", "starts": "2020-01-01 00:00:00.000000"}, 200, "This event is over"),
    ],
)
def test_every_state_of_an_event_has_its_page(
    demo: Demo, web: httpx.Client, changes: dict[str, object], status: int, words: str
) -> None:
    url = demo.event(**changes)

    answers = [web.get(url)] + ([web.post(url, data=form(demo))] if words != "Sold out" else [])
    for answer in answers:
        assert answer.status_code == status
        assert words in answer.text
        assert 'class="button primary"' in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe=\x80&att1_given=%ff%00",
        b"pass=not-a-uuid&people=999&step=register",
        b"people=-1&step=fewer",
        b"people=%D9%A3&step=more",
        b"step=nonsense&pass=&pass=&idempotency_key=<script>",
        b"&".join(b"a%d=1" % i for i in range(500)),
        b'{"json": true}',
        b"att1_email=" + b"a" * 50_000,
    ],
)
def test_garbage_is_answered_with_words(demo: Demo, web: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = web.post(demo.page_url, content=body, headers=headers, follow_redirects=True)

    assert answer.status_code in {200, 422}
    assert "<script>" not in answer.text.replace('<script src="', "")


def test_a_form_that_is_too_large_is_refused(demo: Demo, web: httpx.Client) -> None:
    assert web.post(demo.page_url, content=b"a" * 70_000).status_code == 413


def test_an_event_may_have_any_address(demo: Demo, page: Page) -> None:
    demo.event(readable_id="Größe & Mut? 50% #1", name="<Größe> & Mut")
    page.goto(demo.base_url)
    page.get_by_role("article", name="<Größe> & Mut").get_by_role("link").click()
    page.get_by_role("button", name="One more").click()
    expect(page.locator("output")).to_have_text("2")

    Buyer(page).fill_in(ANNA, ANNA)
    Buyer(page).review()

    expect(page.get_by_role("button", name="Pay €240.00")).to_be_visible()


@pytest.mark.parametrize("address", ["/e/nothing", "/e/%00", "/e/%ff", "/e/" + "x" * 600])
def test_an_unknown_event_is_not_there(web: httpx.Client, address: str) -> None:
    assert web.get(address).status_code == 404


def test_a_picture_of_another_host_is_not_asked_for(demo: Demo, page: Page) -> None:
    """The window fails a test that asks a foreign host."""
    url = demo.event(
        image_url="https://pictures.example/cover.jpg", description="![seen](https://pictures.example/b.png)"
    )

    page.goto(url)

    expect(page.locator(".event img")).not_to_have_js_property("naturalWidth", 0)
    page.goto(demo.base_url)


def test_each_attendee_may_have_a_pass_of_their_own(demo: Demo, window: Callable[..., Window]) -> None:
    for script in (True, False):
        page = window(java_script_enabled=script).page
        page.goto(demo.event())
        buyer = Buyer(page)
        page.get_by_role("radio", name="Full pass").first.check()
        for count in ("2", "3"):
            page.get_by_role("button", name="One more").click()
            expect(page.locator("output")).to_have_text(count)
        page.get_by_label("Pass", exact=True).last.select_option(label="Full pass and workshop · €249.00")
        if script:
            expect(page.get_by_role("complementary")).to_contain_text("€489.00")
        buyer.fill_in(ANNA, ("Priya", "Raman", "priya@fabrikam.example"), ("Liu", "Yang", "liu@fabrikam.example"))

        buyer.review()

        summary = page.get_by_role("complementary")
        expect(summary).to_contain_text("2 × Full pass")
        expect(summary).to_contain_text("1 × Full pass and workshop")
        page.get_by_role("button", name="Pay €489.00").click()
        buyer.pays(PAID_CARD)
        expect(page.locator(".ticket").filter(has_text="Liu Yang")).to_contain_text("Full pass and workshop")
        expect(page.locator(".ticket").filter(has_text="Priya")).not_to_contain_text("workshop")


def test_the_last_seats_are_counted_over_all_attendees(demo: Demo, web: httpx.Client) -> None:
    url = demo.event(capacity=1)
    first, second = (row["id"] for row in demo.sql(
        "select p.id from pass p join event e on e.id = p.event_id where e.readable_id = ? order by p.id", url.rpartition("/")[2]
    )[:2])  # fmt: skip
    people = {"people": "2", "pass": first, "att2_given": "P", "att2_family": "R", "att2_email": "p@x.example"}

    both = web.post(url, data=form(demo, **people, att2_pass=second, step="review"))
    alike = web.post(url, data=form(demo, **people, step="review"))

    for answer in (both, alike):
        assert answer.status_code == 422
        assert "Only 1 left" in answer.text
