"""Where staff connects a payment provider: keys that are written and never read back by a page, and the webhook.

A key given here wins over the one of the settings. Every process looks every few seconds whether there is another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import NotFound, Refused
from gatepass.services import audit
from gatepass.services.access import Caller
from gatepass.services.records.privileges import Right, require
from gatepass.services.secrets import Place, Shown, Vault
from gatepass.store import ReadTx, WriteTx, rows
from gatepass.store import secrets as kept
from gatepass.store.tables import Row

_TABLE = model.BY_NAME["payment_provider"]
SECRET_KEY, WEBHOOK_SECRET = "secret_key", "webhook_secret"
MAX_KEY_CHARS = 300
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
    vault.put(tx, Place(_TABLE.name, provider_id, name), value, show_last_four=True)
    audit.write(tx, caller.name, f"payment_provider.{name}", f"payment_provider:{provider_id}")


def remove_key(tx: WriteTx, vault: Vault, caller: Caller, provider_id: UUID, name: str) -> None:
    """Forget a key; what the settings say counts again. Audited."""
    require(caller, Right.WRITE, _TABLE)
    if name in _BEGINS and vault.remove(tx, Place(_TABLE.name, provider_id, name)):
        audit.write(tx, caller.name, f"payment_provider.{name}.remove", f"payment_provider:{provider_id}")


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


def _check(name: str, value: str, *, live: bool) -> None:
    begins = _BEGINS.get(name)
    if begins is None:
        raise Refused("KeyUnknown", f"There is no key '{name}'.")
    if not value.startswith(begins) or len(value) > MAX_KEY_CHARS or not value.isascii():
        raise Refused("KeyMalformed", f"This is no such key: it begins with {' or '.join(begins)}.", field=name)
    if name == SECRET_KEY and ("_live_" in value[:8]) is not live:
        wanted, given = ("live", "test") if live else ("test", "live")
        raise Refused(
            "KeyOfOtherMode",
            f"This is a {given} key, and this installation takes {wanted} money (GATEPASS_MODE). Give its {wanted} key.",
            field=name,
        )
