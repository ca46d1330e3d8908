"""What tables are made of: names of constraints, ids, kinds of columns."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from uuid_utils import compat as uuids

from gatepass.model.table import Table
from gatepass.store.declared import sql_table
from gatepass.store.types import Utc

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def new_id() -> UUID:
    """UUIDv7: sorted by time, so inserts stay at one end of the index. Never a credential."""
    return uuids.uuid7()


def first_id_of(moment: datetime) -> UUID:
    """No id made at or after this moment is smaller: a span of time is a span of ids, and needs no index of its own."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def declared(table: Table) -> sa.Table:
    return metadata.tables[table.name] if table.name in metadata.tables else sql_table(table, metadata)


def id_() -> sa.Column[UUID]:
    return sa.Column("id", sa.Uuid, primary_key=True)


def to(table: str, name: str | None = None, *, required: bool = True, index: bool = False) -> sa.Column[UUID]:
    return sa.Column(name or f"{table}_id", sa.Uuid, sa.ForeignKey(f"{table}.id"), nullable=not required, index=index)


def text(name: str, length: int, *, required: bool = True, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=not required, **more)


def when(name: str, *, required: bool = True) -> sa.Column[datetime]:
    return sa.Column(name, Utc, nullable=not required)


def count(name: str, *, required: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=not required)


def minor(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def flag(name: str, **more: Any) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, **more)


def json_(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)
