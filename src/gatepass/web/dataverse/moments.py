"""Stretches of time that queries name: LastXDays, ThisMonth, OlderThanXYears, and FetchXML's last-x-days likewise. UTC.

A stretch is half open: from its first moment to before its end; None is open. Weeks begin on Sunday, as in a new
environment of Dataverse. "Last X" ends now and begins at the start of a unit; "Next X" begins now (learn.microsoft.com,
FetchXML date operators).
"""

import calendar
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from gatepass.domain.errors import Refused

Stretch = tuple[datetime | None, datetime | None]
MAX_UNITS = 1_000_000


def stretch(name: str, units: int | None, now: datetime) -> Stretch | None:
    """The stretch of this name, such as ThisWeek or LastXDays (with `units`); None for no such name.

    Raises Refused (QuerySyntax) when the number is missing, not wanted, or leads out of the calendar.
    """
    try:
        if name in _FIXED and units is None:
            return _FIXED[name](now)
        if name in _COUNTED and units is not None and 0 < units <= MAX_UNITS:
            return _COUNTED[name](now, units)
    except (OverflowError, ValueError):
        raise Refused("QuerySyntax", f"{name} leads out of the calendar.") from None
    if name in _FIXED or name in _COUNTED:
        wanted = "no value" if name in _FIXED else f"a whole number from 1 to {MAX_UNITS}"
        raise Refused("QuerySyntax", f"{name} takes a property and {wanted}.")
    return None


def day(moment: datetime) -> datetime:
    """Midnight before it."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def plus(moment: datetime, unit: str, count: int) -> datetime:
    """So many units later. Raises OverflowError, ValueError beyond the calendar."""
    if unit in {"Months", "Years"}:
        months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "Years" else 1)
        year, month = divmod(months, 12)
        return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))
    return moment + timedelta(**{unit.lower(): count})


def _week(moment: datetime) -> datetime:
    return day(moment) - timedelta(days=(moment.weekday() + 1) % 7)


def _month(moment: datetime) -> datetime:
    return day(moment).replace(day=1)


def _year(moment: datetime) -> datetime:
    return _month(moment).replace(month=1)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


_STARTS: Mapping[str, Callable[[datetime], datetime]] = MappingProxyType(
    {"Days": day, "Weeks": _week, "Months": _month, "Years": _year}
)


def _whole(unit: str, offset: int) -> Callable[[datetime], Stretch]:
    def found(now: datetime) -> Stretch:
        first = plus(_STARTS[unit](now), unit, offset)
        return first, plus(first, unit, 1)

    return found


def _last(unit: str) -> Callable[[datetime, int], Stretch]:
    first = _hour if unit == "Hours" else day
    return lambda now, count: (first(plus(now, unit, -count)), now)


def _next(unit: str) -> Callable[[datetime, int], Stretch]:
    first = _hour if unit == "Hours" else day
    beyond = "Hours" if unit == "Hours" else "Days"
    return lambda now, count: (now, plus(first(plus(now, unit, count)), beyond, 1))


def _older(unit: str) -> Callable[[datetime, int], Stretch]:
    return lambda now, count: (None, plus(now, unit, -count))


def _last_seven(now: datetime) -> Stretch:
    return _last("Days")(now, 7)


def _next_seven(now: datetime) -> Stretch:
    return _next("Days")(now, 7)


_FIXED: Mapping[str, Callable[[datetime], Stretch]] = MappingProxyType(
    {"Today": _whole("Days", 0), "Yesterday": _whole("Days", -1), "Tomorrow": _whole("Days", 1)}
    | {
        f"{word}{unit.removesuffix('s')}": _whole(unit, offset)
        for unit in ("Weeks", "Months", "Years")
        for word, offset in (("This", 0), ("Last", -1), ("Next", 1))
    }
    | {"Last7Days": _last_seven, "Next7Days": _next_seven}
)
_UNITS = ("Hours", "Days", "Weeks", "Months", "Years")
_COUNTED: Mapping[str, Callable[[datetime, int], Stretch]] = MappingProxyType(
    {f"LastX{unit}": _last(unit) for unit in _UNITS}
    | {f"NextX{unit}": _next(unit) for unit in _UNITS}
    | {f"OlderThanX{unit}": _older(unit) for unit in ("Minutes", *_UNITS)}
)
