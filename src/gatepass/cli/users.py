"""Commands for people who sign in at /staff: `gatepass user add`, `list`, `role`, `disable`, `enable`, `link`, `second-factor`.

Each may be run again: what is so already stays so, and the exit code is 0.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import ACTOR, DataDir, application, installed, opened, stop

if TYPE_CHECKING:
    from gatepass.app import Installation
    from gatepass.services.access import Role
    from gatepass.store.tables import Row

ROLES = "viewer, event_staff, finance or administrator"

people = typer.Typer(help="People who sign in at /staff: accounts, roles, links.", no_args_is_help=True)
application.add_typer(people, name="user")

Email = Annotated[str, typer.Argument(help="The address that they sign in with.")]
RoleOption = Annotated[str, typer.Option(help=f"{ROLES}.")]
Reason = Annotated[str, typer.Option(help="Why, for the audit.")]


@people.command()
def add(
    email: Email,
    name: Annotated[str, typer.Option(help="Default: the address.")] = "",
    role: RoleOption = "viewer",
    mail: Annotated[bool, typer.Option(help="Send the invitation by mail; else its link is printed here.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Invite somebody; who is there already gets the role."""
    from gatepass.services import accounts

    wanted = _role(role)
    with installed(data_dir) as here:
        added = here.store.write_now(lambda tx: accounts.add(tx, email, name, wanted, ACTOR, mail=mail))
        print(f"{email.strip().lower()}: {added.word}.")
        if added.word == "added" and not mail:
            print(_link(here, email))


@people.command("list")
def list_(data_dir: DataDir = None) -> None:
    """List the accounts."""
    from gatepass.store import staff

    with opened(data_dir) as store:
        for row in store.read_now(staff.everybody):
            factor = "elsewhere" if row["identity"] else "2 factors" if row["second_factor"] else "1 factor"
            print(f"{row['email']:<40}  {row['role']:<13}  {_state(row):<8}  {factor:<9}  {row['name']}")


@people.command()
def role(
    email: Email, to: Annotated[str, typer.Argument(help=f"{ROLES}.")], reason: Reason = "", data_dir: DataDir = None
) -> None:
    """Give somebody another role; their sessions end."""
    from gatepass.services import accounts

    wanted = _role(to)
    with opened(data_dir) as store:
        changed = store.write_now(lambda tx: accounts.set_role(tx, email, wanted, ACTOR, reason))
    print(f"{wanted.label.capitalize()}{'.' if changed else ' already.'}")


@people.command()
def disable(email: Email, reason: Reason = "", data_dir: DataDir = None) -> None:
    """Let somebody in no more; their sessions end at once."""
    from gatepass.services import accounts

    with opened(data_dir) as store:
        changed = store.write_now(lambda tx: accounts.disable(tx, email, ACTOR, reason))
    print("Disabled." if changed else "Disabled already.")


@people.command()
def enable(email: Email, reason: Reason = "", data_dir: DataDir = None) -> None:
    """Let somebody in again."""
    from gatepass.services import accounts

    with opened(data_dir) as store:
        changed = store.write_now(lambda tx: accounts.enable(tx, email, ACTOR, reason))
    print("Enabled." if changed else "Enabled already.")


@people.command()
def link(email: Email, data_dir: DataDir = None) -> None:
    """Print a link to set a password, for where no mail can be sent. Older links of this account end."""
    with installed(data_dir) as here:
        print(_link(here, email))


@people.command("second-factor")
def second_factor(email: Email, reason: Reason = "", data_dir: DataDir = None) -> None:
    """Turn off somebody's second factor, when phone and recovery codes are lost."""
    from gatepass.services import accounts
    from gatepass.services import second_factor as factor
    from gatepass.services.secrets import Sealer, Vault
    from gatepass.store import WriteTx

    with installed(data_dir) as here:
        vault = Vault(Sealer(here.settings.secret_key))

        def unit(tx: WriteTx) -> None:
            factor.turn_off(tx, vault, accounts.named(tx, email)["id"], ACTOR, reason)

        here.store.write_now(unit)
    print("Off.")


def _link(here: "Installation", email: str) -> str:
    from gatepass.services import accounts

    user = here.store.write_now(lambda tx: accounts.printed_link(tx, email, ACTOR))
    return accounts.address_of(here.desk.links, user)


def _state(row: "Row") -> str:
    if row["disabled"]:
        return "disabled"
    return "active" if row["password_hash"] or row["identity"] else "invited"


def _role(text: str) -> "Role":
    from gatepass.services.access import STAFF, Role

    found = Role.of(text)
    if found not in STAFF:
        stop(f"There is no role '{text}'. It can be: {ROLES}.")
    return found
