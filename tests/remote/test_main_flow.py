"""The whole way: registered in Dynamics, paid here, confirmed over there once."""

from urllib.parse import parse_qs, urlsplit

from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from tests.remote.pair import THANKS, Pair


async def test_registered_over_there_paid_here_and_confirmed_over_there_once(pair: Pair) -> None:
    order = await pair.register(seats=2)
    link = urlsplit(order.pay_url)
    assert f"{link.scheme}://{link.netloc}" == pair.base_url
    assert parse_qs(link.query)["purchaseId"] == [str(order.id)]

    await pair.pay(order)

    await pair.until_kept(order, told=Word.COMPLETED)
    assert (await pair.dynamics.purchase(order.id)).status is Status.COMPLETED
    assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    assert pair.line.count("finalize") == 1
    assert "Your registration is confirmed" in await pair.order_page(order)
    assert len(await pair.dynamics.tickets(order.id)) == 2
    assert await pair.attention() == []


async def test_the_link_that_dynamics_gave_leads_to_the_payment_page_and_back_to_the_site(pair: Pair) -> None:
    order = await pair.register()

    first, again = await pair.open_pay_page(order), await pair.open_pay_page(order)
    assert first == again, "one open payment per purchase"
    paid = await pair.sandbox.pay(first)

    back = await pair.client.get(paid["success_url"])
    assert back.status_code == 303
    assert back.headers["location"] == THANKS


async def test_a_link_with_more_in_it_than_the_id_opens_the_payment_page_of_that_id(pair: Pair) -> None:
    """A Gatepass in the place of Dynamics signs its links with a key of its own, and a payment page URL may carry anything."""
    answer = await pair.dynamics.post_registration(pair.dynamics.body() | {"returnUrl": THANKS})
    link = answer.json()["redirectUrl"]
    assert ("signature=" in link, "source=mail" in link) == (True, True)

    as_given = await pair.client.get(link)

    assert as_given.status_code == 302, as_given.text
    bare = {"purchaseId": answer.json()["purchaseId"], "returnUrl": THANKS}
    as_dynamics_gives_it = await pair.client.get(f"{pair.base_url}/GatewayRedirect/PayWithStripe", params=bare)
    assert as_dynamics_gives_it.headers["location"] == as_given.headers["location"]
    foreign = link.replace(answer.json()["purchaseId"], "0192a8f0-0000-7000-8000-00000000dead")
    assert (await pair.client.get(foreign)).status_code == 404, "a signature opens nothing"


async def test_a_link_to_a_foreign_site_opens_nothing(pair: Pair) -> None:
    order = await pair.register()

    answer = await pair.pay_link(order, "https://evil.example/")

    assert answer.status_code == 400
    assert await pair.payment_states(order) == []


async def test_only_the_completion_service_is_served(pair: Pair) -> None:
    for path in ("/e/contoso", "/openapi.json", "/EvtMgmt/api/v2.0/events/published", "/api/data/v9.2/WhoAmI"):
        assert (await pair.client.get(pair.base_url + path)).status_code == 404, path
    for path in ("/", "/healthz", "/readyz", "/staff/sign-in"):
        assert (await pair.client.get(pair.base_url + path)).status_code == 200, path
