"""Amounts, dates and times as people read them, in the language of the task (`gatepass.languages`).

For display only: nothing here is ever charged or stored. Babel is imported by the first text: a server starts without it.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gatepass.domain.money import Money
from gatepass.domain.timeline import Words
from gatepass.languages import ENGLISH, locale
from gatepass.languages import gettext as _

_DAY, _DAY_AND_YEAR = "EEE d MMM", "EEE d MMM y"
"""In English. Other languages have an order of their own."""


def money(amount: Money) -> str:
    """Such as €120.00, or ¥12,000 without decimals."""
    from babel.numbers import format_currency

    if not amount.minor:
        return _("Free")
    return format_currency(amount.amount, amount.currency, locale=locale())


def symbol(currency: str) -> str:
    """Such as € or CA$."""
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(currency, locale=locale())


def day(moment: datetime) -> str:
    """Such as Thu 10 Jun 2027; of a local, naive time."""
    return _written(moment, _DAY_AND_YEAR, "yMMMEd")


def span(starts: datetime, ends: datetime) -> str:
    """Start and end, local to the event; the zone stands beside."""
    first = _joined(day(starts), _short_hour(starts))
    last = _short_hour(ends)
    return f"{first} – {last if ends.date() == starts.date() else _joined(day(ends), last)}"


def when(starts: datetime, ends: datetime, zone: str) -> str:
    """Start and end in the event's zone, with the zone's own name."""
    return f"{span(starts, ends)} ({zone.replace('_', ' ')})"


def _joined(date: str, hour: str) -> str:
    return _("%(date)s, %(hour)s", date=date, hour=hour)


def _short_hour(moment: datetime) -> str:
    from babel.dates import format_time

    return format_time(moment, "short", locale=locale())


def moment(at: datetime, zone: str = "UTC") -> str:
    """A moment, in the given zone and with its name."""
    from babel.dates import format_datetime

    local = at.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, 'medium', locale=locale())} {local.tzname()}"


def clock(at: datetime, zone: str) -> str:
    """A moment of today or soon, such as Sat, 3:32 PM CET."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{_written(local, 'EEE, h:mm a', 'Ejm')} {local.tzname()}"


def brief(at: datetime, zone: str, *, seconds: bool = False) -> str:
    """Such as Sat 21 Nov, 2:02 PM; with the year when it is not this one. The zone stands elsewhere, once for many times."""
    return _joined(_date(at, zone), _hour(at, zone, seconds=seconds))


def stamp(at: datetime, zone: str, before: datetime | None, *, seconds: bool = False) -> str:
    """In a list of times: the date only where it is another one than that of the time before."""
    same = before is not None and before.astimezone(ZoneInfo(zone)).date() == at.astimezone(ZoneInfo(zone)).date()
    return _hour(at, zone, seconds=seconds) if same else brief(at, zone, seconds=seconds)


def in_sentence(at: datetime, zone: str) -> str:
    """Such as 2:02 PM CET on Sat 21 Nov: fits after "at", "until" and "by"."""
    hour = f"{_hour(at, zone)} {at.astimezone(ZoneInfo(zone)).tzname()}"
    return _("%(hour)s on %(date)s", hour=hour, date=_date(at, zone))


def plain(words: Words, zone: str) -> str:
    """A text with its times written out, where nobody can write them for the reader."""
    return "".join(part if isinstance(part, str) else in_sentence(part, zone) for part in words)


def zone_name(at: datetime, zone: str) -> str:
    """Such as Berlin (CET)."""
    return f"{zone.rpartition('/')[2].replace('_', ' ')} ({at.astimezone(ZoneInfo(zone)).tzname()})"


def _date(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    this_year = local.year == datetime.now(UTC).year
    return _written(local, _DAY, "MMMEd") if this_year else _written(local, _DAY_AND_YEAR, "yMMMEd")


def _hour(at: datetime, zone: str, *, seconds: bool = False) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return _written(local, "h:mm:ss a", "jms") if seconds else _written(local, "h:mm a", "jm")


def _written(at: datetime, in_english: str, skeleton: str) -> str:
    """By our own pattern in English, by the language's own pattern for these parts elsewhere (CLDR skeletons)."""
    from babel import Locale
    from babel.dates import format_datetime, format_skeleton

    if locale() == ENGLISH:
        return format_datetime(at, in_english, locale=ENGLISH)
    known = Locale.parse(locale())
    hours = "h" if "h" in str(known.time_formats["short"]) else "H"
    return format_skeleton(skeleton.replace("j", hours), at, locale=known)


def utc_of(local: datetime, zone: str) -> datetime:
    """A naive local time of a zone, in UTC."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
