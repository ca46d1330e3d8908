"""The language of the reader. English stands in the code; every other language is one catalogue beside this file.

A catalogue (`de.po`) is compiled when it is first needed: adding a language is adding a file. `speaking()` says for whom
the texts of this task are; who says nothing speaks English, as every API, log and staff page does.
"""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from unicodedata import bidirectional

if TYPE_CHECKING:
    from gettext import NullTranslations

ENGLISH = "en"
PSEUDO = "en-XA"
"""English with accents on every letter: what stays plain was never handed to a catalogue. For tests; nobody is offered it."""
CATALOGUES = Path(__file__).parent
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_FROM_THE_RIGHT = frozenset({"R", "AL"})
_START, _END = "\u2068", "\u2069"
"""First strong isolate, and its end (Unicode Bidirectional Algorithm, 2.4)."""
_MOST_WISHES = 20
_PLACE = re.compile(r"%\((\w+)\)s")
_ACCENTS = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "áƀçđéƒĝĥîĵķłɱñóþǫřšŧúṽŵẋýžÁƁÇĐÉƑĜĤÎĴĶŁṀÑÓÞǪŘŠŦÚṼŴẊÝŽ"
)
_spoken: ContextVar[str] = ContextVar("gatepass_language", default=ENGLISH)


@contextmanager
def speaking(language: str) -> Generator[None]:
    """Texts of this task are in this language until the block ends; one without a catalogue is English."""
    before = _spoken.set(language if language in languages() or language == PSEUDO else ENGLISH)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> str:
    """The language of this task, as `lang` attributes write it."""
    return _spoken.get()


def locale() -> str:
    """The same as Babel names it, for dates and amounts."""
    return ENGLISH if spoken() == PSEUDO else spoken()


def direction() -> str:
    """`dir` of a page."""
    return "rtl" if spoken() in RIGHT_TO_LEFT else "ltr"


@cache
def languages() -> Mapping[str, str]:
    """Every language that there is, English first, with its own name."""
    from babel import Locale

    codes = [ENGLISH, *sorted(path.stem for path in CATALOGUES.glob("*.po"))]
    return MappingProxyType({code: (Locale.parse(code).get_display_name(code) or code).title() for code in codes})


def best(accept_language: str) -> str:
    """The language that an Accept-Language header likes best; English when we speak none of them."""
    wishes = [_wish(part) for part in accept_language.split(",")[:_MOST_WISHES]]
    liked = sorted((wish for wish in wishes if wish[0] > 0), key=lambda wish: -wish[0])
    return next((code for _, code in liked if code in languages()), ENGLISH)


def _wish(part: str) -> tuple[float, str]:
    """Weight and language of one part, such as `de-AT;q=0.8`."""
    name, _, weight = part.partition(";")
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", weight)
    code = name.strip().lower().partition("-")[0]
    return (float(found[1]) if found else 0.0 if weight.strip() else 1.0), code


def gettext(message: str, **values: object) -> str:
    """A text in the language of this task, its places filled: `%(name)s`."""
    text = _translated(message)
    return text % _isolated_all(values) if values else text


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """The same for a count, by the plural rules of the language. `%(num)s` is the count."""
    text = _plural(one, many, count)
    return text % {"num": count, **_isolated_all(values)} if values or "%(num)s" in text else text


def isolated(text: str) -> str:
    """A name or an amount inside a text that is written the other way: in plain text, what <bdi> is in HTML."""
    foreign = direction() == "rtl" or any(bidirectional(char) in _FROM_THE_RIGHT for char in text)
    return f"{_START}{text}{_END}" if foreign and not text.startswith(_START) else text


def _isolated_all(values: Mapping[str, object]) -> dict[str, object]:
    return {name: isolated(value) if isinstance(value, str) else value for name, value in values.items()}


def later(message: str) -> str:
    """A text that is translated later, where it is shown; here it only gets into the catalogues."""
    return message


def said(template: str, **values: object) -> tuple[str | datetime, ...]:
    """A translated text whose times stay times (`domain.timeline.Words`): each reader sees them in a zone of theirs."""
    parts: list[str | datetime] = [""]
    for at, piece in enumerate(_PLACE.split(template)):
        value = _isolated_all(values)[piece] if at % 2 else piece
        if isinstance(value, datetime):
            parts += [value, ""]
        else:
            parts[-1] = f"{parts[-1]}{value}"
    return tuple(part for part in parts if part)


def joined(*texts: str | tuple[str | datetime, ...]) -> tuple[str | datetime, ...]:
    """Whole sentences, one after the other; empty ones are left out."""
    words: list[str | datetime] = []
    for text in texts:
        parts = (text,) if isinstance(text, str) else text
        if any(parts):
            words += [" ", *parts] if words else parts
    return tuple(words)


def _translated(message: str) -> str:
    return _pseudo(message) if spoken() == PSEUDO else _catalogue(spoken()).gettext(message)


def _pseudo(message: str) -> str:
    """Longer by a third, as German is; places keep their names."""
    parts = re.split(r"(%\(\w+\)s)", message)
    text = "".join(part if at % 2 else part.translate(_ACCENTS) for at, part in enumerate(parts))
    return f"{text}{'~' * (len(message) // 3)}"


@cache
def _catalogue(language: str) -> "NullTranslations":
    from gettext import GNUTranslations, NullTranslations
    from io import BytesIO

    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    if language == ENGLISH:
        return NullTranslations()
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def jinja_callables() -> Mapping[str, Any]:
    """For `install_gettext_callables`: Jinja fills the places itself, escaped."""
    return {"gettext": _translated, "ngettext": _plural, "newstyle": True}


def _plural(one: str, many: str, count: int) -> str:
    if spoken() == PSEUDO:
        return _pseudo(one if count == 1 else many)
    return _catalogue(spoken()).ngettext(one, many, count)
