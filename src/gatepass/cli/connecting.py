"""The command that connects a payment provider: looks whether it works, and registers our webhook there."""

from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import DataDir, application, read_settings, stop

if TYPE_CHECKING:
    from gatepass.config import Settings


@application.command()
def connect(
    provider: Annotated[str, typer.Argument(help="stripe.")],
    register_webhook: Annotated[
        bool, typer.Option("--register-webhook", help="Have the provider send its notifications here.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Check the connection to a payment provider, or register our webhook there. Exit code 0: all is well."""
    import asyncio

    from gatepass import app, doctor
    from gatepass.domain.errors import GatepassError

    settings = read_settings(data_dir)
    if provider not in app.providers(settings):
        stop(f"{provider} is not connected: set GATEPASS_{provider.upper()}_SECRET_KEY first.")
    if not register_webhook:
        raise typer.Exit(0 if doctor.connections(settings, print) else 1)
    try:
        secret = asyncio.run(_registered(settings, provider))
    except GatepassError as error:
        stop(error.message)
    if secret is None:
        print("The webhook endpoint was there; it is up to date and enabled now. Its secret stays the same.")
        return
    print(f"The webhook endpoint is registered. Its signing secret is shown this once:\n\n    {secret}\n")
    variable, before = f"GATEPASS_{provider.upper()}_WEBHOOK_SECRET", settings.stripe_webhook_secret
    print(f"Put it into {settings.data_dir / 'settings.env'} (or the environment), restart, and run gatepass doctor:\n")
    print(f"    {variable}={','.join((*(['<the one before>'] if before else []), secret))}")


async def _registered(settings: "Settings", name: str) -> str | None:
    from gatepass import app
    from gatepass.services import connection

    provider = app.providers(settings)[name]
    try:
        return await provider.subscribe(connection.notify_url(app.place(settings), provider))
    finally:
        await provider.close()
