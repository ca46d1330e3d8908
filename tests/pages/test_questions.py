"""An event's own questions: asked of each attendee, checked, kept, and stored where Dataverse looks for them."""

import re
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from gatepass.domain.question import Question, QuestionKind

from .conftest import Demo

TEXT, YES_NO, SEVERAL, ONE = (kind.value for kind in QuestionKind)
LINE = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).map(str.strip).filter(bool)


@pytest.fixture(scope="module")
def asking(demo: Demo) -> tuple[str, list[str]]:
    """The page of an event that asks one required question of each kind, and their ids."""
    url = demo.event()
    return url, [
        demo.ask(url, "Badge name", TEXT, required=True),
        demo.ask(url, "First time here?", YES_NO, required=True),
        demo.ask(url, "Meals", SEVERAL, "Lunch", "Dinner, late", "Breakfast", required=True),
        demo.ask(url, "Size", ONE, "S", "M", "L", "XL", "XXL", "XXXL", required=True),
    ]


def form(demo: Demo, url: str, **answers: str | list[str]) -> dict[str, str | list[str]]:
    pass_id = demo.sql(
        "select p.id from pass p join event e on e.id = p.event_id where e.readable_id = ? and p.name = 'Online'",
        url.rpartition("/")[2],
    )[0]["id"]
    typed = {"idempotency_key": uuid4().hex, "people": "1", "pass": pass_id, "att1_given": "Anna", "agreed": "0.00 EUR"}
    return typed | {"att1_family": "Schneider", "att1_email": "anna@fabrikam.example", "step": "register"} | answers


def test_what_is_required_has_to_be_answered(demo: Demo, web: httpx.Client, asking: tuple[str, list[str]]) -> None:
    url, _ = asking
    typed = form(demo, url, **{"att1-q1": "  ", "att1-q2": "Perhaps", "att1-q3": "Supper", "att1-q4": "XS"})

    answer = web.post(url, data=typed)

    assert answer.status_code == 422
    for number in range(1, 5):
        assert f'href="#att1-q{number}"' in answer.text
        assert f'id="att1-q{number}-error"' in answer.text


def test_what_is_too_long_or_not_offered_is_said_at_its_field(
    demo: Demo, web: httpx.Client, asking: tuple[str, list[str]]
) -> None:
    url, _ = asking
    badge = "é" * 501
    typed = form(demo, url, **{"att1-q1": badge, "att1-q2": "Yes", "att1-q3": ["Lunch", "Supper"], "att1-q4": "XL"})

    answer = web.post(url, data=typed)
    fitting = web.post(url, data=typed | {"att1-q1": badge[1:], "att1-q3": ["Lunch"]})

    assert (answer.status_code, fitting.status_code) == (422, 303)
    assert re.findall(r'id="att1-(q\d)-error"', answer.text) == ["q1", "q3"]
    assert "in at most 500 characters" in answer.text
    assert "choose from what is offered here now" in answer.text
    assert f'value="{badge}"' in answer.text, "nothing typed is lost"
    for chosen in ('value="Yes" checked', 'value="Lunch" checked', '<option value="XL" selected'):
        assert chosen in answer.text


def test_answers_are_stored_where_dataverse_has_them(
    demo: Demo, web: httpx.Client, asking: tuple[str, list[str]]
) -> None:
    url, ids = asking
    meals = ["Breakfast", "Dinner, late"]
    typed = form(demo, url, **{"att1-q1": " Zoë ", "att1-q2": "No", "att1-q3": meals, "att1-q4": "XXL"})

    answer = web.post(url, data=typed)

    assert answer.status_code == 303, answer.text
    rows = demo.sql(
        "select r.customregistrationfield_id as field, r.response, r.createdfromapi from registration_response r"
        " join attendee a on a.id = r.attendee_id where a.purchase_id = ?",
        demo.newest_order(),
    )
    assert {row["field"]: row["response"] for row in rows} == dict(
        zip(ids, ["Zoë", "No", "Dinner, late, Breakfast", "XXL"], strict=True)
    )
    assert not any(row["createdfromapi"] for row in rows)


def test_answers_live_through_review_and_change(page: Page, asking: tuple[str, list[str]]) -> None:
    page.goto(asking[0])
    page.get_by_label("First name").fill("Anna")
    page.get_by_label("Last name").fill("Schneider")
    page.get_by_label("Email").fill("anna@fabrikam.example")
    page.get_by_label("Badge name").fill("The <Great>")
    page.get_by_role("group", name="First time here?").get_by_label("Yes").check()
    page.get_by_label("Dinner, late").check()
    page.get_by_label("Lunch").check()
    page.get_by_label("Size").select_option("XL")
    page.get_by_role("button", name="Continue to review").click()
    expect(page.get_by_text("Lunch, Dinner, late")).to_be_visible()
    expect(page.get_by_text("The <Great>")).to_be_visible()

    page.get_by_role("button", name="Change").click()

    expect(page.get_by_label("Badge name")).to_have_value("The <Great>")
    expect(page.get_by_label("Dinner, late")).to_be_checked()
    expect(page.get_by_label("Breakfast")).not_to_be_checked()
    expect(page.get_by_label("Size")).to_have_value("XL")


@given(st.lists(LINE, min_size=1, max_size=6, unique=True), st.data())
def test_what_was_chosen_is_found_again(choices: list[str], data: st.DataObject) -> None:
    """Where no choice is the beginning of another one, as people write choices."""
    asked = Question(uuid4(), "Which?", QuestionKind.SEVERAL, False, [f"{at}: {one}" for at, one in enumerate(choices)])
    wanted = data.draw(st.lists(st.sampled_from(list(asked.choices)), unique=True))

    answer = asked.answered(wanted)

    assert asked.chosen(answer) == set(wanted)
    assert asked.answered(asked.parts(answer)) == answer


@given(st.sampled_from(QuestionKind), st.lists(st.text()))
def test_only_what_was_offered_is_an_answer(kind: QuestionKind, typed: list[str]) -> None:
    asked = Question(uuid4(), "Which?", kind, False, ["A", "B"])
    answer = asked.answered(typed)
    if kind is not QuestionKind.TEXT:
        assert answer in {"", "A", "B", "A, B", "Yes", "No"}
