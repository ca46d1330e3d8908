"""What a server asks of its database before it serves."""

import sqlalchemy as sa

from gatepass.store.engine import ReadTx


def revision(tx: ReadTx) -> str | None:
    """The schema's revision; None when there is no schema."""
    if tx.execute(sa.text(_TABLES[tx.postgresql])).first() is None:
        return None
    return tx.execute(sa.text("select version_num from alembic_version")).scalar_one_or_none()


_TABLES = {
    True: "select 1 where to_regclass('alembic_version') is not null",
    False: "select 1 from sqlite_master where name = 'alembic_version'",
}
