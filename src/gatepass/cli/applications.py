"""Commands for programs that call the Web API: `gatepass application add`, `list`, `secret`, `token`, `disable`."""

from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import ACTOR, DataDir, application, id_of, opened, stop

if TYPE_CHECKING:
    from uuid import UUID

    from gatepass.services.access import Role

LIST = "gatepass application list"
ROLES = "administrator (everything), planner (reads everything), finalizer (reads purchases and finalizes them)"

users = typer.Typer(help="Programs that call the Web API: their client ids, secrets and tokens.", no_args_is_help=True)
application.add_typer(users, name="application")

Client = Annotated[str, typer.Argument(help=f"Client id, as in: {LIST}")]
RoleOption = Annotated[str, typer.Option(help=ROLES)]


@users.command()
def add(
    name: Annotated[str, typer.Argument(help="Who it is, as the audit log shall name it.")],
    role: RoleOption = "planner",
    data_dir: DataDir = None,
) -> None:
    """Add an application user; its secret is shown now and never again."""
    from gatepass.services import applications
    from gatepass.store import people

    wanted = _role(role)
    with opened(data_dir) as store:
        made = store.write_now(lambda tx: applications.add(tx, name, wanted, ACTOR))
        tenant = store.read_now(people.organization_id)
    print(f"tenant id      {tenant}\nclient id      {made.client_id}\nclient secret  {made.client_secret}")


@users.command()
def token(
    name: Annotated[str, typer.Argument(help="Which script it is for.")],
    role: RoleOption = "planner",
    data_dir: DataDir = None,
) -> None:
    """Make a token without an end for a script; it is shown now and never again."""
    import secrets

    from gatepass.services import access

    wanted, made = _role(role), secrets.token_urlsafe(32)
    with opened(data_dir) as store:
        store.write_now(lambda tx: access.add_program(tx, name, wanted.value, made, ACTOR))
    print(made)


@users.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List the application users."""
    from gatepass.services import applications

    with opened(data_dir) as store:
        for row in store.read_now(applications.listed):
            state = "disabled" if row["isdisabled"] else "active"
            print(f"{row['applicationid']}  {row['role']:<13}  {state:<8}  {row['fullname'].removeprefix('# ')}")


@users.command()
def secret(client: Client, data_dir: DataDir = None) -> None:
    """Make a new secret; the old one ends at once."""
    from gatepass.services import applications

    with opened(data_dir) as store:
        print(store.write_now(lambda tx: applications.new_secret(tx, _client(client), ACTOR)))


@users.command()
def disable(client: Client, data_dir: DataDir = None) -> None:
    """Let it in no more; its tokens end at once."""
    from gatepass.services import applications

    with opened(data_dir) as store:
        store.write_now(lambda tx: applications.disable(tx, _client(client), ACTOR))
    print("Disabled.")


def _role(text: str) -> "Role":
    from gatepass.services.access import PROGRAMS, Role

    found = Role.of(text)
    if found not in PROGRAMS:
        stop(f"There is no role '{text}'. It can be: {ROLES}.")
    return found


def _client(text: str) -> "UUID":
    return id_of(text, LIST)
