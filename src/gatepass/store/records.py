"""Short tables with one or two functions each: needs attention, audit, mail, settings."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, attention, audit, first_id_of, mail, new_id, setting
from gatepass.store.types import Utc

_mails = sa.select(mail).where(mail.c.purchase_id.in_(sa.bindparam("ids", expanding=True)))
_setting = sa.select(setting.c.value).where(setting.c.name == sa.bindparam("name"))


def _insert_new(tx: WriteTx, table: sa.Table, keys: Sequence[str], rows: Sequence[Row]) -> None:
    tx.execute(tx.insert(table).on_conflict_do_nothing(index_elements=list(keys)), rows)


def call_attention(
    tx: WriteTx, kind: str, reason: str, *, dedupe: str, purchase_id: UUID | None = None,
    payment_id: UUID | None = None, notification_id: UUID | None = None,
) -> None:  # fmt: skip
    """Put something in sight that a person must decide; the same `dedupe` stands there once."""
    entry = {
        "id": new_id(), "kind": kind, "dedupe": dedupe, "purchase_id": purchase_id, "payment_id": payment_id,
        "notification_id": notification_id, "reason": reason[:1000], "opened": tx.now,
    }  # fmt: skip
    _insert_new(tx, attention, ["dedupe"], [entry])


def needing_attention(tx: ReadTx, limit: int = 100, after: UUID | None = None) -> list[Row]:
    """Open entries, the oldest first. `after`: the last one of the page before, open or closed."""
    at = attention.c
    statement = sa.select(attention).where(at.closed.is_(None)).order_by(at.opened, at.id).limit(limit)
    last = attention_entry(tx, after) if after else None
    if last:
        there = sa.tuple_(sa.literal(last["opened"], at.opened.type), sa.literal(last["id"], at.id.type))
        statement = statement.where(sa.tuple_(at.opened, at.id) > there)
    return list(tx.rows(statement))


def attention_entry(tx: ReadTx, entry_id: UUID) -> Row | None:
    """One entry, open or closed."""
    return tx.row(sa.select(attention).where(attention.c.id == entry_id))


def close_attention(tx: WriteTx, entry_id: UUID) -> Row | None:
    """Somebody has decided; the entry as it was, or None when none of this id is open."""
    open_one = sa.select(attention).where(attention.c.id == entry_id, attention.c.closed.is_(None)).with_for_update()
    found = tx.row(open_one)
    if found:
        tx.execute(sa.update(attention).where(attention.c.id == entry_id).values(closed=tx.now))
    return found


def supersede_attention(tx: WriteTx, dedupes: Sequence[str]) -> None:
    """Close what is open of these, and let go of their keys, so that the same question can be asked anew."""
    found = sa.select(attention.c.id, attention.c.dedupe).where(attention.c.dedupe.in_(dedupes)).with_for_update()
    for row in tx.rows(found):
        closed = sa.func.coalesce(attention.c.closed, sa.literal(tx.now, Utc))
        values = {"dedupe": f"{row['dedupe']}:{row['id']}", "closed": closed}
        tx.execute(sa.update(attention).where(attention.c.id == row["id"]).values(**values))


def open_notifications(tx: ReadTx) -> int:
    """Quarantined notifications that wait for a person."""
    entries = sa.select(sa.func.count(sa.distinct(attention.c.notification_id)))
    return int(tx.execute(entries.where(attention.c.closed.is_(None))).scalar_one())


def open_attention(tx: ReadTx, dedupe: str) -> UUID | None:
    """The open entry of this key."""
    wanted = sa.select(attention.c.id).where(attention.c.dedupe == dedupe, attention.c.closed.is_(None))
    return tx.execute(wanted).scalar_one_or_none()


def dealt_with(tx: ReadTx, keys: Collection[str]) -> dict[str, bool]:
    """Which of these keys have an entry, and whether a person has closed it."""
    rows = tx.rows(sa.select(attention.c.dedupe, attention.c.closed).where(attention.c.dedupe.in_(keys)))
    return {row["dedupe"]: row["closed"] is not None for row in rows}


def asked_about(tx: ReadTx, purchase_ids: Collection[UUID]) -> set[UUID]:
    """Those of these purchases about which a question other than reconciliation's own is open."""
    entry = attention.c
    found = sa.select(entry.purchase_id).where(entry.purchase_id.in_(purchase_ids), entry.closed.is_(None))
    return set(tx.execute(found.where(entry.kind != "reconcile")).scalars())


def opened_since(tx: ReadTx, keys: Collection[str], since: datetime) -> set[str]:
    """Those of these keys whose entry was opened at that moment or later."""
    found = sa.select(attention.c.dedupe).where(attention.c.dedupe.in_(keys), attention.c.opened >= since)
    return set(tx.execute(found).scalars())


_ANSWERED = ("paid_late", "refund_elsewhere", "refund_due", "settle_refused")


def questions_of(tx: ReadTx, purchase_id: UUID) -> list[UUID]:
    """Open entries of one purchase that a decision about the purchase itself answers; not those about money elsewhere."""
    statement = sa.select(attention.c.id).where(
        attention.c.purchase_id == purchase_id, attention.c.closed.is_(None), attention.c.kind.in_(_ANSWERED)
    )
    return list(tx.execute(statement).scalars())


def add_audit(tx: WriteTx, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Write down who did what: with all else that the transaction does."""
    entry = {"id": new_id(), "at": tx.now, "actor": actor, "action": action, "subject": subject, "detail": detail}
    tx.insert_last(audit, entry)


def audit_entries(
    tx: ReadTx, *, actor: str, action: str, subject: str, since: datetime | None, until: datetime | None,
    before: UUID | None, limit: int,
) -> list[Row]:  # fmt: skip
    """Entries, the newest first. `action` may be the beginning of one, `subject` a whole kind (`event:`); empty: any."""
    entry = audit.c
    wanted: list[sa.ColumnElement[bool]] = []
    if actor:
        wanted.append(entry.actor == actor)
    if subject.endswith(":"):
        wanted.append(_kind_of_subject(tx) == subject[:-1])
    elif subject:
        wanted.append(entry.subject == subject)
    if since:
        wanted.append(entry.id >= first_id_of(since))
    if until:
        wanted.append(entry.id < first_id_of(until))
    if before:
        wanted.append(entry.id < before)
    # Each action has its place in an index, the newest first; a beginning has none.
    ways = [[*wanted, entry.action == one] for one in _actions(tx, action)] if action else [wanted]
    newest = [sa.select(entry.id).where(*way).order_by(entry.id.desc()).limit(limit) for way in ways]
    if not newest:
        return []
    ids = sa.union_all(*(sa.select(one.subquery()) for one in newest)).subquery()
    return tx.rows(sa.select(audit).where(entry.id.in_(sa.select(ids.c.id))).order_by(entry.id.desc()).limit(limit))


def _actions(tx: ReadTx, beginning: str) -> list[str]:
    """The few names of actions that there are and that begin so, each found by one step in the index."""
    first = sa.select(sa.func.min(audit.c.action).label("name")).where(audit.c.action >= beginning).cte(recursive=True)
    following = sa.select(sa.func.min(audit.c.action)).where(audit.c.action > first.c.name).scalar_subquery()
    names = first.union_all(sa.select(following).where(first.c.name.is_not(None)))
    found = tx.execute(sa.select(names.c.name).where(names.c.name.is_not(None))).scalars()
    return [name for name in found if name.startswith(beginning)]


def _kind_of_subject(tx: ReadTx) -> sa.ColumnElement[str]:
    """As the index of each database has it (migration 0014)."""
    return sa.literal_column(
        "split_part(audit.subject, ':', 1)"
        if tx.postgresql
        else "substr(audit.subject, 1, instr(audit.subject, ':') - 1)"
    )


Letter = tuple[UUID, str, str, str]
"""Purchase, kind, recipient, subject."""


def add_mails(tx: WriteTx, wanted: Sequence[Letter]) -> list[tuple[UUID, bool]]:
    """Mails that are to be sent: each once per purchase, kind and recipient.

    Returns each one's id, and whether it was sent already.
    """
    rows = {
        (at, kind, to): {
            "id": new_id(), "purchase_id": at, "kind": kind, "recipient": to, "subject": subject, "created": tx.now
        }
        for at, kind, to, subject in wanted
    }  # fmt: skip
    tx.insert_many(mail, list(rows.values()), unless="purchase_id, kind, recipient")
    found = tx.rows(_mails, {"ids": [at for at, *_ in rows]})
    known = {(row["purchase_id"], row["kind"], row["recipient"]): row for row in found}
    mine = (known[at, kind, to] for at, kind, to, _ in wanted)
    return [(row["id"], row["sent"] is not None) for row in mine]


def mails_of(tx: ReadTx, purchase_id: UUID) -> list[dict[str, Any]]:
    """The mails of a purchase, for evidence: what was sent to whom, and when."""
    rows = tx.rows(sa.select(mail).where(mail.c.purchase_id == purchase_id).order_by(mail.c.created))
    return [
        {"to": row["recipient"], "subject": row["subject"], "sent": row["sent"] and row["sent"].isoformat()}
        for row in rows
    ]


def send_again(tx: WriteTx, purchase_id: UUID, kind: str) -> None:
    """Mails of this kind count as not sent."""
    wanted = sa.update(mail).where(mail.c.purchase_id == purchase_id, mail.c.kind == kind)
    tx.execute(wanted.values(sent=None))


def mark_sent(tx: WriteTx, ids: Sequence[UUID]) -> None:
    """The mail server has taken them."""
    tx.change_many(mail, [{"sent": tx.now, "id": at} for at in ids])


def get_setting(tx: ReadTx, name: str) -> str | None:
    """One setting of the installation."""
    return tx.execute(_setting, {"name": name}).scalar_one_or_none()


def put_setting(tx: WriteTx, name: str, value: str) -> None:
    """Write one setting."""
    insert = tx.insert(setting).values(name=name, value=value)
    tx.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
