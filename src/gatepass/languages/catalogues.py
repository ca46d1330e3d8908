"""`make messages`: every text of attendee pages and mails into every catalogue. Translations that fit are kept.

A new language: `python -m gatepass.languages.catalogues fr`, then translate `fr.po`.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from gatepass.languages import CATALOGUES

SOURCES = CATALOGUES.parent
_ROOMS = ("languages", "services", "web")
"""Where readers are spoken to."""
_METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
_KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "later": None, "ngettext": (1, 2)}
_OPTIONS = {"**.html": {"trimmed": "true", "silent": "false", "extensions": "jinja2.ext.i18n"}}
_LINE_CHARS = 120


def extracted() -> Catalog:
    """Every text that a reader may meet, as the sources name it."""
    catalogue = Catalog(project="gatepass", charset="utf-8")
    for room in _ROOMS:
        _add(catalogue, room)
    return catalogue


def _add(catalogue: Catalog, room: str) -> None:
    found = extract_from_dir(SOURCES / room, _METHODS, _OPTIONS, _KEYWORDS)
    for name, _line, message, comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        catalogue.add(message, locations=[(f"{room}/{name}", None)], auto_comments=comments, context=context)  # pyright: ignore[reportArgumentType]


def catalogue_of(language: str) -> Catalog:
    """A language's catalogue as it is; an empty one when there is none."""
    path = _path(language)
    if not path.exists():
        return Catalog(locale=language, project="gatepass", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(languages: Iterable[str]) -> None:
    """Write the catalogues anew: new texts are empty, texts that are gone leave."""
    wanted = extracted()
    for language in languages:
        catalogue = catalogue_of(language)
        catalogue.update(wanted, no_fuzzy_matching=True)
        with _path(language).open("wb") as file:
            write_po(file, catalogue, width=_LINE_CHARS, sort_output=True, ignore_obsolete=True, include_lineno=False)


def _path(language: str) -> Path:
    return CATALOGUES / f"{language}.po"


if __name__ == "__main__":
    update(sys.argv[1:] or sorted(path.stem for path in CATALOGUES.glob("*.po")))
