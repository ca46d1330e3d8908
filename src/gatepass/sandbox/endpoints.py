"""Webhook endpoints: who is told, of what, and with which secret."""

from collections.abc import Mapping
from typing import Any

from gatepass.sandbox.config import SandboxConfig
from gatepass.sandbox.errors import wrong_state
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank, random_text
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]
MOST = 16
DEFAULT_ID = "we_sandboxdefault"


def create(tx: Tx, _: str, params: Params) -> Obj:
    """POST /v1/webhook_endpoints. The secret is shown this once."""
    row = tx.row("select count(*) n from object where kind = 'webhook_endpoint'")
    if row and row["n"] >= MOST:
        raise wrong_state(f"You have reached the maximum of {MOST} test webhook endpoints.")
    secret = f"whsec_{random_text(32)}"
    given = {k: v for k, v in params.items() if k != "expand"}
    endpoint = tx.add(blank("webhook_endpoint", created=tx.at, **given), {"secret": secret})
    return endpoint | {"secret": secret}


def update(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/webhook_endpoints/{id}. What waits for one that is disabled is given up."""
    endpoint = tx.get("webhook_endpoint", identity, "webhook_endpoint")
    endpoint |= {k: params[k] for k in ("url", "enabled_events", "description") if k in params}
    if "metadata" in params:
        endpoint["metadata"] = merged(endpoint["metadata"], params["metadata"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
        if params["disabled"]:
            _give_up(tx, identity)
    return tx.save(endpoint)


def delete(tx: Tx, identity: str, _: Params) -> Obj:
    """DELETE /v1/webhook_endpoints/{id}. What was not delivered to it never will be."""
    tx.get("webhook_endpoint", identity, "webhook_endpoint")
    tx.run("delete from object where id = ?", identity)
    _give_up(tx, identity)
    return {"id": identity, "object": "webhook_endpoint", "deleted": True}


def keep_default(tx: Tx, config: SandboxConfig) -> None:
    """The endpoint of the configuration, as it is configured now."""
    old = tx.find(DEFAULT_ID)
    if config.webhook_url is None:
        if old:
            delete(tx, DEFAULT_ID, {})
        return
    wanted = {
        "url": config.webhook_url,
        "enabled_events": list(config.webhook_events),
        "api_version": config.webhook_version,
    }
    if old is None:
        tx.add(blank("webhook_endpoint", created=tx.at, **wanted) | {"id": DEFAULT_ID})
    else:
        tx.save(old | wanted)
    tx.hide(DEFAULT_ID, secret=config.webhook_secret)


def _give_up(tx: Tx, identity: str) -> None:
    tx.run("update delivery set state = 'failed' where endpoint = ? and state = 'pending'", identity)
