"""Contacts as registrations know them: by the digest of mail address and names."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import WriteTx
from gatepass.store.tables import DECLARED, Row

_contact = DECLARED["contact"]
_by_key = (
    sa.select(_contact.c.id, _contact.c.match_key)
    .where(_contact.c.match_key.in_(sa.bindparam("keys", expanding=True)))
    .with_for_update(read=True, key_share=True)
)


def put(tx: WriteTx, rows: Sequence[Row]) -> dict[str, UUID]:
    """New rows of `contact`, but for those whose `match_key` is known. The id of each key; all stay until the commit."""
    if tx.insert_new(_contact, rows, unless="match_key") == len(rows):
        return {row["match_key"]: row["id"] for row in rows}
    found = tx.rows(_by_key, {"keys": [row["match_key"] for row in rows]})
    return {row["match_key"]: row["id"] for row in found}
