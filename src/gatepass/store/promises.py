"""Every promise of the product as a query that finds what breaks it. Run after every flow test and by `gatepass doctor`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from gatepass.store.engine import ReadTx
from gatepass.store.types import Utc

GRACE = timedelta(minutes=5)
"""A transient state may outlive its deadline by this."""

# Each query goes through a table once and looks up by index beside it. Sub-selects stand only where few rows come by: those
# that a condition before has let through. A cross join is an inner one whose order SQLite keeps: few purchases are not
# completed, so those lead.

# An attendee has one registration at most, and a registration one pass: unique columns say so. So where counts fit, none is
# missing, and nobody has to look for it. To group by an expression keeps SQLite from walking an index across the table.

# What of it has gone back, or is about to.
_BACK = """(select coalesce(sum(f.amount_minor), 0) from refund f
        where f.purchase_id = p.id and f.state in ('requested', 'processing', 'succeeded'))"""
_NOT_IN_SIGHT = "not exists (select 1 from attention t where t.purchase_id = p.id)"


@dataclass(frozen=True, slots=True)
class Promise:
    """`query` yields one line of text for each thing that breaks the promise.

    It may use :late, GRACE before now, and dashed(id), an id as the keys of jobs have it.
    """

    number: int
    says: str
    query: str


PROMISES: Sequence[Promise] = (
    Promise(
        2,
        "a purchase is completed exactly when it is fully paid, or free",
        f"""select 'purchase ' || p.id || ' is completed, paid ' || coalesce(sum(o.amount_minor), 0) || ' of ' || p.total_minor
        from purchase p left join payment m on m.purchase_id = p.id and m.state = 'succeeded' and m.amount_minor >= p.total_minor
        left join payment o on o.purchase_id = p.id and o.state = 'succeeded'
        where p.status = 'completed' and p.total_minor > 0 and m.id is null
        group by p.id, p.total_minor having coalesce(sum(o.amount_minor), 0) < p.total_minor
        union all
        select 'purchase ' || p.id || ' is ' || p.status || ', paid ' || p.paid || ' of ' || p.total_minor from (
            select p.id, p.status, p.total_minor, sum(m.amount_minor) paid from purchase p cross join payment m
            where m.purchase_id = p.id and m.state = 'succeeded' and p.total_minor > 0
            and p.status in ('awaiting_payment', 'expired', 'cancelled') group by p.id, p.status, p.total_minor) p
        where p.paid >= p.total_minor and p.paid - {_BACK} >= p.total_minor and {_NOT_IN_SIGHT}""",
    ),
    Promise(
        2,
        "a completed purchase holds its attendee passes, but for those that were given up; any other none",
        """select distinct 'purchase ' || p.id || ' is completed without registrations' from registration g
        cross join purchase p where g.status <> 'registered' and p.id = g.purchase_id and p.status = 'completed'
        and not exists (select 1 from registration r where r.purchase_id = p.id and r.status = 'registered')
        union all
        select 'purchase ' || p.id || ' is ' || p.status || ' with registration ' || r.id from purchase p
        cross join registration r where r.purchase_id = p.id and p.status <> 'completed' and r.status = 'registered'
        union all
        select 'purchase ' || p.id || ' is completed, attendee ' || a.id || ' has no registration' from attendee a
        left join registration r on r.attendee_id = a.id join purchase p on p.id = a.purchase_id
        where r.id is null and p.status = 'completed'
        and (select count(*) from attendee) - (select count(*) from registration) <> (
            select count(*) from purchase q cross join attendee b where b.purchase_id = q.id and q.status <> 'completed') - (
            select count(*) from purchase q cross join registration s where s.purchase_id = q.id and q.status <> 'completed')
        union all
        select 'registration ' || r.id || ' has no attendee pass' from registration r
        left join attendee_pass t on t.registration_id = r.id where t.id is null
        and (select count(*) from registration) <> (select count(*) from attendee_pass)""",
    ),
    Promise(
        3,
        "held and sold seats never exceed a pass, and are what purchases and registrations say",
        """select 'pass ' || s.id || ' counts ' || s.held || ' held, ' || s.sold || ' sold of ' || s.allocation
        from "pass" s
        left join (select a.pass_id, count(*) seats from purchase p join attendee a on a.purchase_id = p.id
            where p.status = 'awaiting_payment' group by a.pass_id) held on held.pass_id = s.id
        left join (select a.pass_id, count(*) seats from registration r join attendee a on a.id = r.attendee_id
            where r.status = 'registered' group by a.pass_id) sold on sold.pass_id = s.id
        where s.held + s.sold > s.allocation
        or s.held <> coalesce(held.seats, 0) or s.sold <> coalesce(sold.seats, 0)""",
    ),
    Promise(
        3,
        "held and sold seats never exceed an event, and are what purchases and registrations say",
        """select 'event ' || e.readable_id || ' counts ' || e.held || ' held, ' || e.sold || ' sold' from event e
        left join (select p.event_id, count(*) seats from purchase p join attendee a on a.purchase_id = p.id
            where p.status = 'awaiting_payment' group by p.event_id) held on held.event_id = e.id
        left join (select r.event_id, count(*) seats from registration r
            where r.status = 'registered' group by r.event_id) sold on sold.event_id = e.id
        where e.held + e.sold > coalesce(e.capacity, e.held + e.sold)
        or e.held <> coalesce(held.seats, 0) or e.sold <> coalesce(sold.seats, 0)""",
    ),
    Promise(
        3,
        "figures are what orders, payments and refunds say, of each event and of all of them",
        """select 'figure ' || d.what || ' ' || d.currency || ' of event ' || d.event_id || ' is off by ' || sum(d.n)
        || ', ' || sum(d.minor) from (
            select event_id, 'order.' || status what, currency, n, minor from (
                select coalesce(event_id, event_id) event_id, status, currency, count(*) n, sum(total_minor) minor
                from purchase group by 1, 2, 3) o
            union all select m.event_id, k.what, case k.what when 'sent' then '' else m.currency end,
                case k.what when 'sent' then m.sent when 'paid' then m.paid else m.fees end,
                case k.what when 'sent' then 0 when 'paid' then m.paid_minor else m.fees_minor end from (
                select p.event_id, m.currency, sum(case when m.number = 1 then 1 else 0 end) sent,
                    count(m.paid_minor) paid, coalesce(sum(m.paid_minor), 0) paid_minor,
                    count(m.fee_minor) fees, coalesce(sum(m.fee_minor), 0) fees_minor
                from (select purchase_id, number, currency, case when state = 'succeeded' then amount_minor end paid_minor,
                    case when state = 'succeeded' then fee_minor end fee_minor from payment) m
                join purchase p on p.id = m.purchase_id group by 1, 2) m
                cross join (select 'sent' what union all select 'paid' union all select 'fee') k
            union all select p.event_id, 'refund.' || f.state, f.currency, count(*), sum(f.amount_minor) from refund f
                join purchase p on p.id = f.purchase_id group by 1, 2, 3
            union all select p.event_id, 'dispute.' || d.state, d.currency, count(*), sum(d.amount_minor) from dispute d
                join purchase p on p.id = d.purchase_id group by 1, 2, 3
            union all select scope, what, currency, -sum(count), -sum(total_minor) from figure group by 1, 2, 3
            union all select event_id, what, currency, -sum(count), -sum(total_minor) from figure_change group by 1, 2, 3) d
        join event e on e.id = d.event_id where d.what not like 'declined.%'
        group by d.event_id, d.what, d.currency having sum(d.n) <> 0 or sum(d.minor) <> 0
        union all
        select 'figure ' || f.what || ' of all events is off by ' || sum(f.n) from (
            select f.what, f.currency, case when e.id is null then f.count else -f.count end n,
            case when e.id is null then f.total_minor else -f.total_minor end minor
            from figure f left join event e on e.id = f.scope) f
        group by f.what, f.currency having sum(f.n) <> 0 or sum(f.minor) <> 0""",
    ),
    Promise(
        4,
        "a notification is applied, ignored, or quarantined in sight; none is dropped",
        """select 'notification ' || n.event_ref || ' is ' || n.state from notification n
        where n.state = 'new'
        and not exists (select 1 from job j where j.dedupe = 'apply:' || dashed(n.id) and j.state <> 'done')
        union all
        select 'notification ' || n.event_ref || ' is ' || n.state from notification n
        where n.state = 'quarantined'
        and not exists (select 1 from attention t where t.notification_id = n.id)
        and not exists (select 1 from attention t where t.payment_id = n.payment_id)""",
    ),
    Promise(
        5,
        "every paid amount has an owner: a purchase that it pays for, a refund, or an entry in needs attention",
        f"""select 'purchase ' || p.id || ' is ' || p.status || ' and has ' || (p.paid - {_BACK}) || ' for ' || p.owed from (
            select m.purchase_id id, coalesce(p.status, 'not there') status, sum(m.amount_minor) paid,
            case when p.status in ('completed', 'waitlisted') then p.total_minor else 0 end owed
            from payment m left join purchase p on p.id = m.purchase_id
            where m.state = 'succeeded' and m.purchase_id in (
                select n.purchase_id from payment n left join purchase q on q.id = n.purchase_id
                where n.state = 'succeeded' and (q.id is null or q.status not in ('completed', 'waitlisted')
                    or n.number > 1 or n.amount_minor > q.total_minor))
            group by m.purchase_id, p.status, p.total_minor) p
        where p.paid > p.owed and p.paid - {_BACK} > p.owed and {_NOT_IN_SIGHT}
        and not exists (select 1 from remote_purchase r where r.id = p.id)""",
    ),
    Promise(
        5,
        "every amount paid for a purchase of a remote Dataverse has an owner: it, a refund, or an entry in needs attention",
        f"""select 'purchase ' || p.id || ' is ' || p.status || ' over there and has ' || (p.paid - {_BACK}) || ' for ' || p.owed
        from (select r.id, r.said status, sum(m.amount_minor) paid,
            case when r.status = 'completed' and (r.wanted = 'completed' or r.told = 'completed') then r.total_minor else 0 end owed
            from remote_purchase r join payment m on m.purchase_id = r.id and m.state = 'succeeded'
            where r.wanted is null or r.status = 'completed' group by r.id) p
        where p.paid - {_BACK} > p.owed and {_NOT_IN_SIGHT}""",
    ),
    Promise(
        7,
        "what a remote Dataverse is to be told has its job",
        """select 'purchase ' || p.id || ' should be ' || p.wanted || ' over there' from remote_purchase p
        where p.wanted is not null
        and not exists (select 1 from job j where j.dedupe = 'finalize:' || dashed(p.id) and j.state <> 'done')""",
    ),
    Promise(
        5,
        "who waits for a seat has paid for it",
        f"""select 'purchase ' || p.id || ' waits without the money' from purchase p where p.status = 'waitlisted'
        and (select coalesce(sum(o.amount_minor), 0) from payment o where o.purchase_id = p.id and o.state = 'succeeded')
            - {_BACK} < p.total_minor""",
    ),
    Promise(
        5,
        "no more goes back than was paid",
        """select 'payment ' || m.id || ' of ' || m.amount_minor || ' was refunded ' || back.minor from payment m
        join (select payment_id, sum(amount_minor) minor from refund where state in ('requested', 'processing', 'succeeded')
            group by payment_id) back on back.payment_id = m.id
        where back.minor > m.amount_minor or m.state <> 'succeeded'""",
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
        where p.status = 'awaiting_payment' and p.hold_until < :late
        union all
        select 'purchase ' || p.id || ' is held past ' || p.hold_until from remote_purchase p
        where p.status = 'awaiting_payment' and p.hold_until < :late""",
    ),
    Promise(
        7,
        "no open payment outlives its page",
        # The first condition is that of the index of open payments, word for word: SQLite finds it by that.
        """select 'payment ' || m.id || ' is created past ' || m.expires_at from payment m
        where m.state in ('created', 'processing') and m.state = 'created' and m.expires_at < :late""",
    ),
    Promise(
        7,
        "no refund is forgotten on its way",
        """select 'refund ' || f.id || ' is ' || f.state || ', and nobody asks about it' from refund f
        where f.state in ('requested', 'processing')
        and not exists (select 1 from job j where j.dedupe = 'refund:' || dashed(f.id) and j.state <> 'done')""",
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
        where j.state = 'parked' and not exists (select 1 from attention t where t.dedupe = 'job:' || dashed(j.id))""",
    ),
)


def broken(tx: ReadTx, promise: Promise, now: datetime, limit: int = 20) -> list[str]:
    """What breaks this promise right now, a line each; empty means kept."""
    tx.read_widely()
    # Materialized: told that 20 rows will do, PostgreSQL would look a million times for the first one.
    text = f"with found(line) as materialized ({_in_words_of(tx, promise.query)}) select line from found limit {limit}"
    query = sa.text(text)
    if ":late" in promise.query:
        query = query.bindparams(sa.bindparam("late", now - GRACE, Utc))
    return list(tx.execute(query).scalars())


def _in_words_of(tx: ReadTx, query: str) -> str:
    """An id as text with dashes: PostgreSQL writes it so, SQLite keeps 32 digits. Built, so that an index can find it."""
    return re.sub(r"dashed\(([\w.]+)\)", r"cast(\1 as text)" if tx.postgresql else _dashed, query)


def _dashed(found: re.Match[str]) -> str:
    parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    digits = (f"substr({found[1]}, {first}, {count})" for first, count in parts)
    return "(" + " || '-' || ".join(digits) + ")"
