"""What goes over the wire of the staff API beside declared records (shapes.py): camelCase, times in UTC, money in minor units."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta


class In(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A body, or a query: what it does not know it refuses."""


class Out(msgspec.Struct, rename="camel", kw_only=True):
    """An answer."""


Reason = Annotated[str, Meta(max_length=500, description="Why; for the audit. The buyer does not see it.")]
Moment = Annotated[datetime, Meta(tz=True)] | None
Before = Annotated[UUID | None, Meta(description="`next` of the page before")]
