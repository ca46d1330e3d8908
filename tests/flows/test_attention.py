"""What a person must decide: seen, decided, closed, and never in the way again."""

import pytest

from gatepass.domain.errors import NotFound, Refused
from gatepass.services import attention
from gatepass.store import records
from tests.running import Order, Running


async def paid_late_without_a_seat(gatepass: Running) -> Order:
    """An order whose money came when all seats were taken."""
    late = await gatepass.register(pass_name="Rare")
    await gatepass.let_hold_end(late)
    await gatepass.until_status(late, "expired")
    for _ in range(10):
        await gatepass.register(pass_name="Rare")
    assert (await gatepass.finalize(late.id, 100000001)).status_code == 204
    return late


async def test_an_entry_is_closed_with_a_reason_once(gatepass: Running) -> None:
    late = await paid_late_without_a_seat(gatepass)
    (entry,) = await gatepass.store.read(records.needing_attention)

    with pytest.raises(Refused):
        await gatepass.store.write(lambda tx: attention.close(tx, entry["id"], "  ", "anna"))
    await gatepass.store.write(lambda tx: attention.close(tx, entry["id"], "refunded at Stripe", "anna"))
    with pytest.raises(NotFound):
        await gatepass.store.write(lambda tx: attention.close(tx, entry["id"], "again", "anna"))

    assert await gatepass.attention() == []
    assert (await gatepass.purchase(late.id)).status.value == "paid_late"


async def test_finalizing_by_hand_leaves_money_of_a_wrong_amount_in_sight(gatepass: Running) -> None:
    order = await gatepass.register()
    session = (await gatepass.open_pay_page(order)).rpartition("/")[2]
    await gatepass.sandbox.drop_deliveries()
    paid = await gatepass.sandbox.pay(session)
    await gatepass.sandbox.control(f"objects/{session}", amount_total=100)
    await gatepass.client.get(paid["success_url"])
    assert await gatepass.attention() == ["payment_mismatch"]

    assert (await gatepass.finalize(order.id, 100000001)).status_code == 204

    assert await gatepass.attention() == ["payment_mismatch"]
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    await gatepass.sandbox.control(f"objects/{session}", amount_total=12050)
