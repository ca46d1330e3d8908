"""SQL that the two databases spell differently, so that a statement need not know where it runs."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

FOLD, UPPER = "gatepass_fold", "gatepass_upper"
"""SQLite's own lower() and upper() know ASCII only; the engine registers these."""


def fold(text: str | None) -> str | None:
    """Lower case, character by character: as PostgreSQL's lower() does it, never longer than before."""
    return text if text is None else "".join(_one(each, each.lower()) for each in text)


def upper(text: str | None) -> str | None:
    """Upper case in the same way."""
    return text if text is None else "".join(_one(each, each.upper()) for each in text)


def _one(before: str, after: str) -> str:
    return after if len(after) == 1 else before


class Folded(FunctionElement[str]):
    """A text in lower case, for comparisons without regard to case."""

    type = sa.String()
    inherit_cache = True


class FoldedAscii(FunctionElement[str]):
    """The same for comparisons with ASCII text: SQLite compares so by itself, and can use an index that does."""

    type = sa.String()
    inherit_cache = True


class Upper(FunctionElement[str]):
    """A text in upper case."""

    type = sa.String()
    inherit_cache = True


class Position(FunctionElement[int]):
    """Where the second text begins in the first: 1 at its start, 0 when it does not occur."""

    type = sa.BigInteger()
    inherit_cache = True


class Exact(FunctionElement[int]):
    """A number that can grow: PostgreSQL raises an error where a bigint overflows."""

    type = sa.BigInteger()
    inherit_cache = True


class Quotient(FunctionElement[int]):
    """A whole number by another one, towards zero; null by zero."""

    type = sa.BigInteger()
    inherit_cache = True


class ByBytes(FunctionElement[str]):
    """A text as an order sees it: by code points, whatever the language of the database."""

    type = sa.String()
    inherit_cache = True


class Unmoved(FunctionElement[str]):
    """A text that another one equals. SQLite 3.40 would carry a condition on the other one over to it, and forget there
    that the condition was without regard to case: `a.x = b.y AND b.y COLLATE NOCASE = 'eur'` finds no 'EUR'."""

    type = sa.String()
    inherit_cache = True


class LocalText(FunctionElement[str]):
    """A local time as `YYYY-MM-DD HH:MM:SS.ffffff`; SQLite keeps it so."""

    type = sa.String()
    inherit_cache = True


class UtcText(FunctionElement[str]):
    """A moment in the same way, UTC; SQLite has a T in the middle and a Z at the end."""

    type = sa.String()
    inherit_cache = True


class WeekOfYear(FunctionElement[int]):
    """The week of a day that is written YYYY-MM-DD: the first week has January 1, and each begins on Sunday."""

    type = sa.BigInteger()
    inherit_cache = True


def _spelled(element: Any, sqlite: str, postgresql: str) -> None:
    """`{0}` and `{1}` are the arguments."""

    def compiled(spelling: str) -> Any:
        def write(one: Any, compiler: Any, **more: Any) -> str:
            return spelling.format(*(compiler.process(part, **more) for part in one.clauses))

        return write

    compiles(element, "sqlite")(compiled(sqlite))
    compiles(element, "postgresql")(compiled(postgresql))


_spelled(Folded, f"{FOLD}({{0}})", "lower({0})")
_spelled(FoldedAscii, "({0} COLLATE NOCASE)", "lower({0})")
_spelled(Upper, f"{UPPER}({{0}})", "upper({0})")
_spelled(Position, "instr({0}, {1})", "strpos({0}, {1})")
_spelled(Exact, "({0})", "CAST({0} AS NUMERIC)")
_spelled(Quotient, "(({0}) / nullif({1}, 0))", "div(CAST({0} AS NUMERIC), nullif(CAST({1} AS NUMERIC), 0))")
_spelled(ByBytes, "{0}", '({0} COLLATE "C")')
_spelled(Unmoved, "+{0}", "{0}")
_spelled(LocalText, "{0}", "to_char({0}, 'YYYY-MM-DD HH24:MI:SS.US')")
_spelled(UtcText, "{0}", "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')")
_spelled(
    WeekOfYear,
    "((strftime('%j', {0}) + strftime('%w', {0}, 'start of year') - 1) / 7 + 1)",
    "CAST(div(extract(doy FROM CAST({0} AS DATE)) + extract(dow FROM date_trunc('year', CAST({0} AS DATE))) - 1, 7) + 1"
    " AS BIGINT)",
)
