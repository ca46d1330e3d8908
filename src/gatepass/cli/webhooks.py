"""Commands for outgoing webhooks: `gatepass webhook add`, `list`, `rotate`, `test`, `messages`, `redeliver` and more."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import ACTOR, DataDir, application, id_of, opened, read_settings, stop

if TYPE_CHECKING:
    from uuid import UUID

    from gatepass.config import Settings
    from gatepass.services.deliveries import Outcome
    from gatepass.store import Store, WriteTx
    from gatepass.store.tables import Row

LIST, MESSAGES = "gatepass webhook list", "gatepass webhook messages"
MESSAGES_SHOWN = 100

webhook = typer.Typer(
    help="Tell other systems what happens: endpoints, their secrets, and messages.", no_args_is_help=True
)
application.add_typer(webhook, name="webhook")

Endpoint = Annotated[str, typer.Argument(help=f"Id of an endpoint, as in: {LIST}")]


@webhook.command()
def add(
    url: Annotated[str, typer.Argument(help="An https:// address.")],
    kind: Annotated[
        list[str] | None, typer.Option(help="What to tell of; may be repeated. Default: everything.")
    ] = None,
    description: Annotated[str, typer.Option(help="Whose it is.")] = "",
    personal: Annotated[bool, typer.Option("--personal", help="Send names and mail addresses too.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Add an endpoint; its secret is shown now and never again."""
    from gatepass.services import webhooks
    from gatepass.services.secrets import Sealer

    settings = read_settings(data_dir)
    new = webhooks.NewEndpoint(url, kind or [], description, personal)
    sealer, private = Sealer(settings.secret_key), settings.webhooks_allow_private
    with opened(data_dir) as store:
        endpoint_id, secret = store.write_now(
            lambda tx: webhooks.add(tx, sealer, new, allow_private=private, actor=ACTOR)
        )
    print(f"{endpoint_id}\n{secret}")


@webhook.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List the endpoints, and how many messages wait for each."""
    from gatepass.store import webhooks

    with opened(data_dir) as store:
        for row in store.read_now(webhooks.endpoints):
            print(_endpoint_line(row))


def _endpoint_line(row: "Row") -> str:
    kinds = ",".join(row["kinds"]) or "everything"
    more = [row["description"], "with personal data" if row["personal"] else "", row["reason"] or ""]
    more += [f"failing since {row['failing_since']:%Y-%m-%d %H:%M} UTC"] if row["failing_since"] else []
    told = "  ".join(text for text in more if text)
    return f"{row['id']}  {row['state']:<8} {row['waiting']:>6} waiting  {row['url']}  {kinds}  {told}".rstrip()


@webhook.command()
def disable(endpoint: Endpoint, data_dir: DataDir = None) -> None:
    """Send it nothing; what waits goes on waiting, what happens meanwhile is not announced to it."""
    from gatepass.services import webhooks

    _change(data_dir, endpoint, lambda tx, at: webhooks.disable(tx, at, ACTOR))
    print("Disabled.")


@webhook.command()
def enable(endpoint: Endpoint, data_dir: DataDir = None) -> None:
    """Send to it again, beginning with what waits."""
    from gatepass.services import webhooks

    _change(data_dir, endpoint, lambda tx, at: webhooks.enable(tx, at, ACTOR))
    print("Enabled.")


@webhook.command()
def remove(endpoint: Endpoint, data_dir: DataDir = None) -> None:
    """Remove it for ever. Its messages stay on record; what waits is given up."""
    from gatepass.services import webhooks

    _change(data_dir, endpoint, lambda tx, at: webhooks.remove(tx, at, ACTOR))
    print("Removed.")


@webhook.command()
def rotate(endpoint: Endpoint, data_dir: DataDir = None) -> None:
    """Make a new secret, shown now and never again. The old one signs beside it for 24 hours."""
    from gatepass.services import webhooks
    from gatepass.services.secrets import Sealer

    sealer = Sealer(read_settings(data_dir).secret_key)
    endpoint_id = id_of(endpoint, LIST)
    with opened(data_dir) as store:
        print(store.write_now(lambda tx: webhooks.rotate(tx, sealer, endpoint_id, ACTOR)))


def _change(data_dir: Path | None, endpoint: str, unit: "Callable[[WriteTx, UUID], None]") -> None:
    endpoint_id = id_of(endpoint, LIST)
    with opened(data_dir) as store:
        store.write_now(lambda tx: unit(tx, endpoint_id))


@webhook.command("test")
def ping(endpoint: Endpoint, data_dir: DataDir = None) -> None:
    """Send a ping now, once, and say what came back. Exit code 0: it was taken."""
    endpoint_id = id_of(endpoint, LIST)
    with opened(data_dir) as store:
        outcome = _pinged(store, read_settings(data_dir), endpoint_id)
    if outcome.error:
        print(outcome.error)
        raise typer.Exit(1)
    print(f"It answered {outcome.status}.")


def _pinged(store: "Store", settings: "Settings", endpoint_id: "UUID") -> "Outcome":
    import asyncio

    from gatepass import app, server
    from gatepass.services import webhooks
    from gatepass.services.deliveries import LEASE

    # What went wrong is said by this command; the log need not repeat it.
    server.log_to_stderr("error")
    message = store.write_now(lambda tx: webhooks.ping(tx, endpoint_id, LEASE, ACTOR))
    return asyncio.run(app.postman(settings, store).deliver(message))


@webhook.command()
def messages(
    endpoint: Annotated[str | None, typer.Option(help="Of this endpoint only.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Given up ones only.")] = False,
    data_dir: DataDir = None,
) -> None:
    """List messages, the newest first, and why each failed the last time."""
    from gatepass.store import webhooks

    endpoint_id = id_of(endpoint, LIST) if endpoint else None
    with opened(data_dir) as store:
        for row in store.read_now(lambda tx: webhooks.messages(tx, endpoint_id, failed=failed, limit=MESSAGES_SHOWN)):
            print(
                f"{row['id']}  {row['created']:%Y-%m-%d %H:%M:%S}  {row['kind']:<22} {row['state']:<9} "
                f"{row['tries']:>2} tries  {row['last_error'] or ''}".rstrip()
            )


@webhook.command()
def redeliver(
    message: Annotated[str | None, typer.Argument(help=f"Id of a message, as in: {MESSAGES}")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Everything that was given up.")] = False,
    since: Annotated[datetime | None, typer.Option(help="With --failed: what happened from then on, UTC.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="With --failed: of this endpoint only.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Send one message again, or all that were given up. Each keeps its id."""
    from gatepass.services import webhooks

    if (message is None) is not failed:
        stop(f"Name one message, or say --failed. List them with: {MESSAGES}")
    endpoint_id = id_of(endpoint, LIST) if endpoint else None
    moment = since.replace(tzinfo=UTC) if since else None
    with opened(data_dir) as store:
        if message is None:
            count = store.write_now(lambda tx: webhooks.redeliver_failed(tx, endpoint_id, moment, ACTOR))
        else:
            message_id, count = id_of(message, MESSAGES), 1
            store.write_now(lambda tx: webhooks.redeliver(tx, message_id, ACTOR))
    print(f"{count} will be sent again.")
