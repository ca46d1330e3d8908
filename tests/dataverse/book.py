"""What the tests of records write with: each call a transaction of its own."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gatepass import model
from gatepass.domain.errors import GatepassError
from gatepass.model.build import SYSTEM_USER
from gatepass.services import records
from gatepass.services.access import Caller, Role
from gatepass.store import WriteTx, rows, tables
from tests.running import Running

ADMIN = Caller("anna", Role.ADMINISTRATOR, SYSTEM_USER)
T = model.BY_NAME
DRAFT, LIVE, CANCELLED = 100000000, 100000003, 100000004
STARTS, ENDS = datetime(2027, 6, 10, 9), datetime(2027, 6, 11, 17)


class Book:
    """What a test writes, each call a transaction of its own."""

    def __init__(self, gatepass: Running) -> None:
        self.gatepass = gatepass

    async def run(self, unit: Callable[[WriteTx], Any]) -> Any:
        return await self.gatepass.store.write(unit)

    async def create(self, table: str, _id: UUID | None = None, _as: Caller = ADMIN, **values: Any) -> UUID:
        return await self.run(lambda tx: records.create(tx, _as, T[table], values, _id))

    async def update(
        self, table: str, key: Any, _expected: int | None = None, _as: Caller = ADMIN, **values: Any
    ) -> UUID:
        return await self.run(lambda tx: records.update(tx, _as, T[table], key, values, expected=_expected))

    async def delete(self, table: str, key: Any, **more: Any) -> None:
        await self.run(lambda tx: records.delete(tx, ADMIN, T[table], key, **more))

    async def row(self, table: str, record_id: UUID) -> Mapping[str, Any]:
        found = await self.gatepass.store.read(lambda tx: rows.find(tx, T[table], record_id))
        assert found is not None
        return found

    async def currency(self, code: str) -> UUID:
        """The record of a currency, made when it is not there."""
        found = await self.gatepass.store.read(lambda tx: rows.id_by(tx, T["transactioncurrency"], {"iso_code": code}))
        return found or await self.create(
            "transactioncurrency", isocurrencycode=code, currencyname=code, currencysymbol=code
        )

    async def event(self, **values: Any) -> UUID:
        given = {"msevtmgt_name": "Northwind Day", "msevtmgt_eventstartdate": STARTS, "msevtmgt_eventenddate": ENDS}
        return await self.create("event", **(given | values))

    async def event_pass(self, event_id: UUID, **values: Any) -> UUID:
        given = {
            "msevtmgt_name": "Day pass", "msevtmgt_passprice": Decimal("49.50"), "msevtmgt_noofpassesallocated": 10,
            "msevtmgt_eventid": event_id,
        }  # fmt: skip
        return await self.create("pass", **(given | values))

    async def refused(self, code: str, attempt: Any, *says: str) -> GatepassError:
        with pytest.raises(GatepassError) as caught:
            await attempt
        assert caught.value.code == code, caught.value
        for text in says:
            assert text in caught.value.message
        return caught.value

    async def audit(self, subject: str) -> list[Mapping[str, Any]]:
        at = tables.audit.c
        return await self.gatepass.store.read(
            lambda tx: tx.rows(sa.select(tables.audit).where(at.subject == subject).order_by(at.id))
        )
