"""Feature switches of an installation, kept in its database and off until somebody puts them on."""

from collections.abc import Mapping
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.services import audit
from gatepass.store import ReadTx, Store, WriteTx, records

PAYMENTS = "payments"
"""Enable payments in Real-time Journeys."""
DEMO_PAYMENT = "demo-payment-confirmation"
"""Enable demo payment confirmation: the events API's `registrations/finalize`. Never has an effect in live mode."""
ALL = (PAYMENTS, DEMO_PAYMENT)
TOLD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        PAYMENTS: (
            "Enable payments in Real-time Journeys",
            "Passes that have a price can be bought. While it is off, they cannot; free ones can.",
        ),
        DEMO_PAYMENT: (
            "Enable demo payment confirmation",
            "A site may say by the events API that an order is paid, without money. It has no effect where money is live.",
        ),
    }
)
"""Name and meaning for people."""


def on(tx: ReadTx, switch: str) -> bool:
    """True when the switch is on."""
    return records.get_setting(tx, f"switch.{switch}") == "on"


async def is_on(store: Store, switch: str) -> bool:
    """The same in a read of its own."""
    return await store.read(lambda tx: on(tx, switch))


def put(tx: WriteTx, switch: str, *, to: bool, actor: str) -> None:
    """Put a switch on or off; audited. Raises Refused for an unknown one."""
    if switch not in ALL:
        raise Refused("SwitchUnknown", f"There is no switch '{switch}'. There are: {', '.join(ALL)}.")
    before = on(tx, switch)
    records.put_setting(tx, f"switch.{switch}", "on" if to else "off")
    audit.write(tx, actor, "switch", switch, before={"on": before}, after={"on": to})
