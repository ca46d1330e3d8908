"""Commands for what providers tell: replay it, pull it, and see the work that follows."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import ACTOR, DataDir, application, moment_of, opened, read_settings, stop

if TYPE_CHECKING:
    from gatepass.config import Settings

SHOWN_JOBS = 200

Moment = Annotated[
    str | None, typer.Option(help="ISO time with its zone, such as 2026-11-21T08:00:00Z.", metavar="TIME")
]


@application.command()
def replay(
    notification: Annotated[str | None, typer.Argument(help="One notification: our id, or the provider's.")] = None,
    since: Moment = None,
    until: Moment = None,
    kind: Annotated[str | None, typer.Option(help="Of a time: only this kind of event.")] = None,
    parked: Annotated[
        bool, typer.Option("--parked", help="Quarantined notifications, and jobs that were given up.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Put notifications back to work: one, those of a time, or all that were given up. Harmless when done twice."""
    from gatepass.services import inbox
    from gatepass.store.inbox import Span

    span = Span(moment_of(since), moment_of(until), kind, quarantined=parked)
    if span.since and span.until and span.since >= span.until:
        stop("--since has to lie before --until.")
    if bool(notification) == bool(since or until or parked):
        stop("Say which: one notification by its id, --since and --until, or --parked.")
    with opened(data_dir) as store:
        done = inbox.replay_one(store, notification, ACTOR) if notification else inbox.replay_span(store, span, ACTOR)
        given_up = inbox.replay_jobs(store, ACTOR).woken if parked else 0
    print(f"{done.woken} notifications are back at work; {done.waiting} were at work already.")
    if parked:
        print(f"{given_up} jobs that were given up are back at work.")


@application.command()
def pull(since: Moment = None, data_dir: DataDir = None) -> None:
    """Read each provider's own list of events once, now, and keep what is new."""
    import asyncio

    moment = moment_of(since)
    settings = read_settings(data_dir)
    with opened(data_dir):
        for name, new in asyncio.run(_pulled(settings, moment)).items():
            print(f"{name}: {new} new events.")


async def _pulled(settings: "Settings", since: datetime | None) -> dict[str, int]:
    from gatepass import app
    from gatepass.services.pull import by_hand

    here = app.installation(settings)
    try:
        return {name: await by_hand(here.store, one, since) for name, one in here.desk.providers.items()}
    finally:
        await here.close()


@application.command()
def jobs(data_dir: DataDir = None) -> None:
    """List the work that is not done: what was given up first, then by the time it is due."""
    from gatepass.store import jobs as jobs_

    with opened(data_dir) as store:
        for row in store.read_now(lambda tx: jobs_.unfinished(tx, SHOWN_JOBS)):
            told = f"{row['kind']:<20} {row['state']:<7} due {row['due']:%Y-%m-%d %H:%M:%S}Z"
            print(f"{row['id']}  {told}  {row['failures']} failures  {row['last_error'] or ''}".rstrip())
