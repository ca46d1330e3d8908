"""Every promise of the product as a query that finds what breaks it. Run after every flow test and by `gatepass doctor`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from gatepass.store.engine import ReadTx
from gatepass.store.tables import Utc

GRACE = timedelta(minutes=5)
"""A transient state may outlive its deadline by this."""

# Minor units that payments of a purchase took, and what of it has gone back or is about to.
_PAID = "(select coalesce(sum(m.amount_minor), 0) from payment m where m.purchase_id = p.id and m.state = 'succeeded')"
_BACK = """(select coalesce(sum(f.amount_minor), 0) from refund f
        where f.purchase_id = p.id and f.state in ('requested', 'processing', 'succeeded'))"""
_KEPT = "(select count(*) from registration r where r.purchase_id = p.id and r.status = 'registered')"
_IN_SIGHT = "exists (select 1 from attention t where t.purchase_id = p.id)"


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
        or (p.status in ('awaiting_payment', 'expired', 'cancelled') and p.total_minor > 0
            and {_PAID} - {_BACK} >= p.total_minor and not {_IN_SIGHT})""",
    ),
    Promise(
        2,
        "a completed purchase holds its attendee passes, but for those that were given up; any other none",
        f"""select 'purchase ' || p.id || ' is ' || p.status || ' with ' || {_KEPT} || ' registrations' from purchase p
        where (p.status = 'completed' and ({_KEPT} = 0 or (select count(*) from attendee a where a.purchase_id = p.id)
            <> (select count(*) from registration r where r.purchase_id = p.id)))
        or (p.status <> 'completed' and {_KEPT} > 0)
        or exists (select 1 from registration r left join attendee_pass t on t.registration_id = r.id
            where r.purchase_id = p.id and t.id is null)""",
    ),
    Promise(
        3,
        "held and sold seats never exceed a pass, and are what purchases and registrations say",
        """select 'pass ' || s.id || ' counts ' || s.held || ' held, ' || s.sold || ' sold of ' || s.allocation
        from "pass" s where s.held + s.sold > s.allocation
        or s.held <> (select count(*) from attendee a join purchase p on p.id = a.purchase_id
            where a.pass_id = s.id and p.status = 'awaiting_payment')
        or s.sold <> (select count(*) from attendee a join registration r on r.attendee_id = a.id
            where a.pass_id = s.id and r.status = 'registered')""",
    ),
    Promise(
        3,
        "held and sold seats never exceed an event, and are what purchases and registrations say",
        """select 'event ' || e.readable_id || ' counts ' || e.held || ' held, ' || e.sold || ' sold' from event e
        where e.held + e.sold > coalesce(e.capacity, e.held + e.sold)
        or e.held <> (select count(*) from attendee a join purchase p on p.id = a.purchase_id
            where p.event_id = e.id and p.status = 'awaiting_payment')
        or e.sold <> (select count(*) from registration r where r.event_id = e.id and r.status = 'registered')""",
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
        "every paid amount has an owner: a purchase that it pays for, a refund, or an entry in needs attention",
        f"""select 'purchase ' || p.id || ' is ' || p.status || ' and has ' || ({_PAID} - {_BACK}) from purchase p
        where {_PAID} - {_BACK} > case when p.status in ('completed', 'waitlisted') then p.total_minor else 0 end
        and not {_IN_SIGHT}""",
    ),
    Promise(
        5,
        "no payment is without a purchase",
        """select 'payment ' || m.id || ' of ' || m.amount_minor || ' ' || m.currency || ' has no purchase' from payment m
        where m.state = 'succeeded' and not exists (select 1 from purchase p where p.id = m.purchase_id)
        and not exists (select 1 from attention t where t.purchase_id = m.purchase_id)""",
    ),
    Promise(
        5,
        "no more goes back than was paid",
        """select 'payment ' || m.id || ' of ' || m.amount_minor || ' was refunded ' || sum(f.amount_minor) from payment m
        join refund f on f.payment_id = m.id where f.state in ('requested', 'processing', 'succeeded')
        group by m.id, m.amount_minor, m.state having sum(f.amount_minor) > m.amount_minor or m.state <> 'succeeded'""",
    ),
    Promise(
        5,
        "a refund that failed stands in needs attention",
        """select 'refund ' || f.id || ' failed out of sight' from refund f where f.state in ('failed', 'cancelled')
        and not exists (select 1 from attention t where t.purchase_id = f.purchase_id)""",
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
        "no refund is forgotten on its way",
        """select 'refund ' || f.id || ' is ' || f.state || ', and nobody asks about it' from refund f
        where f.state in ('requested', 'processing') and not exists (select 1 from job j
            where j.state <> 'done' and replace(j.dedupe, '-', '') = 'refund:' || replace(cast(f.id as varchar), '-', ''))""",
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
