"""Spans of time that conditions name: today, last-x-days, older-than-x-months, this-fiscal-period.

Days begin at midnight UTC, weeks on Sunday, fiscal years in January, and a fiscal period is a quarter: Dataverse's own
defaults. "last-x-months" is from the beginning of the day x months ago until now, "next-x-months" from now to the end
of the day in x months; hours and fiscal units are whole ones. Source: learn.microsoft.com, FetchXml condition operators.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from gatepass.domain.errors import Refused

MAX_UNITS = 10_000
"""Of any unit: no span is longer than the calendar."""

_UNITS: Mapping[str, str] = MappingProxyType({"fiscal-year": "year", "fiscal-period": "quarter"})
_MONTHS: Mapping[str, int] = MappingProxyType({"month": 1, "quarter": 3, "year": 12})
_LENGTHS: Mapping[str, timedelta] = MappingProxyType(
    {
        "minute": timedelta(minutes=1),
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(weeks=1),
    }
)
_DAYS = MappingProxyType({"yesterday": -1, "today": 0, "tomorrow": 1})
_NAMED = re.compile(r"(this|last|next)-(week|month|year|fiscal-year|fiscal-period)")
_COUNTED = re.compile(r"(last|next)-x-(hour|day|week|month|year|fiscal-year|fiscal-period)s")
_OLDER = re.compile(r"older-than-x-(minute|hour|day|week|month|year)s")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` until before `end`. An end that is None is open."""

    start: datetime | None
    end: datetime | None


def is_span(operator: str) -> bool:
    """Does this operator name a span that depends on the present?"""
    return operator in _DAYS or bool(
        _NAMED.fullmatch(operator)
        or _COUNTED.fullmatch(operator)
        or _OLDER.fullmatch(operator)
        or operator in {"last-seven-days", "next-seven-days"}
    )


def needs_count(operator: str) -> bool:
    """Is there an x in it?"""
    return "-x-" in operator


def span(operator: str, count: int, now: datetime) -> Span:
    """Raises Refused (QuerySyntax) for a count that leads out of the calendar, or is not positive."""
    if not 0 < count <= MAX_UNITS:
        raise Refused("QuerySyntax", f"The operator '{operator}' takes a whole number from 1 to {MAX_UNITS}.")
    try:
        return _span(operator, count, now)
    except (OverflowError, ValueError):
        raise Refused("QuerySyntax", f"'{operator}' with {count} leads out of the calendar.") from None


def day_of(moment: datetime) -> Span:
    """The day that a moment lies in."""
    start = _floor(moment, "day")
    try:
        return Span(start, _plus(start, "day", 1))
    except OverflowError:
        return Span(start, None)


def _span(operator: str, count: int, now: datetime) -> Span:
    if operator in _DAYS:
        return day_of(now + _DAYS[operator] * _LENGTHS["day"])
    if operator.endswith("-seven-days"):
        operator, count = operator.replace("seven", "x"), 7
    if found := _NAMED.fullmatch(operator):
        return _named(found[1], _UNITS.get(found[2], found[2]), now)
    if found := _COUNTED.fullmatch(operator):
        return _counted(found[1], found[2], count, now)
    found = _OLDER.fullmatch(operator)
    assert found
    return Span(None, _plus(now, found[1], -count))


def _named(which: str, unit: str, now: datetime) -> Span:
    start = _plus(_floor(now, unit), unit, {"last": -1, "this": 0, "next": 1}[which])
    return Span(start, _plus(start, unit, 1))


def _counted(which: str, word: str, count: int, now: datetime) -> Span:
    unit = _UNITS.get(word, word)
    whole = unit if unit == "hour" or word in _UNITS else "day"
    if which == "last":
        return Span(_floor(_plus(now, unit, -count), whole), now)
    return Span(now, _plus(_floor(_plus(now, unit, count), whole), whole, 1))


def _floor(moment: datetime, unit: str) -> datetime:
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.isoweekday() % 7)
    if unit == "day":
        return day
    return day.replace(day=1, month=1 + (day.month - 1) // _MONTHS[unit] * _MONTHS[unit])


def _plus(moment: datetime, unit: str, count: int) -> datetime:
    if unit in _LENGTHS:
        return moment + count * _LENGTHS[unit]
    months = moment.year * 12 + moment.month - 1 + count * _MONTHS[unit]
    year, month = divmod(months, 12)
    return _last_valid(moment.replace(day=1, year=year, month=month + 1), moment.day)


def _last_valid(first: datetime, day: int) -> datetime:
    """The 31st of January minus a month is the last day of December; of February, its 28th or 29th."""
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.replace(day=min(day, (following - timedelta(days=1)).day))
