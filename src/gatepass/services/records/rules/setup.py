"""Rules of the set-up: payment providers, sites that may register attendees, currencies."""

import secrets
from urllib.parse import urlsplit

from gatepass.domain.money import DECIMALS
from gatepass.services import mode
from gatepass.services.links import allowed
from gatepass.services.records.change import Change
from gatepass.services.records.rules import addresses

KINDS = ("stripe",)
"""Payment providers that there is an adapter for (providers/)."""
MOST_ORIGINS = 50
_TOKEN_BYTES = 32


def payment_provider(change: Change) -> None:
    """A provider of a kind that we can talk to, with a page that buyers can open."""
    after = change.after
    if after["kind"] not in KINDS:
        raise change.broken(
            "kind", f"There is no payment provider of kind '{after['kind']}'. There are: {', '.join(KINDS)}."
        )
    _check_mode(change)
    addresses.check(change, "payment_page_url")


def _check_mode(change: Change) -> None:
    """A new provider takes the money that this installation takes."""
    here = mode.is_live(change.tx)
    if change.new and change.after["live"] is None:
        change.after["live"] = bool(here)
    if here is not None and change.changes("live") and change.after["live"] is not here:
        wanted, given = ("live", "test") if here else ("test", "live")
        raise change.broken(
            "live",
            f"This installation takes {wanted} money (GATEPASS_MODE), so a payment provider for {given} money is of no use here. "
            "Leave the mode out.",
        )


def web_application(change: Change) -> None:
    """A site is known by its origins; its token is made here."""
    after = change.after
    if change.new:
        after["token"] = secrets.token_urlsafe(_TOKEN_BYTES)
    origins: list[str] = after["origins"] or []
    if len(origins) > MOST_ORIGINS:
        raise change.broken("origins", f"A web application has at most {MOST_ORIGINS} origins.")
    for origin in origins if change.changes("origins") else ():
        if not is_origin(origin):
            raise change.broken(
                "origins",
                f"'{origin}' is no origin. Write it as a browser does, like https://events.contoso.com or https://xn--bcher-kva.example, "
                "or http://localhost:* for tests.",
            )
    if after["return_url"] and not allowed(after["return_url"], origins):
        raise change.broken("return_url", "The return address must lie on one of the origins.")


def is_origin(text: str) -> bool:
    """True for an https origin without a path; http for this machine only, where the port may be *."""
    try:
        parts = urlsplit(text.removesuffix(":*"))
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    local = host in {"localhost", "127.0.0.1", "::1"}
    named = addresses.ORIGIN.fullmatch(text) is not None
    bare = not parts.path and not parts.query and not parts.fragment and "@" not in parts.netloc and "\\" not in text
    any_port = not text.endswith(":*") or (local and port is None)
    return named and bare and port != 0 and any_port and (parts.scheme == "https" or (local and parts.scheme == "http"))


def currency(change: Change) -> None:
    """A currency that money can be charged in, with its own number of decimals."""
    code = change.after["iso_code"]
    if code is None:
        return
    if code not in DECIMALS:
        raise change.broken("iso_code", f"'{code}' is not an ISO 4217 currency code such as EUR.")
    change.after["currencyprecision"] = DECIMALS[code]
    if change.after["exchangerate"] is not None and change.after["exchangerate"] <= 0:
        raise change.broken("exchangerate", "The exchange rate must be above zero.")
