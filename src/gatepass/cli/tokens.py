"""Commands for programs that call the staff API: `gatepass token add`, `list`, `revoke`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from gatepass.cli.common import ACTOR, DataDir, application, opened

SCOPES = "read, setup, work, money or admin"

group = typer.Typer(help="Tokens of the staff API: one for each program.", no_args_is_help=True)
application.add_typer(group, name="token")

Name = Annotated[str, typer.Argument(help="Which program it is for; the audit log names it so.")]


@group.command()
def add(
    name: Name,
    scope: Annotated[list[str], typer.Option(help=f"{SCOPES}. Repeatable.")],
    days: Annotated[int, typer.Option(help="How long it counts, 366 at most.")] = 90,
    data_dir: DataDir = None,
) -> None:
    """Make a token; it is shown now and never again."""
    from gatepass.services import tokens

    with opened(data_dir) as store:
        _, token = store.write_now(lambda tx: tokens.add(tx, name, scope, days, ACTOR))
    print(token)


@group.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List the tokens."""
    from gatepass.services import tokens

    now = datetime.now(UTC)
    with opened(data_dir) as store:
        for row in store.read_now(tokens.listed):
            state = "active" if tokens.counts(row, now) else "revoked" if row["revoked"] else "ended"
            used = f"{row['last_used']:%Y-%m-%d %H}h" if row["last_used"] else "never"
            ends, scopes = f"{row['expires']:%Y-%m-%d}", ",".join(row["scopes"])
            print(f"{row['name']:<30}  {state:<8}  until {ends}  used {used:<14}  {scopes:<28}  by {row['created_by']}")


@group.command()
def revoke(name: Name, data_dir: DataDir = None) -> None:
    """Let it in no more, at once."""
    from gatepass.services import tokens

    with opened(data_dir) as store:
        store.write_now(lambda tx: tokens.revoke(tx, tokens.named(tx, name), ACTOR))
    print("Revoked.")
