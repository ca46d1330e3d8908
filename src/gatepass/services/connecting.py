"""Where staff connects a payment provider: keys that are written and never read back by a page, and the webhook.

A key given here wins over the one of the settings. Every process looks every few seconds whether there is another one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import NotFound, Refused
from gatepass.providers.base import PaymentProvider
from gatepass.services import audit, connection
from gatepass.services.access import Caller
from gatepass.services.records.privileges import Right, require
from gatepass.services.secrets import Place, Shown, Vault
from gatepass.store import ReadTx, Store, WriteTx, rows
from gatepass.store import secrets as kept
from gatepass.store.tables import Row

_TABLE = model.BY_NAME["payment_provider"]
SECRET_KEY, WEBHOOK_SECRET = "secret_key", "webhook_secret"
MAX_KEY_CHARS = 300
_KEY = re.compile("[!-~]+")
"""Nothing that a header could not carry, and no blank."""
_BEGINS = {SECRET_KEY: ("sk_test_", "rk_test_", "sk_live_", "rk_live_"), WEBHOOK_SECRET: ("whsec_",)}
"""docs.stripe.com/keys"""


@dataclass(frozen=True, slots=True)
class Keys:
    """What an adapter is made with. `changed` tells one set from another."""

    provider_id: UUID
    kind: str
    secret_key: str
    webhook_secrets: Sequence[str]
    changed: datetime


def set_key(tx: WriteTx, vault: Vault, caller: Caller, provider_id: UUID, name: str, value: str, *, live: bool) -> None:
    """Store a key; `live`: the mode of this installation, which a key has to fit. Audited without it. Raises Refused, NotFound."""
    require(caller, Right.WRITE, _TABLE)
    provider_at(tx, provider_id)
    value = value.strip()
    _check(name, value, live=live)
    place = Place(_TABLE.name, provider_id, name)
    before = _ending(vault.shown(tx, place))
    vault.put(tx, place, value, show_last_four=True)
    was, now = {name: before}, {name: _ending(vault.shown(tx, place))}
    audit.write(tx, caller.name, f"payment_provider.{name}", _subject(provider_id), before=was, after=now)


async def register_webhook(
    store: Store, vault: Vault, caller: Caller, provider_id: UUID, adapter: PaymentProvider, here: connection.Place
) -> None:
    """The provider is told where to send; a secret that it gives is kept beside the key. Raises Refused, Unavailable."""
    secret = await adapter.subscribe(connection.notify_url(here, adapter))
    if secret:
        live = here.live
        await store.write(lambda tx: set_key(tx, vault, caller, provider_id, WEBHOOK_SECRET, secret, live=live))


def remove_key(tx: WriteTx, vault: Vault, caller: Caller, provider_id: UUID, name: str) -> None:
    """Forget a key; what the settings say counts again. Audited. Raises Refused."""
    require(caller, Right.WRITE, _TABLE)
    if name not in _BEGINS:
        raise _unknown(name)
    place = Place(_TABLE.name, provider_id, name)
    before = _ending(vault.shown(tx, place))
    if vault.remove(tx, place):
        was, now = {name: before}, {name: None}
        audit.write(tx, caller.name, f"payment_provider.{name}.remove", _subject(provider_id), before=was, after=now)


def _subject(provider_id: UUID) -> str:
    return f"{_TABLE.name}:{provider_id}"


def _ending(shown: Shown | None) -> str | None:
    """All that the audit may know of a key."""
    return f"…{shown.last_four or ''}" if shown else None


def shown(tx: ReadTx, vault: Vault, provider_id: UUID) -> dict[str, Shown | None]:
    """What a page may tell of the keys."""
    return {name: vault.shown(tx, Place(_TABLE.name, provider_id, name)) for name in _BEGINS}


def newest(tx: ReadTx, vault: Vault) -> Keys | None:
    """The keys that count: those of the provider whose secret key was given last. None: none was."""
    found = kept.newest_of(tx, _TABLE.name, SECRET_KEY)
    row = rows.find(tx, _TABLE, found["row_id"]) if found else None
    if found is None or row is None:
        return None
    key, webhook = (vault.read(tx, Place(_TABLE.name, row["id"], name)) for name in (SECRET_KEY, WEBHOOK_SECRET))
    given = vault.shown(tx, Place(_TABLE.name, row["id"], WEBHOOK_SECRET))
    changed = max(found["changed"], given.changed) if given else found["changed"]
    return Keys(row["id"], row["kind"], key or "", (webhook,) if webhook else (), changed)


def provider_at(tx: ReadTx, provider_id: UUID) -> Row:
    """The row of a provider. Raises NotFound."""
    found = rows.find(tx, _TABLE, provider_id)
    if found is None:
        raise NotFound("ProviderUnknown", f"There is no payment provider {provider_id}.")
    return found


def _unknown(name: str) -> Refused:
    return Refused("KeyUnknown", f"There is no key '{name}'. There are: {', '.join(_BEGINS)}.")


def _check(name: str, value: str, *, live: bool) -> None:
    begins = _BEGINS.get(name)
    if begins is None:
        raise _unknown(name)
    if not value.startswith(begins) or len(value) > MAX_KEY_CHARS or not _KEY.fullmatch(value):
        raise Refused("KeyMalformed", f"This is no such key: it begins with {' or '.join(begins)}.", field=name)
    if name == SECRET_KEY and ("_live_" in value[:8]) is not live:
        wanted, given = ("live", "test") if live else ("test", "live")
        raise Refused(
            "KeyOfOtherMode",
            f"This is a {given} key, and this installation takes {wanted} money (GATEPASS_MODE). Give its {wanted} key.",
            field=name,
        )
