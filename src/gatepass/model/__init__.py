"""The data model: every table of Dataverse that Gatepass has, declared once.

SQL tables (store/tables), $metadata, EntityDefinitions, queries and writes of the Web API derive from these. What a
table means is in event-management.md section 2; names with a question mark there are ours, under `gatepass_`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gatepass.model import attendance, events, payments, platform, purchases, site, venues
from gatepass.model.table import ManyToMany, Table

TABLES = (
    *platform.TABLES, *venues.TABLES, *payments.TABLES, *site.TABLES, *events.TABLES, *purchases.TABLES,
    *attendance.TABLES,
)  # fmt: skip
MANY_TO_MANY: tuple[ManyToMany, ...] = (events.PASS_SESSIONS, events.TRACK_SESSIONS)

BY_LOGICAL: Mapping[str, Table] = MappingProxyType({one.logical: one for one in TABLES})
BY_SET: Mapping[str, Table] = MappingProxyType({one.set_name: one for one in TABLES})
BY_NAME: Mapping[str, Table] = MappingProxyType({one.name: one for one in TABLES})
