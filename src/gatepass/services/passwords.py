"""Passwords: what is good enough, and the slow hash of it (argon2id, OWASP's parameters or better: argon2-cffi's defaults)."""

import asyncio
import re
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gatepass.domain.errors import Refused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_CHARS, MOST_CHARS = 12, 200
HASHING_AT_ONCE = 4
"""Each takes 64 MiB for a moment: whoever sends many must wait, and the memory is not full."""
_LEAST_DIFFERENT = 5
_COMMON = Path(__file__).parent / "common_passwords.txt"
_hashing = ThreadPoolExecutor(HASHING_AT_ONCE, "gatepass-password")


def check(password: str, *about: str) -> None:
    """Raises Refused for a password that is short, widely used, or made from what is known of its owner (`about`).

    No rule on kinds of characters, and no end after so many months: OWASP ASVS 6.2, NIST SP 800-63B.
    """
    plain = _plain(password)
    if not LEAST_CHARS <= len(plain) <= MOST_CHARS:
        raise _weak(f"It has to be {LEAST_CHARS} to {MOST_CHARS} characters long: three or four words do well.")
    lower = plain.lower()
    if len(set(lower)) < _LEAST_DIFFERENT or lower in _common():
        raise _weak("This one is among the first that are tried. Take three or four words that do not belong together.")
    rest = lower
    for word in sorted(
        {*re.findall(r"\w{4,}", " ".join(about).lower()), "gatepass", "password"}, key=len, reverse=True
    ):
        rest = rest.replace(word, "")
    if len(rest) < LEAST_CHARS // 2:
        raise _weak(
            "It is little more than your name or address. Take three or four words that have nothing to do with you."
        )


def hashed(password: str) -> str:
    """What to store."""
    return _hasher().hash(_plain(password))


async def fits(password_hash: str, password: str) -> bool:
    """Slow on purpose, so not on the event loop. An empty hash fits nothing, and takes as long."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _fits, password_hash, password)


def outdated(password_hash: str) -> bool:
    """Made with weaker parameters than today's."""
    return _hasher().check_needs_rehash(password_hash)


def _fits(password_hash: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return len(password) <= MOST_CHARS and _hasher().verify(password_hash or _nobody(), _plain(password))
    except (VerificationError, InvalidHashError):
        return False


def _plain(password: str) -> str:
    """The same characters, whichever keyboard wrote them."""
    return unicodedata.normalize("NFKC", password)


def _weak(why: str) -> Refused:
    return Refused("PasswordWeak", f"This password will not do. {why}", field="password")


@cache
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text().split())


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    """Checked in place of an unknown account, so that the answer takes as long."""
    return _hasher().hash(secrets.token_urlsafe(16))
