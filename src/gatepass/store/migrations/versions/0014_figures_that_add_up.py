"""Figures of events: sums that are kept true by the database itself; and what staff looks for has its index."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MEMBERS = "event_id, at, what, currency, count, total_minor"
_MONEY = {"refund": "requested", "dispute": "opened"}
"""Money that goes back, by the column that says when it began."""
QUARTER_S = 900
_DECLINED = "{}.kind in ('payment.declined', 'payment.failed')"


def upgrade() -> None:
    op.create_table("figure", *_columns("scope"), sa.PrimaryKeyConstraint("scope", "at", "what", "currency", name="pk_figure"))
    op.create_table("figure_change", *_columns("event_id"))
    _keep_new_orders()
    _keep("purchase", "update", f"{_order('old', -1)} union all {_order('new', 1)}", _differ("status", "total_minor", "created"))
    _keep("purchase", "delete", _order("old", -1))
    _keep("payment", "insert", _sent("new"))
    _keep("timeline_entry", "insert", _declined("new"), _DECLINED.format("new"))
    for table in _MONEY:
        _keep(table, "insert", _back(table, "new", 1))
        changed = f"{_back(table, 'old', -1)} union all {_back(table, 'new', 1)}"
        _keep(table, "update", changed, _differ("state", "amount_minor"))
    _begin()
    waits, rare = "status = 'awaiting_payment'", "status not in ('completed', 'awaiting_payment')"
    op.execute(f"create index ix_purchase_awaiting on purchase (event_id, created, id) where {waits}")
    op.execute(f"create index ix_purchase_rare on purchase (status, created, id) where {rare}")
    op.execute(f"create index ix_purchase_event_rare on purchase (event_id, status, created, id) where {rare}")
    op.execute("create index ix_attention_open on attention (opened) where closed is null")
    kind = "split_part(subject, ':', 1)" if _postgresql() else "substr(subject, 1, instr(subject, ':') - 1)"
    op.execute(f"create index ix_audit_kind on audit ({kind}, id)")
    if not _postgresql():
        # SQLite uses an index on an expression for the same spelling of it, types included.
        op.execute("drop index ix_purchase_tail")
        op.execute("create index ix_purchase_tail on purchase (substr(replace(cast(id as VARCHAR), '-', ''), 23, 10))")


def _columns(scope: str) -> list[sa.Column[object]]:
    return [
        sa.Column(scope, sa.Uuid(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("what", sa.String(60), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
    ]


def _order(row: str, sign: int) -> str:
    what = f"{row}.event_id, {_quarter(f'{row}.created')}, 'order.' || {row}.status, {row}.currency"
    return f"select {what}, {sign}, {sign} * {row}.total_minor"


def _sent(row: str) -> str:
    """An order that has its first payment, by the moment of the order."""
    earlier = f"select 1 from payment o where o.purchase_id = {row}.purchase_id and o.number < {row}.number"
    counted = f"select p.event_id, {_quarter('p.created')}, 'sent', '', 1, 0 from purchase p"
    return f"{counted} where p.id = {row}.purchase_id and not exists ({earlier})"


def _declined(row: str) -> str:
    """A try that failed, by the moment of the order."""
    what = f"p.event_id, {_quarter('p.created')}, {_reason(row)}, ''"
    return f"select {what}, 1, 0 from purchase p where p.id = {row}.purchase_id"


def _reason(row: str) -> str:
    reason = f"{row}.detail ->> 'reason_code'" if _postgresql() else f"json_extract({row}.detail, '$.reason_code')"
    return f"substr('declined.' || coalesce({reason}, ''), 1, 60)"


def _back(table: str, row: str, sign: int) -> str:
    what = f"p.event_id, {_quarter(f'{row}.{_MONEY[table]}')}, '{table}.' || {row}.state, {row}.currency"
    return f"select {what}, {sign}, {sign} * {row}.amount_minor from purchase p where p.id = {row}.purchase_id"


def _differ(*columns: str) -> str:
    return " or ".join(f"old.{name} <> new.{name}" for name in columns)


def _quarter(moment: str) -> str:
    """The beginning of its quarter of an hour: days of every zone begin with one."""
    if _postgresql():
        return f"to_timestamp(floor(extract(epoch from {moment}) / {QUARTER_S}) * {QUARTER_S})"
    minute = f"cast(substr({moment}, 15, 2) as integer)"
    return f"substr({moment}, 1, 14) || printf('%02d', {minute} - {minute} % {QUARTER_S // 60}) || ':' || '00.000000Z'"


def _keep(table: str, word: str, rows: str, when: str = "true") -> None:
    """After each row that is written so: what it changes about the figures."""
    name, kept = f"figure_{table}_{word}", f"insert into figure_change ({_MEMBERS}) {rows};"
    if not _postgresql():
        op.execute(f"create trigger {name} after {word} on {table} when {when} begin {kept} end")
        return
    op.execute(f"create or replace function {name}() returns trigger language plpgsql as $$ begin {kept} return null; end $$")
    op.execute(f"create trigger {name} after {word} on {table} for each row when ({when}) execute function {name}()")


def _keep_new_orders() -> None:
    """PostgreSQL: a whole group by one line. On SQLite `store/purchases` says it itself: a trigger makes an insert thrice as dear."""
    if not _postgresql():
        return
    rows = f"""select event_id, {_quarter("created")}, 'order.' || status, currency, count(*), sum(total_minor)
        from made group by 1, 2, 3, 4"""
    name, kept = "figure_purchase_insert", f"insert into figure_change ({_MEMBERS}) {rows};"
    op.execute(f"create or replace function {name}() returns trigger language plpgsql as $$ begin {kept} return null; end $$")
    op.execute(
        f"create trigger {name} after insert on purchase referencing new table as made "
        f"for each statement execute function {name}()"
    )


def _begin() -> None:
    """What is there already, as if it came now; the worker sums it up."""
    of_purchase = "join purchase p on p.id = r.purchase_id"
    counted = [
        f"""select r.event_id, {_quarter("r.created")}, 'order.' || r.status, r.currency, count(*), sum(r.total_minor)
            from purchase r group by 1, 2, 3, 4""",
        f"""select p.event_id, {_quarter("p.created")}, 'sent', '', count(distinct r.purchase_id), 0
            from payment r {of_purchase} group by 1, 2""",
        f"""select p.event_id, {_quarter("p.created")}, {_reason("r")}, '', count(*), 0
            from timeline_entry r {of_purchase} where {_DECLINED.format("r")} group by 1, 2, 3""",
    ]
    counted += [
        f"""select p.event_id, {_quarter(f"r.{began}")}, '{table}.' || r.state, r.currency, count(*), sum(r.amount_minor)
            from {table} r {of_purchase} group by 1, 2, 3, 4"""
        for table, began in _MONEY.items()
    ]
    for rows in counted:
        op.execute(f"insert into figure_change ({_MEMBERS}) {rows}")


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
