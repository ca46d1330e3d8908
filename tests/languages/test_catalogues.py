"""Every text has its translation in every language, and says the same things in it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass import languages
from gatepass.languages import best, catalogues, gettext, ngettext, said, speaking
from gatepass.languages.stored import REASONS
from gatepass.providers.stripe import words

CODES = [code for code in languages.languages() if code != languages.ENGLISH]
PLACE = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("code", CODES)
def test_a_catalogue_is_complete(code: str) -> None:
    """What is missing or gone is put right by `make messages`."""
    known = {message.id: message for message in catalogues.catalogue_of(code) if message.id}
    wanted = {message.id for message in catalogues.extracted() if message.id}

    assert wanted - set(known) == set(), "run make messages and translate"
    assert set(known) - wanted == set(), "run make messages"
    for message in known.values():
        texts = message.string if isinstance(message.id, tuple) else (message.string,)
        assert all(texts), f"not translated: {message.id}"
        assert "fuzzy" not in message.flags, message.id


@pytest.mark.parametrize("code", CODES)
def test_a_translation_names_what_the_text_names(code: str) -> None:
    for message in catalogues.catalogue_of(code):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.id, tuple) else (message.string,)
        places = set(PLACE.findall(ids[-1]))
        # The number itself may be left out: "one person" says it in a word.
        allowed = [places, places - {"%(num)s"}]
        assert all(set(PLACE.findall(text)) in allowed for text in texts if message.id), message.id


def test_reasons_of_the_bank_can_be_translated() -> None:
    said_by_stripe = {*words._REASONS.values(), words._DECLINED}
    assert said_by_stripe <= set(REASONS)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr, ar;q=0.5, de;q=0.4", "ar"),
        ("en-GB, de", "en"),
        ("fr;q=1, de;q=0", "en"),
        ("*, ;q=, de;q=x, ar;q=0.1", "ar"),
    ],
)
def test_the_browser_is_asked_what_it_likes_best(header: str, code: str) -> None:
    assert best(header) == code


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert best(header) in languages.languages()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 11, 100])
def test_arabic_has_its_six_plurals(count: int) -> None:
    with speaking("ar"):
        text = ngettext("You registered one person", "You registered %(num)s people", count)
    assert not re.search("[a-z]", text)


def test_a_language_ends_with_its_block() -> None:
    with speaking("de"):
        assert gettext("Events") == "Veranstaltungen"
        with speaking("nowhere"):
            assert gettext("Events") == "Events"
        assert gettext("Pay %(amount)s", amount="5 €") == "5 € bezahlen"
    assert gettext("Events") == "Events"


def test_times_stay_times() -> None:
    from datetime import UTC, datetime

    at = datetime(2027, 1, 1, tzinfo=UTC)
    assert said("We ask %(who)s at %(when)s.", who="Stripe", when=at) == ("We ask Stripe at ", at, ".")
