"""What the two databases store differently."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

MOMENTS_KEPT = 256
"""What one transaction writes has a few moments in thousands of places."""


@lru_cache(MOMENTS_KEPT)
def _text(moment: datetime) -> str:
    try:
        there = moment.astimezone(UTC)
    except OverflowError:
        # A bound that somebody asks for, such as the year 1 in Samoa: the end of the calendar is as good.
        there = datetime.min if moment.year == 1 else datetime.max  # noqa: DTZ901 - of UTC
    return f"{there.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class Utc(sa.TypeDecorator[datetime]):
    """A moment. Refuses naive values; timestamptz on PostgreSQL, text of fixed width on SQLite, which sorts as time does."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        kind: Any = sa.String(27) if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        if dialect.name != "sqlite":
            return value
        return _text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)
