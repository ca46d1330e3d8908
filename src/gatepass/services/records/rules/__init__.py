"""The rules of each table, in one table: what no door may get round. A rule looks at a change, refuses it or completes it.

Rules see the row before and after, in stored values; the record, and what it belongs to, is locked.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from uuid import UUID

from gatepass import model
from gatepass.model.columns import Column
from gatepass.model.query import Value
from gatepass.model.table import Access, ManyToMany, Table
from gatepass.services.records import refusals
from gatepass.services.records.change import Change
from gatepass.services.records.rules import attendance, events, orders, people, setup
from gatepass.services.records.rules.ways_out import COLUMNS, TABLES
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row

Rule = Callable[[Change], None]
RowRule = Callable[[WriteTx, Row], None]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "event": events.event,
        "pass": events.event_pass,
        "session": events.session,
        "session_track": events.session_track,
        "speaker_engagement": events.speaker_engagement,
        "session_registration": attendance.session_registration,
        "waitlist_item": attendance.waitlist_item,
        "check_in": attendance.check_in,
        "custom_field": attendance.custom_field,
        "purchase": orders.purchase,
        "payment_provider": setup.payment_provider,
        "web_application": setup.web_application,
        "transactioncurrency": setup.currency,
        "contact": people.contact,
    }
)
"""For a record that is made or changed."""
REMOVALS: Mapping[str, RowRule] = MappingProxyType(
    {
        "event": events.event_goes,
        "pass": events.pass_goes,
        "purchase": orders.purchase_goes,
        "registration": orders.registration_goes,
        "session_registration": attendance.session_registration_goes,
        "check_in": attendance.check_in_goes,
    }
)
"""For a record that shall go."""
HELD_FIRST: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pass": ("msevtmgt_eventid", "event"),
        "session": ("msevtmgt_event", "event"),
        "session_registration": ("msevtmgt_sessionid", "session"),
        "check_in": ("msevtmgt_registrationid", "registration"),
    }
)
"""The lookup to the record whose row is the lock of these: it is locked before them, as our own flows do."""


def check(change: Change) -> None:
    """Raises Refused or Conflict when the rules of the table do not allow the change."""
    if rule := RULES.get(change.table.name):
        rule(change)


def check_removal(tx: WriteTx, table: Table, before: Row) -> None:
    """The same for a record that shall go."""
    if rule := REMOVALS.get(table.name):
        rule(tx, before)


def check_access(table: Table) -> None:
    """Raises Refused, naming the way out, for tables that only our own flows write."""
    if table.access is Access.READ:
        way_out = TABLES.get(table.name, "There is no way to write it over the Web API.")
        raise refusals.broken(f"Records of '{table.logical}' are read-only here. {way_out}")


def check_making(table: Table, *, own_id: bool) -> None:
    """Raises Refused where no record can be made, or none with an id of the caller's own."""
    if table.name == "registration":
        raise refusals.broken(orders.NO_REGISTRATION)
    if table.name == "purchase" and own_id:
        # It tells when the order was made, and reconciliation finds it by that.
        raise refusals.broken(orders.NO_ID)


def check_link(tx: WriteTx, relationship: ManyToMany, first: UUID, second: UUID) -> None:
    """Passes and tracks are tied to sessions of their own event only."""
    one, other = (model.BY_LOGICAL[name] for name in (relationship.first, relationship.second))
    mine, theirs = rows.find(tx, one, first), rows.find(tx, other, second)
    if mine and theirs and mine.get("event_id") != theirs.get("event_id"):
        raise refusals.broken(
            f"The {one.label} and the {other.label} belong to different events. Tie those of one event."
        )


def hold_parent(tx: WriteTx, table: Table, given: Mapping[str, Value]) -> None:
    """Lock what a new record will belong to."""
    if table.name in HELD_FIRST:
        lookup, parent = HELD_FIRST[table.name]
        at = given.get(lookup)
        if isinstance(at, UUID):
            rows.lock(tx, model.BY_NAME[parent], at)


def hold_parent_of(tx: WriteTx, table: Table, record_id: UUID) -> None:
    """Lock what a record belongs to, before the record itself."""
    if table.name in HELD_FIRST:
        lookup, parent = HELD_FIRST[table.name]
        found = rows.find(tx, table, record_id)
        if found is not None:
            rows.lock(tx, model.BY_NAME[parent], found[table.by_logical[lookup].name])


def why_not(table: Table, column: Column) -> str:
    """Why a caller may not set a column, and what to do instead."""
    says = COLUMNS.get((table.name, column.logical or ""))
    return says or f"'{column.logical}' of '{table.logical}' cannot be set{_later(column)}. Leave it out."


def _later(column: Column) -> str:
    return " later: only when the record is made" if column.settable.value == "create" else ": it is kept by the system"
