"""Commands about money that goes back: refund, release, call-off, late-policy, evidence."""

import json
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from gatepass.cli.common import ACTOR, DataDir, application, id_of, installed, opened, stop

if TYPE_CHECKING:
    from gatepass.app import Installation
    from gatepass.domain.money import Money
    from gatepass.services.cancellations import Forecast

Reason = Annotated[str, typer.Option(help="Why; kept in the audit, and never shown to the buyer.")]


@application.command()
def refund(
    purchase: Annotated[str, typer.Argument(help="Id of the purchase.")],
    reason: Reason,
    attendee: Annotated[
        list[str] | None,
        typer.Option(help="Only what this attendee paid, and only this registration ends. Repeatable."),
    ] = None,
    amount: Annotated[
        str | None, typer.Option(help="Only this much, such as 20.50. Without --attendee no registration ends.")
    ] = None,
    keep_seats: Annotated[bool, typer.Option(help="The registrations stand all the same.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Give money back: all that was paid, or a part. The worker has the provider do it, until it is sure."""
    import asyncio

    from gatepass.services import refunds
    from gatepass.services.refunds import Wish

    purchase_id = id_of(purchase, "gatepass timeline REFERENCE")
    people = [id_of(one, "gatepass timeline REFERENCE") for one in attendee or ()]
    with installed(data_dir) as here:
        wanted = _amount(here, purchase_id, amount) if amount else None
        wish = Wish(purchase_id, reason, ACTOR, people, wanted, keep_seats)
        made = asyncio.run(refunds.refund(here.store, here.desk.management, wish))
    for one in made:
        by_hand = "" if one.money_ref else "  only written down: it was taken elsewhere, so give it back there"
        print(f"{one.id}  {one.amount}  {one.state.value}{by_hand}")


@application.command()
def release(
    purchase: Annotated[str, typer.Argument(help="Id of the purchase.")],
    reason: Reason,
    attendee: Annotated[list[str] | None, typer.Option(help="Only this registration ends. Repeatable.")] = None,
    data_dir: DataDir = None,
) -> None:
    """End registrations without a refund: they were free, or their money went back already, or was lost to a dispute."""
    import asyncio

    from gatepass.services import refunds

    purchase_id = id_of(purchase, "gatepass timeline REFERENCE")
    people = [id_of(one, "gatepass timeline REFERENCE") for one in attendee or ()]
    with installed(data_dir) as here:
        work = refunds.release(here.store, here.desk.management, purchase_id, people, reason, ACTOR)
        asyncio.run(work)
    print("The registrations have ended, and their seats are free.")


@application.command()
def call_off(
    event: Annotated[str, typer.Argument(help="Readable id of the event, such as Contoso_Summit1479011247.")],
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this, only the forecast is shown.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Call a whole event off: nothing more is sold, and everybody gets their money back, at a steady pace."""
    import asyncio

    from gatepass.services import cancellations
    from gatepass.store import events

    with opened(data_dir) as store:
        found = store.read_now(lambda tx: events.find(tx, event))
        if found is None:
            stop(f"There is no event '{event}'.")
        forecast = store.read_now(lambda tx: cancellations.forecast(tx, found.id))
        _tell(forecast)
        if not yes:
            print("Nothing was done. To do it, say it again with --yes and a --reason.")
            return
        asyncio.run(cancellations.call_off(store, found.id, reason, ACTOR))
    print("Called off. The run goes on by itself wherever a worker runs.")


@application.command()
def late_policy(
    event: Annotated[str, typer.Argument(help="Readable id of the event, such as Contoso_Summit1479011247.")],
    policy: Annotated[
        str,
        typer.Argument(help="seat_else_refund, seat_else_waitlist, seat_else_attention, refund, or attention."),
    ],
    data_dir: DataDir = None,
) -> None:
    """Say what becomes of money that comes after the seats of an event were given away."""
    from gatepass.domain.event import LatePolicy
    from gatepass.services import setup

    if policy not in list(LatePolicy):
        stop(f"There is no policy '{policy}'. There are: {', '.join(LatePolicy)}.")
    with opened(data_dir) as store:
        store.write_now(lambda tx: setup.set_late_policy(tx, event, LatePolicy(policy), ACTOR))
    print(f"Late money of {event}: {policy}.")


@application.command()
def evidence(
    dispute: Annotated[str, typer.Argument(help="Id of the dispute, as gatepass attention names it.")],
    data_dir: DataDir = None,
) -> None:
    """Print what may prove a disputed sale, as JSON: the form, the times, the mails, the tickets. Personal data."""
    from gatepass.services import disputes as services
    from gatepass.store import disputes

    dispute_id = id_of(dispute, "gatepass attention")
    with opened(data_dir) as store:
        kept = store.read_now(lambda tx: disputes.evidence(tx, dispute_id))
        bundle = kept or store.read_now(lambda tx: services.evidence(tx, dispute_id))
    print(json.dumps(bundle, indent=2, ensure_ascii=False))


def _amount(here: "Installation", purchase_id: UUID, text: str) -> "Money":
    from gatepass.domain.money import Money

    found = here.store.read_now(lambda tx: here.desk.management.views.line(tx, purchase_id))
    if found is None:
        stop(f"There is no purchase {purchase_id}.")
    return Money.parse(text, found.total.currency)


def _fees(forecast: "Forecast") -> str:
    from gatepass.services.cancellations import amounts

    payments = f"{forecast.fees_unknown} payment{'s' if forecast.fees_unknown != 1 else ''}"
    unknown = f"not known yet of {payments} (gatepass reconcile asks for them)"
    if not forecast.fees_unknown:
        return amounts(forecast.fees)
    return f"{amounts(forecast.fees)}, and {unknown}" if any(forecast.fees.values()) else unknown


def _tell(forecast: "Forecast") -> None:
    from gatepass.services.cancellations import amounts, spoken

    print(f"{forecast.event.name}: {sum(forecast.orders.values())} orders end")
    for status, count in forecast.orders.items():
        print(f"  {count:>6}  {status.value}")
    print(f"Cash needed at the provider: {amounts(forecast.cash)}")
    print(f"Fees that the provider keeps: {_fees(forecast)}")
    print(f"It takes at least {spoken(forecast.takes)}.")
