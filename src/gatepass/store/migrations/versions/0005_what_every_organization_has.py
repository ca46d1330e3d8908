"""The organization, its business unit, its users and the currencies: rows that others point to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import sqlalchemy as sa
from alembic import op
from babel.numbers import get_currency_name, get_currency_symbol

from gatepass.domain.money import DECIMALS
from gatepass.store.types import Utc

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SYSTEM_USER = UUID("00000000-0000-7000-8000-000000000001")
BUSINESS_UNIT = UUID("00000000-0000-7000-8000-000000000002")


def upgrade() -> None:
    op.add_column("api_token", sa.Column("systemuser_id", sa.Uuid(), nullable=True))
    now = datetime.now(UTC)
    organization = _organization()
    _insert("organization", [{"id": organization, "name": "Gatepass", "languagecode": 1033, "created": now}])
    unit = {"id": BUSINESS_UNIT, "name": "Gatepass", "organization_id": organization, "created": now}
    _insert("businessunit", [unit])
    _insert("systemuser", [_user(SYSTEM_USER, "SYSTEM", "administrator", now), *_staff(now), *_programs(now)])
    _insert("transactioncurrency", [_currency(code, now) for code in DECIMALS])


def _organization() -> UUID:
    """As the installation was known before."""
    known = op.get_bind().execute(sa.text("select value from setting where name = 'organization_id'")).scalar()
    op.execute("delete from setting where name = 'organization_id'")
    return UUID(known) if known else uuid4()


def _staff(now: datetime) -> list[dict[str, object]]:
    table = sa.table("staff_user", sa.column("id", sa.Uuid), *map(sa.column, ("name", "email", "role")))
    rows = op.get_bind().execute(sa.select(table)).mappings()
    return [_user(row["id"], row["name"], row["role"], now) | {"internalemailaddress": row["email"]} for row in rows]


def _programs(now: datetime) -> list[dict[str, object]]:
    """A user for each token that was given away."""
    table = sa.table("api_token", *map(sa.column, ("token_hash", "name", "role")), sa.column("systemuser_id", sa.Uuid))
    made: list[dict[str, object]] = []
    for row in op.get_bind().execute(sa.select(table)).mappings().all():
        made.append(_user(uuid4(), row["name"], row["role"], now))
        held = sa.update(table).where(table.c.token_hash == row["token_hash"])
        op.get_bind().execute(held.values(systemuser_id=made[-1]["id"]))
    return made


def _user(at: UUID, name: str, role: str, now: datetime) -> dict[str, object]:
    return {"id": at, "fullname": name, "internalemailaddress": None, "role": role, "created": now}


def _currency(code: str, now: datetime) -> dict[str, object]:
    """The same id everywhere: a client may keep it."""
    return {
        "id": uuid5(NAMESPACE_URL, f"urn:iso:std:iso:4217:{code}"), "iso_code": code, "currencyprecision": DECIMALS[code],
        "currencyname": get_currency_name(code, locale="en"), "currencysymbol": get_currency_symbol(code, locale="en"),
        "exchangerate": 10**10, "created": now,
    }


def _insert(table: str, rows: Sequence[Mapping[str, object]]) -> None:
    types = {"id": sa.Uuid(), "organization_id": sa.Uuid(), "created": Utc()}
    columns = [sa.column(name, types.get(name)) for name in rows[0]]
    op.bulk_insert(sa.table(table, *columns), [dict(row) for row in rows])
