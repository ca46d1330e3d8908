"""What a text of one line must be, wherever it was typed: seen by people, and nothing that breaks the line."""

import re
from unicodedata import category

# Deliberately plain: something, one @, a domain with a dot or a machine's name with an ending. Delivery is the real test.
_EMAIL = re.compile(
    r"[^\s@<>\",;:\\()\[\]\x00-\x1f]+@[^\s@<>\",;:\\()\[\]\x00-\x1f.]+(?:\.[^\s@<>\",;:\\()\[\]\x00-\x1f.]+)+"
)
_IN_AN_ADDRESS = frozenset("?&#%/")
"""They mean something in a mailto: link."""
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Marks that turn the direction of all that follows count as breaks: they reach out of their text into ours."""
_COPIED = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def typed(text: str) -> str:
    """Without spaces around it, and without the invisible marks that come along when text is copied from a page."""
    return _COPIED.sub("", text).strip()


def is_visible(text: str) -> bool:
    """A letter, a digit or a sign in it, and not only marks and spaces that nobody sees."""
    return any(category(letter)[0] in "LNPS" for letter in text)


def is_one_line(text: str) -> bool:
    """No line break, no other control character, no mark that turns the direction of what follows."""
    return _BREAKS.search(text) is None


def is_email(text: str) -> bool:
    """Something that could be a mail address with an ending, such as name@example.com."""
    return _EMAIL.fullmatch(text) is not None


def is_public_email(text: str) -> bool:
    """The same, and such as a page can lead to by a mailto: link."""
    return is_email(text) and text.isprintable() and not _IN_AN_ADDRESS & set(text)
