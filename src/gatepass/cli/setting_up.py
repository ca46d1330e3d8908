"""Commands that set up what the staff pages set up: `gatepass event`, `pass`, `provider`, `webapp`.

Each may be run again: what has this name already is changed to what is said, so that a deployment can be scripted.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from gatepass.cli.common import DataDir, application, caller, installed, opened, read_settings, stop

if TYPE_CHECKING:
    from gatepass.model.query import Value
    from gatepass.model.table import Table
    from gatepass.store import WriteTx
    from gatepass.web.staff.fields import Form

events_ = typer.Typer(help="Events: make, publish, take back.", no_args_is_help=True)
passes = typer.Typer(help="Passes of an event.", no_args_is_help=True)
providers = typer.Typer(help="Payment providers.", no_args_is_help=True)
webapps = typer.Typer(help="Web applications: sites that may register attendees.", no_args_is_help=True)
for group, name in (
    (events_, "event"),
    (passes, "pass"),
    (providers, "provider"),
    (webapps, "webapp"),
):
    application.add_typer(group, name=name)

Name = Annotated[str, typer.Argument(help="Its name: what has this name already is changed.")]
EventName = Annotated[str, typer.Argument(help="Name or readable id of the event.")]


@events_.command("create")
def create_event(
    name: Name,
    starts: Annotated[str, typer.Option(help="Such as 2027-06-10T09:00, on the clock of its own place.")],
    ends: Annotated[str, typer.Option(help="The same.")],
    zone: Annotated[str, typer.Option(help="Such as Europe/Berlin.")] = "UTC",
    currency: Annotated[str, typer.Option(help="ISO code, such as EUR.")] = "EUR",
    place: Annotated[str, typer.Option(help="Where it is.")] = "",
    description: Annotated[str, typer.Option(help="What it is.")] = "",
    image: Annotated[str, typer.Option(help="An https address of a picture.")] = "",
    capacity: Annotated[str, typer.Option(help="Places in all; none: as many as the passes allow.")] = "",
    provider: Annotated[str, typer.Option(help="Name of the payment provider that takes its money.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Make an event, or change the one of this name; prints its readable id."""
    from gatepass.services import copying
    from gatepass.web.staff.event_form import EVENT, event_form

    def unit(tx: "WriteTx") -> str:
        money = copying.currency_id(tx, currency.upper())
        if money is None:
            stop(f"There is no currency {currency}. Use an ISO code such as EUR.")
        given = {
            "name": name, "starts": starts, "ends": ends, "time_zone": zone, "currency": str(money), "place": place,
            "description": description, "image_url": image, "capacity": capacity,
            "payment_provider_id": str(_named(tx, "payment_provider", provider)) if provider else "",
            "payment_enabled": "on" if provider else "",
        }  # fmt: skip
        made = _ensure(tx, EVENT, {"name": name}, _chosen(event_form(tx), given), given)
        return _row(tx, EVENT, made)["readable_id"]

    with opened(data_dir) as store:
        print(store.write_now(unit))


@events_.command()
def publish(event: EventName, data_dir: DataDir = None) -> None:
    """Go live; says what is missing, with exit code 2, when something is."""
    import asyncio

    from gatepass.services import golive

    with installed(data_dir) as here:
        asyncio.run(here.connections.refresh())
        here.store.write_now(lambda tx: golive.publish(tx, caller(), _event(tx, event), here.desk.providers))
    print("Live.")


@events_.command("take-back")
def take_back(event: EventName, data_dir: DataDir = None) -> None:
    """Nobody registers any more; who has a place keeps it."""
    from gatepass.services import golive

    with opened(data_dir) as store:
        store.write_now(lambda tx: golive.take_back(tx, caller(), _event(tx, event)))
    print("A draft again.")


@passes.command("add")
def add_pass(
    event: EventName,
    name: Name,
    price: Annotated[str, typer.Option(help="In the event's currency, such as 120.50; 0 is free.")],
    places: Annotated[int, typer.Option(help="How many there are in all.")],
    description: Annotated[str, typer.Option(help="What it is good for.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Add a pass, or change the one of this name; prints its id."""
    from gatepass.services import planning, records
    from gatepass.services.planning import PASS
    from gatepass.store import rows
    from gatepass.web.staff import fields
    from gatepass.web.staff.event_form import EVENT, pass_form

    def unit(tx: "WriteTx") -> UUID:
        owner = _event(tx, event)
        given = {"name": name, "price_minor": price, "allocation": str(places), "description": description}
        values = fields.values(pass_form(_row(tx, EVENT, owner)["currency"]), given)
        known = rows.id_by(tx, PASS, {"event_id": owner, "name": name})
        return (
            records.update(tx, caller(), PASS, known, values)
            if known
            else planning.add_pass(tx, caller(), owner, values)
        )

    with opened(data_dir) as store:
        print(store.write_now(unit))


@providers.command("add")
def add_provider(
    name: Name,
    kind: Annotated[str, typer.Option(help="stripe.")] = "stripe",
    page: Annotated[str, typer.Option(help="Payment page URL; it may end in ?.")] = "/GatewayRedirect/PayWithStripe?",
    timeout: Annotated[int, typer.Option(help="Minutes that places are held for somebody who pays.")] = 30,
    data_dir: DataDir = None,
) -> None:
    """Add a payment provider, or change the one of this name; prints its id. Keys come from the settings or the staff pages."""
    from gatepass.web.staff.providers import FORM, TABLE

    given = {"name": name, "kind": kind, "payment_page_url": page, "timeout_minutes": str(timeout)}
    live = read_settings(data_dir).live
    with opened(data_dir) as store:
        print(store.write_now(lambda tx: _ensure(tx, TABLE, {"name": name}, FORM, given, gatepass_live=live)))


@webapps.command("add")
def add_web_application(
    name: Name,
    origin: Annotated[list[str], typer.Option(help="Such as https://events.contoso.com. Repeatable.")],
    return_url: Annotated[str, typer.Option(help="Where buyers come back to, on one of the origins.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Add a web application, or change the one of this name; prints id and token."""
    from gatepass.web.staff.sites import FORM, TABLE

    given = {"name": name, "origins": "\n".join(origin), "return_url": return_url}

    def unit(tx: "WriteTx") -> tuple[UUID, str]:
        made = _ensure(tx, TABLE, {"name": name}, FORM, given)
        return made, _row(tx, TABLE, made)["token"]

    with opened(data_dir) as store:
        made, token = store.write_now(unit)
    print(f"id     {made}\ntoken  {token}")


def _ensure(
    tx: "WriteTx", table: "Table", key: Mapping[str, str], form: "Form", given: Mapping[str, str], **more: "Value"
) -> UUID:
    """Make the record, or change the one with this key. `more`: what no form asks for, by logical name."""
    from gatepass.services import records
    from gatepass.store import rows
    from gatepass.web.staff import fields

    values, known = fields.values(form, given) | more, rows.id_by(tx, table, key)
    return records.update(tx, caller(), table, known, values) if known else records.create(tx, caller(), table, values)


def _chosen(form: "Form", given: Mapping[str, str]) -> "Form":
    """The same form with the columns that the command knows."""
    from dataclasses import replace

    return replace(form, names=[name for name in form.names if name in given])


def _row(tx: "WriteTx", table: "Table", record_id: UUID) -> Mapping[str, str]:
    from gatepass.store import rows

    found = rows.find(tx, table, record_id)
    assert found is not None
    return found


def _named(tx: "WriteTx", table: str, name: str) -> UUID:
    from gatepass import model
    from gatepass.store import rows

    found = rows.id_by(tx, model.BY_NAME[table], {"name": name})
    return found or stop(f"There is no {model.BY_NAME[table].label.lower()} '{name}'. Add it first.")


def _event(tx: "WriteTx", text: str) -> UUID:
    from gatepass.store import events

    known = events.find(tx, text)
    return known.id if known else _named(tx, "event", text)
