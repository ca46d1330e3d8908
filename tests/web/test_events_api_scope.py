"""The events API answers for its own organization, event and web application only."""

import pytest

from gatepass.services import setup, switches
from tests.running import TOKEN, Running, summit


async def test_another_organization_is_not_served_here(gatepass: Running) -> None:
    url = gatepass.api.replace(str(gatepass.organization), "11111111-2222-3333-4444-555555555555")
    answer = await gatepass.client.get(f"{url}/events/published", params={"emApplicationtoken": TOKEN})

    assert (answer.status_code, answer.json()["errorCode"]) == (404, "OrganizationUnknown")


@pytest.mark.parametrize("event", ["nope", "other"])
async def test_a_purchase_is_not_finalized_through_another_event(gatepass: Running, event: str) -> None:
    await gatepass.store.write(lambda tx: switches.put(tx, switches.DEMO_PAYMENT, to=True, actor="test"))
    other = summit(None, name="Other")
    _, readable = await gatepass.store.write(lambda tx: setup.add_event(tx, other))
    order = await gatepass.register()

    answer = await gatepass.client.post(
        f"{gatepass.api}/events/{readable if event == 'other' else event}/registrations/finalize",
        params={"emApplicationtoken": TOKEN},
        json={"purchaseId": str(order.id)},
    )

    assert answer.status_code == 404
    assert (await gatepass.purchase(order.id)).status.value == "awaiting_payment"
