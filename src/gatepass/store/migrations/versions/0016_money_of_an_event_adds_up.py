"""What was paid for an event, and what the provider has kept of it, are sums too: whoever calls it off sees them at once."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_MEMBERS = "event_id, at, what, currency, count, total_minor"
_PAID = "{row}.state = 'succeeded'"
_CHANGED = (
    "old.state <> new.state or old.amount_minor <> new.amount_minor or coalesce(old.fee_minor, -1) <> coalesce(new.fee_minor, -1)"
)


def upgrade() -> None:
    """Triggers on payments beside those of migration 0014, and what is there already."""
    old, new = _PAID.format(row="old"), _PAID.format(row="new")
    _keep("insert", _money("new", 1), new)
    _keep("update", f"{_money('old', -1)} union all {_money('new', 1)}", f"({old} or {new}) and ({_CHANGED})")
    counted = f"from payment r join purchase p on p.id = r.purchase_id where {_PAID.format(row='r')}"
    op.execute(
        f"""insert into figure_change ({_MEMBERS})
            select p.event_id, {_never()}, 'paid', r.currency, count(*), sum(r.amount_minor) {counted} group by 1, 2, 3, 4
            union all
            select p.event_id, {_never()}, 'fee', r.currency, count(*), sum(r.fee_minor) {counted}
            and r.fee_minor is not null group by 1, 2, 3, 4"""
    )


def _money(row: str, sign: int) -> str:
    """A payment that took money, and its fee once that is known; without a time, since no chart asks for it."""
    found = f"from purchase p where p.id = {row}.purchase_id and {_PAID.format(row=row)}"
    paid = f"select p.event_id, {_never()}, 'paid', {row}.currency, {sign}, {sign} * {row}.amount_minor {found}"
    fee = f"select p.event_id, {_never()}, 'fee', {row}.currency, {sign}, {sign} * {row}.fee_minor {found}"
    return f"{paid} union all {fee} and {row}.fee_minor is not null"


def _never() -> str:
    """`store.figures.NO_TIME`."""
    return "timestamptz '1970-01-01T00:00:00Z'" if _postgresql() else "'1970-01-01T00:00:00.000000Z'"


def _keep(word: str, rows: str, when: str) -> None:
    """After each payment that is written so: what it changes about the figures."""
    name, kept = f"figure_money_{word}", f"insert into figure_change ({_MEMBERS}) {rows};"
    if not _postgresql():
        op.execute(f"create trigger {name} after {word} on payment when {when} begin {kept} end")
        return
    op.execute(
        f"create or replace function {name}() returns trigger language plpgsql as $$ begin {kept} return null; end $$"
    )
    op.execute(
        f"create trigger {name} after {word} on payment for each row when ({when}) execute function {name}()"
    )


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
