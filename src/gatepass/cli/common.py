"""What the commands share. Heavy imports stand inside the functions: `gatepass --help` answers at once."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import typer

if TYPE_CHECKING:
    from gatepass.app import Installation
    from gatepass.config import Settings
    from gatepass.services.access import Caller
    from gatepass.store import Store

DEFAULT_PORT = 8000
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
ACTOR = "command line"
"""Who did it, in the audit."""
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


@contextmanager
def opened(data_dir: Path | None) -> "Generator[Store]":
    """The store of an installation whose schema is up to date; a refusal inside ends the command with its sentence."""
    from gatepass.store import Store

    settings = read_settings(data_dir)
    check_schema(settings, may_migrate=False)
    store = Store.open(settings.database_url)
    try:
        with refusals_told():
            yield store
    finally:
        store.close()


@contextmanager
def installed(data_dir: Path | None) -> "Generator[Installation]":
    """The same with everything that a server works with."""
    import asyncio

    from gatepass import app

    settings = read_settings(data_dir)
    check_schema(settings, may_migrate=False)
    here = app.installation(settings)
    try:
        with refusals_told():
            yield here
    finally:
        asyncio.run(here.close())


@contextmanager
def refusals_told() -> "Generator[None]":
    """A refusal ends the command with its sentence."""
    from gatepass.domain.errors import GatepassError

    try:
        yield
    except GatepassError as error:
        stop(error.message)


def caller() -> "Caller":
    """Whoever may run commands here may everything."""
    from gatepass.model.build import SYSTEM_USER
    from gatepass.services.access import Caller, Role

    return Caller(ACTOR, Role.ADMINISTRATOR, SYSTEM_USER)


def read_settings(data_dir: Path | None, port: int | None = None) -> "Settings":
    from gatepass import config

    try:
        return config.read(os.environ, data_dir=data_dir, port=port)
    except config.SettingError as error:
        stop(str(error))


def reachable(settings: "Settings") -> str | None:
    """The schema's revision; stops with a sentence when the database does not answer."""
    from sqlalchemy.exc import SQLAlchemyError

    from gatepass.store import migrations

    try:
        return migrations.current(settings.database_url)
    except (SQLAlchemyError, OSError) as error:
        stop(
            f"The database of GATEPASS_DATABASE_URL does not answer ({type(error).__name__}). Is it running, is the address right?"
        )


def check_schema(settings: "Settings", *, may_migrate: bool) -> None:
    from gatepass.store import migrations

    found = reachable(settings)
    if found == migrations.head():
        return
    if not may_migrate:
        stop(f"The schema is at {found or 'nothing'}, needed is {migrations.head()}. Run: gatepass migrate")
    migrations.migrate(settings.database_url)


def stop(message: str) -> NoReturn:
    print(f"gatepass: {message}", file=sys.stderr)
    raise typer.Exit(2)


def id_of(text: str, lists: str) -> UUID:
    """An id that somebody typed; `lists` is the command that shows the right ones."""
    try:
        return UUID(text)
    except ValueError:
        stop(f"{text} is not an id. List them with: {lists}")


def moment_of(text: str | None) -> datetime | None:
    """A time that somebody typed, in UTC where it names no zone; None for none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        moment = found if found.tzinfo else found.replace(tzinfo=UTC)
        # What cannot be said in UTC, or in a few days' distance of it, is no time of ours.
        return moment if EARLIEST <= moment.astimezone(UTC) <= LATEST else stop(_no_time(text))
    except (ValueError, OverflowError):
        stop(_no_time(text))


def _no_time(text: str) -> str:
    return f"{text} is not a time from 1970-01-02 on. Write it like 2026-11-21 or 2026-11-21T08:00:00Z."
