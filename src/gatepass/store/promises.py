"""Every promise of the product as a query that finds what breaks it. Run after every flow test and by `gatepass doctor`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from gatepass.store.engine import ReadTx
from gatepass.store.tables import Utc

GRACE = timedelta(minutes=5)
"""A transient state may outlive its deadline by this."""

_PAID = "(select coalesce(sum(m.amount_minor), 0) from payment m where m.purchase_id = p.id and m.state = 'succeeded')"
_KEPT = "(select count(*) from registration r where r.purchase_id = p.id and r.status = 'registered')"


@dataclass(frozen=True, slots=True)
class Promise:
    """`query` yields one line of text for each thing that breaks the promise; it may use :late, GRACE before now."""

    number: int
    says: str
    query: str


PROMISES: Sequence[Promise] = (
    Promise(
        2,
        "a purchase is completed exactly when it is fully paid, or free",
        f"""select 'purchase ' || p.id || ' is ' || p.status || ', paid ' || {_PAID} || ' of ' || p.total_minor from purchase p
        where (p.status = 'completed' and {_PAID} < p.total_minor)
        or (p.status not in ('completed', 'paid_late') and p.total_minor > 0 and {_PAID} >= p.total_minor)""",
    ),
    Promise(
        2,
        "a completed purchase holds exactly its attendee passes, any other none",
        f"""select 'purchase ' || p.id || ' is ' || p.status || ' with ' || {_KEPT} || ' registrations' from purchase p
        where (p.status = 'completed' and {_KEPT} <> (select count(*) from attendee a where a.purchase_id = p.id))
        or (p.status <> 'completed' and {_KEPT} > 0)
        or exists (select 1 from registration r left join attendee_pass t on t.registration_id = r.id
            where r.purchase_id = p.id and t.id is null)""",
    ),
    Promise(
        3,
        "held and sold seats never exceed a pass, and are what the purchases say",
        """select 'pass ' || s.id || ' counts ' || s.held || ' held, ' || s.sold || ' sold of ' || s.allocation
        from "pass" s where s.held + s.sold > s.allocation
        or s.held <> (select count(*) from attendee a join purchase p on p.id = a.purchase_id
            where a.pass_id = s.id and p.status = 'awaiting_payment')
        or s.sold <> (select count(*) from attendee a join purchase p on p.id = a.purchase_id
            where a.pass_id = s.id and p.status = 'completed')""",
    ),
    Promise(
        3,
        "held and sold seats never exceed an event, and are what the purchases say",
        """select 'event ' || e.readable_id || ' counts ' || e.held || ' held, ' || e.sold || ' sold' from event e
        where e.held + e.sold > coalesce(e.capacity, e.held + e.sold)
        or e.held <> (select count(*) from attendee a join purchase p on p.id = a.purchase_id
            where p.event_id = e.id and p.status = 'awaiting_payment')
        or e.sold <> (select count(*) from attendee a join purchase p on p.id = a.purchase_id
            where p.event_id = e.id and p.status = 'completed')""",
    ),
    Promise(
        4,
        "a notification is applied, ignored, or quarantined in sight; none is dropped",
        """select 'notification ' || n.event_ref || ' is ' || n.state from notification n
        where (n.state = 'new' and not exists (select 1 from job j where j.dedupe like 'apply:%' and j.state <> 'done'
            and replace(j.dedupe, '-', '') = 'apply:' || replace(cast(n.id as varchar), '-', '')))
        or (n.state = 'quarantined' and not exists (select 1 from attention t left join payment m on m.id = t.payment_id
            where t.notification_id = n.id or n.object_ref in (m.session_ref, m.intent_ref)
            or replace(n.payment_hint, '-', '') = replace(cast(m.id as varchar), '-', '')))""",
    ),
    Promise(
        5,
        "every paid amount has an owner",
        """select 'payment ' || m.id || ' of ' || m.amount_minor || ' ' || m.currency || ' has no owner' from payment m
        left join purchase p on p.id = m.purchase_id
        where m.state = 'succeeded' and coalesce(p.status, '') <> 'completed'
        and not exists (select 1 from attention t where t.purchase_id = m.purchase_id)""",
    ),
    Promise(
        5,
        "a second payment of one purchase stands in needs attention",
        """select 'purchase ' || m.purchase_id || ' was paid ' || count(*) || ' times' from payment m
        where m.state = 'succeeded' group by m.purchase_id
        having count(*) > 1 + (select count(*) from attention t where t.purchase_id = m.purchase_id
            and t.kind in ('paid_twice', 'paid_late'))""",
    ),
    Promise(
        7,
        "no hold outlives its end",
        """select 'purchase ' || p.id || ' is held past ' || p.hold_until from purchase p
        where p.status = 'awaiting_payment' and p.hold_until < :late""",
    ),
    Promise(
        7,
        "no open payment outlives its page",
        """select 'payment ' || m.id || ' is created past ' || m.expires_at from payment m
        where m.state = 'created' and m.expires_at < :late""",
    ),
    Promise(
        7,
        "no job waits past its time",
        "select 'job ' || j.kind || ' ' || j.id || ' was due at ' || j.due from job j where j.state = 'ready' and j.due < :late",
    ),
    Promise(
        7,
        "no work is parked out of sight",
        """select 'job ' || j.kind || ' ' || j.id || ' is parked: ' || coalesce(j.last_error, '') from job j
        where j.state = 'parked' and not exists (select 1 from attention t
            where replace(t.dedupe, '-', '') = 'job:' || replace(cast(j.id as varchar), '-', ''))""",
    ),
)


def broken(tx: ReadTx, promise: Promise, now: datetime, limit: int = 20) -> list[str]:
    """What breaks this promise right now, a line each; empty means kept."""
    query = sa.text(f"{promise.query} limit {limit}")
    if ":late" in promise.query:
        query = query.bindparams(sa.bindparam("late", now - GRACE, Utc))
    return list(tx.execute(query).scalars())
