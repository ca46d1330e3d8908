"""`gatepass secrets rotate`: everything that is encrypted is encrypted anew."""

import typer

from gatepass.cli.common import ACTOR, DataDir, application, installed

secrets = typer.Typer(help="Secrets that are encrypted at rest with GATEPASS_SECRET_KEY.", no_args_is_help=True)
application.add_typer(secrets, name="secrets")


@secrets.callback()
def _group() -> None:
    """A group, though it has one command yet."""


@secrets.command()
def rotate(data_dir: DataDir = None) -> None:
    """Encrypt all of them with the newest key: add it at the end of GATEPASS_SECRET_KEY first. Twice does no harm."""
    from gatepass.services import secrets as sealing
    from gatepass.services.secrets import Sealer

    with installed(data_dir) as here:
        sealer = Sealer(here.settings.secret_key)
        changed, found = here.store.write_now(lambda tx: sealing.rotate(tx, sealer, ACTOR))
    print(f"{changed} of {found} secrets were encrypted with an older key, and are with the newest one now.")
