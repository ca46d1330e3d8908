"""Two processes on one database: what both are told at the same moment is kept once, and nobody is sent away."""

import asyncio
import json
import time
from uuid import uuid4

import sqlalchemy as sa

from gatepass.providers.stripe import Stripe
from gatepass.services import notifications
from gatepass.store import Store, tables
from tests.running import WEBHOOK_SECRET, signature


async def test_the_same_notification_at_two_nodes_at_once_is_kept_once(database_url: str) -> None:
    stores = [Store.open(database_url) for _ in range(3)]
    stripe = Stripe("sk_test_x", [WEBHOOK_SECRET], "http://127.0.0.1:1")
    rounds = 40
    for _ in range(rounds):
        body = json.dumps({"id": f"evt_{uuid4().hex}", "type": "checkout.session.completed"}).encode()
        headers = {"stripe-signature": signature(body, WEBHOOK_SECRET, int(time.time()))}
        await asyncio.gather(*(notifications.receive(store, stripe, headers, body) for store in stores))

    assert await _count(stores[0], tables.notification) == rounds
    assert await _count(stores[0], tables.job) == rounds
    for store in stores:
        store.close()


async def _count(store: Store, table: sa.Table) -> int:
    return await store.read(lambda tx: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
