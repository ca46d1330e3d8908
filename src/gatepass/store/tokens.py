"""Tokens of the staff API, and what was answered to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, staff_answer, staff_token

_token, _answer = staff_token.c, staff_answer.c


def add(tx: WriteTx, row: Row) -> None:
    """A new token, as a row of `tables.staff_token`."""
    tx.execute(sa.insert(staff_token), [dict(row)])


def change(tx: WriteTx, token_id: UUID, values: Mapping[str, Any]) -> None:
    """`last_used` or `revoked`."""
    tx.execute(sa.update(staff_token).where(_token.id == token_id).values(**values))


def by_hash(tx: ReadTx, token_hash: str) -> Row | None:
    """The token that somebody sent, ended ones too."""
    return tx.row(sa.select(staff_token).where(_token.token_hash == token_hash))


def get(tx: ReadTx, token_id: UUID) -> Row | None:
    """One of them."""
    return tx.row(sa.select(staff_token).where(_token.id == token_id))


def active(tx: WriteTx, name: str) -> Row | None:
    """The one of this name that counts, locked."""
    counts = sa.and_(_token.revoked.is_(None), _token.expires > tx.now)
    return tx.row(sa.select(staff_token).where(_token.name == name, counts).with_for_update())


def listed(tx: ReadTx) -> list[Row]:
    """All of them, the newest first."""
    return tx.rows(sa.select(staff_token).order_by(_token.id.desc()))


def begin_answer(tx: WriteTx, token_id: UUID, key: str, asked: str) -> Row | None:
    """None: this key is new, and from now on taken. Else what was asked and answered; whoever is at it is waited for."""
    row = {"staff_token_id": token_id, "key": key, "asked": asked, "created": tx.now}
    new = tx.insert(staff_answer).on_conflict_do_nothing(index_elements=["staff_token_id", "key"])
    # Not by a count of rows: for a list of rows PostgreSQL's driver does not tell it.
    if tx.row(new.values(**row).returning(_answer.key)):
        return None
    return tx.row(sa.select(staff_answer).where(_answer.staff_token_id == token_id, _answer.key == key))


def end_answer(tx: WriteTx, token_id: UUID, key: str, status: int, body: bytes) -> None:
    """What is answered to it, this time and the next."""
    mine = sa.update(staff_answer).where(_answer.staff_token_id == token_id, _answer.key == key)
    tx.execute(mine.values(status=status, body=body))


def forget_answers(tx: WriteTx, before: datetime) -> None:
    """Those that nobody asks for again."""
    tx.execute(sa.delete(staff_answer).where(_answer.created < before))
