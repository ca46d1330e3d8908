"""Commands that run something: demo, serve, worker, migrate, sandbox."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gatepass.cli.common import DEFAULT_PORT, DataDir, application, check_schema, reachable, read_settings, stop

Host = Annotated[str, typer.Option(help="Address to listen on.")]


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
        stop(
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

    settings = read_settings(data_dir, port)
    server.log_to_stderr(settings.log_level)
    try:
        listening = server.listen(host, DEFAULT_PORT if port is None else port)
    except OSError as error:
        stop(f"Port {DEFAULT_PORT if port is None else port} of {host} cannot be used: {error.strerror}.")
    check_schema(settings, may_migrate=migrate)
    print(f"Gatepass serves {settings.base_url}, listening on {server.address(listening)}", file=sys.stderr, flush=True)
    here = app.installation(settings)
    if link := app.first_link(here):
        print(
            f"Nobody can sign in yet. Make the first administrator, within a day:\n  {link}",
            file=sys.stderr,
            flush=True,
        )
    server.run_forever([(app.web(here, with_worker=worker), listening)], lambda: None)


@application.command()
def worker(data_dir: DataDir = None) -> None:
    """Do the durable work only: any number of these may run beside any number of servers."""
    from gatepass import app, server

    settings = read_settings(data_dir)
    server.log_to_stderr(settings.log_level)
    check_schema(settings, may_migrate=False)
    server.run_on_fast_loop(app.work(settings))


@application.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database schema up to date. Safe to run on many nodes at once."""
    from gatepass.store import migrations

    settings = read_settings(data_dir)
    reachable(settings)
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
        stop(f"Port {port} of {host} cannot be used: {error.strerror}.")
    directory = (data_dir or Path(os.environ.get("GATEPASS_DATA_DIR") or "gatepass-data")).absolute()
    served, keys = demo_.sandbox_alone(directory, server.address(listening), webhook_url)
    server.run_forever([(served, listening)], lambda: print(keys, flush=True))
