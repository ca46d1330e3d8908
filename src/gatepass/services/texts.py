"""Amounts, dates and times as people read them. For display only: nothing here is ever charged or stored.

Babel is imported by the first text: a server starts without it.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gatepass.domain.money import Money
from gatepass.domain.timeline import Words


def money(amount: Money, locale: str = "en") -> str:
    """Such as €120.00, or ¥12,000 without decimals."""
    from babel.numbers import format_currency

    if not amount.minor:
        return "Free"
    return format_currency(amount.amount, amount.currency, locale=locale)


def symbol(currency: str, locale: str = "en") -> str:
    """Such as € or CA$."""
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(currency, locale=locale)


def day(moment: datetime, locale: str = "en") -> str:
    """Such as Thu, Jun 10, 2027; of a local, naive time."""
    from babel.dates import format_date

    return format_date(moment, "EEE d MMM y" if locale.startswith("en") else "full", locale=locale)


def when(starts: datetime, ends: datetime, zone: str, locale: str = "en") -> str:
    """Start and end in the event's zone, with the zone's own name."""
    from babel.dates import format_time

    first = f"{day(starts, locale)}, {format_time(starts, 'short', locale=locale)}"
    last = format_time(ends, "short", locale=locale)
    until = last if ends.date() == starts.date() else f"{day(ends, locale)}, {last}"
    return f"{first} – {until} ({zone.replace('_', ' ')})"


def moment(at: datetime, zone: str = "UTC", locale: str = "en") -> str:
    """A moment, in the given zone and with its name."""
    from babel.dates import format_datetime

    local = at.astimezone(ZoneInfo(zone))
    return f"{format_datetime(local, 'medium', locale=locale)} {local.tzname()}"


def brief(at: datetime, zone: str, locale: str = "en", *, seconds: bool = False) -> str:
    """Such as Sat 21 Nov, 2:02 PM; with the year when it is not this one. The zone stands elsewhere, once for many times."""
    return f"{_date(at, zone, locale)}, {_hour(at, zone, locale, seconds=seconds)}"


def stamp(at: datetime, zone: str, before: datetime | None, locale: str = "en", *, seconds: bool = False) -> str:
    """In a list of times: the date only where it is another one than that of the time before."""
    same = before is not None and before.astimezone(ZoneInfo(zone)).date() == at.astimezone(ZoneInfo(zone)).date()
    return _hour(at, zone, locale, seconds=seconds) if same else brief(at, zone, locale, seconds=seconds)


def in_sentence(at: datetime, zone: str, locale: str = "en") -> str:
    """Such as 2:02 PM on Sat 21 Nov: fits after "at", "until" and "by"."""
    return f"{_hour(at, zone, locale)} on {_date(at, zone, locale)}"


def plain(words: Words, zone: str, locale: str = "en") -> str:
    """A text with its times written out, where nobody can write them for the reader: 2:02 PM CET on Sat 21 Nov."""
    return "".join(
        part if isinstance(part, str)
        else f"{_hour(part, zone, locale)} {part.astimezone(ZoneInfo(zone)).tzname()} on {_date(part, zone, locale)}"
        for part in words
    )  # fmt: skip


def zone_name(at: datetime, zone: str) -> str:
    """Such as Berlin (CET)."""
    return f"{zone.rpartition('/')[2].replace('_', ' ')} ({at.astimezone(ZoneInfo(zone)).tzname()})"


def _date(at: datetime, zone: str, locale: str) -> str:
    from babel.dates import format_date

    local = at.astimezone(ZoneInfo(zone))
    this_year = local.year == datetime.now(UTC).year
    return format_date(local, "EEE d MMM" if this_year else "EEE d MMM y", locale=locale)


def _hour(at: datetime, zone: str, locale: str, *, seconds: bool = False) -> str:
    from babel.dates import format_datetime

    return format_datetime(at.astimezone(ZoneInfo(zone)), "h:mm:ss a" if seconds else "h:mm a", locale=locale)


def utc_of(local: datetime, zone: str) -> datetime:
    """A naive local time of a zone, in UTC."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
