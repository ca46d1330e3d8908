"""Answers to an event's own questions find their way to the registration, by the events API too."""

import pytest
import sqlalchemy as sa

from gatepass.domain.question import QuestionKind
from gatepass.services import setup
from gatepass.store import tables
from gatepass.store.tables import DECLARED
from tests.running import Running


@pytest.mark.parametrize("pass_name", ["Free", "Full"])
async def test_an_answer_belongs_to_attendee_and_registration(gatepass: Running, pass_name: str) -> None:
    here = await gatepass.at(("Full", 12000, 10), ("Free", 0, 10))
    asked = await here.store.write(
        lambda tx: setup.add_question(tx, here.event.id, "Meals", QuestionKind.SEVERAL, "Lunch", "Dinner")
    )
    body = here.body(pass_name=pass_name)
    body["attendees"][0]["responses"] = [
        {"id": str(asked), "value": "Lunch, Dinner"},
        {"id": "jobtitle", "value": "Engineer"},
        {"id": "00000000-0000-0000-0000-00000000abcd", "value": "of no field"},
    ]

    answer = await here.post_registration(body, event=here.event.readable_id)

    assert answer.status_code == 200, answer.text
    if pass_name == "Full":
        (row,) = await here.store.read(lambda tx: responses(tx, asked))
        assert row["eventregistration_id"] is None
        await here.finalize(answer.json()["purchaseId"], 100000001)
    (row,) = await here.store.read(lambda tx: responses(tx, asked))
    assert row["response"] == "Lunch, Dinner"
    assert row["createdfromapi"]
    held = sa.select(tables.registration.c.id).where(tables.registration.c.attendee_id == row["attendee_id"])
    assert row["eventregistration_id"] == await here.store.read(lambda tx: tx.execute(held).scalar_one())


def responses(tx, asked):
    found = DECLARED["registration_response"]
    return tx.rows(sa.select(found).where(found.c.customregistrationfield_id == asked))
