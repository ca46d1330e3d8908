"""The command line. Heavy imports stand inside the commands: `gatepass --help` answers at once."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from gatepass.config import Settings

DEFAULT_PORT = 8000
application = typer.Typer(
    help="Gatepass sells passes for events, takes the money, and never loses a payment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Where data is kept. Default: GATEPASS_DATA_DIR, else ./gatepass-data.", metavar="DIR"),
]
Host = Annotated[str, typer.Option(help="Address to listen on.")]


def main() -> None:
    """Entry point of `gatepass`."""
    application()


@application.command()
def demo(
    port: Annotated[
        int,
        typer.Option(help="Of the web server; the payment sandbox takes the next. 0: two free ones.", min=0, max=65534),
    ] = DEFAULT_PORT,
    data_dir: DataDir = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON once ready, and nothing else.")
    ] = False,
) -> None:
    """Run everything with a sample event and a payment sandbox. No account needed, no money moves."""
    from gatepass import demo as demo_
    from gatepass.config import SettingError

    def announce(described: dict[str, Any]) -> None:
        print(json.dumps(described) if as_json else demo_.friendly(described), flush=True)

    try:
        demo_.run(os.environ, port, data_dir, announce)
    except (SettingError, OSError) as error:
        _stop(
            f"{error}"
            if isinstance(error, SettingError)
            else f"Port {port} or {port + 1} cannot be used: {error.strerror}."
        )


@application.command()
def serve(
    host: Host = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0: a free one. Default: 8000.", min=0, max=65535)
    ] = None,
    data_dir: DataDir = None,
    worker: Annotated[bool, typer.Option(help="Do the durable work in this process too.")] = True,
    migrate: Annotated[bool, typer.Option(help="Bring the schema up to date first.")] = True,
) -> None:
    """Run the web server, and the worker with it."""
    from gatepass import app, server

    settings = _settings(data_dir, port)
    server.log_to_stderr(settings.log_level)
    try:
        listening = server.listen(host, DEFAULT_PORT if port is None else port)
    except OSError as error:
        _stop(f"Port {DEFAULT_PORT if port is None else port} of {host} cannot be used: {error.strerror}.")
    _check_schema(settings, may_migrate=migrate)
    print(f"Gatepass serves {settings.base_url}, listening on {server.address(listening)}", file=sys.stderr, flush=True)
    server.run_forever([(app.web(app.installation(settings), with_worker=worker), listening)], lambda: None)


@application.command()
def worker(data_dir: DataDir = None) -> None:
    """Do the durable work only: any number of these may run beside any number of servers."""
    import asyncio

    from gatepass import app, server

    settings = _settings(data_dir)
    server.log_to_stderr(settings.log_level)
    _check_schema(settings, may_migrate=False)
    asyncio.run(app.work(settings))


@application.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database schema up to date. Safe to run on many nodes at once."""
    from gatepass.store import migrations

    settings = _settings(data_dir)
    _reachable(settings)
    migrations.migrate(settings.database_url)
    print(f"The schema is at {migrations.head()}.")


@application.command()
def sandbox(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = DEFAULT_PORT + 1,
    webhook_url: Annotated[
        str, typer.Option(help="Where notifications go.")
    ] = "http://127.0.0.1:8000/GatewayEvents/HandleStripeEvent",
    data_dir: DataDir = None,
) -> None:
    """Run the payment sandbox alone: a local Stripe for tests. Its keys are printed at start."""
    from gatepass import demo as demo_
    from gatepass import server

    server.log_to_stderr("warning")
    try:
        listening = server.listen(host, port)
    except OSError as error:
        _stop(f"Port {port} of {host} cannot be used: {error.strerror}.")
    directory = (data_dir or Path(os.environ.get("GATEPASS_DATA_DIR") or "gatepass-data")).absolute()
    served, keys = demo_.sandbox_alone(directory, server.address(listening), webhook_url)
    server.run_forever([(served, listening)], lambda: print(keys, flush=True))


@application.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check settings, database, every promise, and what needs attention. Exit code 0: all is well."""
    from gatepass import doctor as doctor_

    settings = _settings(data_dir)
    raise typer.Exit(doctor_.run(settings, print))


@application.command()
def attention(
    entry: Annotated[
        str | None, typer.Argument(help="Id of an entry to close; without one, all open ones are listed.")
    ] = None,
    reason: Annotated[str, typer.Option(help="How it was dealt with; kept in the audit.")] = "",
    data_dir: DataDir = None,
) -> None:
    """List what a person must decide, or close an entry that is dealt with."""
    from uuid import UUID

    from gatepass.domain.errors import GatepassError
    from gatepass.services import attention as attention_
    from gatepass.store import Store, records

    settings = _settings(data_dir)
    _check_schema(settings, may_migrate=False)
    store = Store.open(settings.database_url)
    try:
        if entry is None:
            for row in store.read_now(records.needing_attention):
                print(f"{row['id']}  {row['kind']:<16} {row['reason']}")
        else:
            store.write_now(lambda tx: attention_.close(tx, UUID(entry), reason, "command line"))
            print("Closed.")
    except (GatepassError, ValueError) as error:
        _stop(
            error.message
            if isinstance(error, GatepassError)
            else f"{entry} is not an id. List them with: gatepass attention"
        )
    finally:
        store.close()


@application.command()
def switch(
    name: Annotated[str, typer.Argument(help="payments, or demo-payment-confirmation.")],
    to: Annotated[str, typer.Argument(help="on or off.", metavar="[on|off]")],
    data_dir: DataDir = None,
) -> None:
    """Put a feature switch on or off."""
    from gatepass.domain.errors import Refused
    from gatepass.services import switches
    from gatepass.store import Store

    if to not in {"on", "off"}:
        _stop("Say on or off.")
    settings = _settings(data_dir)
    _check_schema(settings, may_migrate=False)
    store = Store.open(settings.database_url)
    try:
        store.write_now(lambda tx: switches.put(tx, name, to=to == "on", actor="command line"))
    except Refused as refusal:
        _stop(refusal.message)
    finally:
        store.close()
    print(f"{name} is {to}.")


def _settings(data_dir: Path | None, port: int | None = None) -> "Settings":
    from gatepass import config

    try:
        return config.read(os.environ, data_dir=data_dir, port=port)
    except config.SettingError as error:
        _stop(str(error))


def _reachable(settings: "Settings") -> str | None:
    """The schema's revision; stops with a sentence when the database does not answer."""
    from sqlalchemy.exc import SQLAlchemyError

    from gatepass.store import migrations

    try:
        return migrations.current(settings.database_url)
    except (SQLAlchemyError, OSError) as error:
        _stop(
            f"The database of GATEPASS_DATABASE_URL does not answer ({type(error).__name__}). Is it running, is the address right?"
        )


def _check_schema(settings: "Settings", *, may_migrate: bool) -> None:
    from gatepass.store import migrations

    found = _reachable(settings)
    if found == migrations.head():
        return
    if not may_migrate:
        _stop(f"The schema is at {found or 'nothing'}, needed is {migrations.head()}. Run: gatepass migrate")
    migrations.migrate(settings.database_url)


def _stop(message: str) -> NoReturn:
    print(f"gatepass: {message}", file=sys.stderr)
    raise typer.Exit(2)


if __name__ == "__main__":
    main()
