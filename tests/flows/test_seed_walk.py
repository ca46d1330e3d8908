"""The "Testing" section of the first seed, step by step, as it is written there."""

import json
from uuid import UUID

import httpx

from gatepass.domain.money import Money
from gatepass.services import setup
from tests.running import STAFF, TOKEN, Running, query, summit

# The seed's browser script, word for word but for the id and the request object, which a browser has and we replace.
BODY = {"msevtmgt_purchaseid": "<replace>", "msevtmgt_paymentstatus": 100000001}
HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json; charset=utf-8",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
}


async def test_every_step_of_the_testing_section_works_as_written(gatepass: Running) -> None:
    # "Create new Event record": enable payment gateway, provider selected, one pass with a price, Live.
    event_id, readable = await gatepass.store.write(
        lambda tx: setup.add_event(tx, summit(gatepass.provider_id, name="Paid Event"))
    )
    assert readable.startswith("Paid_Event")
    assert readable.removeprefix("Paid_Event").isdigit()
    pass_id = await gatepass.store.write(lambda tx: setup.add_pass(tx, event_id, "Pass", "", Money(4000, "EUR"), 5))

    # "Issue a following HTTP request": no Origin, no key, names swapped as in the document.
    answer = await gatepass.client.post(
        f"{gatepass.api}/events/{readable}/registrations?emApplicationtoken={TOKEN}",
        headers={"Accept": "*/*", "Content-Type": "application/json"},
        content=json.dumps(
            {
                "attendees": [
                    {"lastName": "Jane", "firstName": "Doe", "email": "Jane@contoso.com", "passId": str(pass_id)}
                ]
            }
        ),
    )

    # "The HTTP response body should look like this."
    assert answer.status_code == 200
    redirect = answer.json()["redirectUrl"]
    assert redirect.startswith(f"{gatepass.base_url}/GatewayRedirect/PayWithStripe?")
    purchase_id = UUID(query(redirect)["purchaseId"])
    assert query(redirect)["returnUrl"]
    assert query(redirect)["source"] == "mail", "the provider's own query is kept"

    # "Now lets paste the URL in the browser. It should load the payment page. Fill up dummy credit card data and submit."
    page = await gatepass.client.get(redirect)
    assert page.status_code == 302
    paid = await gatepass.sandbox.pay(page.headers["location"], "4242424242424242")

    # "You should see that your browser gets redirected to the returnUrl."
    back = await gatepass.client.get(paid["success_url"])
    assert back.headers["location"] == query(redirect)["returnUrl"]

    # "You can now test the finalization": signed in, from the page's own origin, the script unchanged.
    signed_in = await _signed_in(gatepass)
    finalized = await signed_in.post(
        f"{gatepass.base_url}/api/data/v9.1/msevtmgt_finalizeregistrationpayment",
        headers=HEADERS | {"Origin": gatepass.base_url},
        json=BODY | {"msevtmgt_purchaseid": str(purchase_id)},
    )
    await signed_in.aclose()

    # "You have now completed the payment loop."
    assert finalized.status_code == 204, finalized.text
    assert (await gatepass.purchase(purchase_id)).status.value == "completed"
    assert len(await gatepass.payments(purchase_id)) == 1
    await gatepass.until(lambda: gatepass.mails_to("Jane@contoso.com"))


async def test_the_script_alone_completes_a_purchase_that_was_paid_elsewhere(gatepass: Running) -> None:
    order = await gatepass.register()

    assert (await gatepass.finalize(order.id, 100000001)).status_code == 204

    (payment,) = await gatepass.payments(order.id)
    assert (payment.provider, payment.state.value) == ("external", "succeeded")


async def _signed_in(gatepass: Running) -> httpx.AsyncClient:
    client = httpx.AsyncClient(timeout=30)
    answer = await client.post(
        f"{gatepass.base_url}/staff/sign-in",
        data={"email": STAFF[0], "password": STAFF[1]},
        headers={"Origin": gatepass.base_url},
    )
    assert answer.status_code == 303, answer.text
    return client
