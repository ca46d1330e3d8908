"""The command that connects a payment provider: looks whether it works, and registers our webhook there."""

from typing import TYPE_CHECKING, Annotated

import typer

from gatepass.cli.common import DataDir, application, caller, opened, read_settings, stop

if TYPE_CHECKING:
    from gatepass.config import Settings
    from gatepass.providers.base import PaymentProvider
    from gatepass.store import Store


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

    settings = read_settings(data_dir)
    with opened(data_dir) as store:
        found = app.connected(settings, store)
        if provider not in found:
            stop(f"{provider} is not connected. {doctor.GIVE_KEY}.")
        if not register_webhook:
            raise typer.Exit(0 if doctor.connections(settings, store, print) else 1)
        secret = asyncio.run(_registered(settings, found[provider]))
        if secret is None:
            print("The webhook endpoint was there; it is up to date and enabled now. Its secret stays the same.")
        elif not _stored(settings, store, secret):
            _tell(settings, provider, secret)


async def _registered(settings: "Settings", provider: "PaymentProvider") -> str | None:
    from gatepass import app
    from gatepass.services import connection

    try:
        return await provider.subscribe(connection.notify_url(app.place(settings), provider))
    finally:
        await provider.close()


def _stored(settings: "Settings", store: "Store", secret: str) -> bool:
    """Where the key was given on the pages, the secret is kept beside it. False: the key is one of the settings."""
    from gatepass import app
    from gatepass.services import connecting

    vault = app.vault(settings)
    keys = store.read_now(lambda tx: connecting.newest(tx, vault))
    if keys is None:
        return False
    at, name, live = keys.provider_id, connecting.WEBHOOK_SECRET, settings.live
    store.write_now(lambda tx: connecting.set_key(tx, vault, caller(), at, name, secret, live=live))
    print("The webhook endpoint is registered. Its signing secret is stored beside the key, and used from now on.")
    return True


def _tell(settings: "Settings", provider: str, secret: str) -> None:
    print(f"The webhook endpoint is registered. Its signing secret is shown this once:\n\n    {secret}\n")
    variable, before = f"GATEPASS_{provider.upper()}_WEBHOOK_SECRET", settings.stripe_webhook_secret
    print(f"Put it into {settings.data_dir / 'settings.env'} (or the environment), restart, and run gatepass doctor:\n")
    print(f"    {variable}={','.join((*(['<the one before>'] if before else []), secret))}")
