"""Every table, once. Times are UTC, money is integer minor units with a currency, ids are UUIDv7 made here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from gatepass import model
from gatepass.store.declared import link_table
from gatepass.store.tables.columns import declared, first_id_of, metadata, new_id
from gatepass.store.tables.people import (
    api_token,
    secret,
    staff_answer,
    staff_session,
    staff_token,
    staff_try,
    staff_user,
)
from gatepass.store.tables.remote import call_lane, remote_purchase
from gatepass.store.tables.sales import (
    attendee,
    attendee_pass,
    awaiting_payment,
    dispute,
    event,
    event_pass,
    notification,
    payment,
    payment_provider,
    purchase,
    rare_status,
    refund,
    registration,
    tail_of_id,
    timeline_entry,
    web_application,
)
from gatepass.store.tables.work import (
    attention,
    audit,
    draft,
    figure,
    figure_change,
    job,
    mail,
    picture,
    setting,
    webhook_endpoint,
    webhook_message,
)

__all__ = [
    "DECLARED",
    "LINKS",
    "Row",
    "api_token",
    "attendee",
    "attendee_pass",
    "attention",
    "audit",
    "awaiting_payment",
    "call_lane",
    "dispute",
    "draft",
    "event",
    "event_pass",
    "figure",
    "figure_change",
    "first_id_of",
    "job",
    "mail",
    "metadata",
    "new_id",
    "notification",
    "payment",
    "payment_provider",
    "picture",
    "purchase",
    "rare_status",
    "refund",
    "registration",
    "remote_purchase",
    "secret",
    "setting",
    "staff_answer",
    "staff_session",
    "staff_token",
    "staff_try",
    "staff_user",
    "tail_of_id",
    "timeline_entry",
    "web_application",
    "webhook_endpoint",
    "webhook_message",
]

Row = Mapping[str, Any]

DECLARED: Mapping[str, sa.Table] = MappingProxyType(
    {one.name: declared(one) for one in model.TABLES if not one.face_of}
)
"""The SQL tables of the data model by our noun: those above, and those that only the Web API knows."""
LINKS: Mapping[str, sa.Table] = MappingProxyType(
    {one.intersect: link_table(one, metadata) for one in model.MANY_TO_MANY}
)
"""The many-to-many tables by their logical name."""
