"""A few accounts and their contacts, with nothing in some places: what queries are compared on."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.dataverse.calling import WebApi

CITIES = ("Berlin", "berlin", "Rome", "O'Hare", "50% off", None)
NAMES = ("Alpha", "alpine", "Beta", "beta_1", "Gamma & Co", "Ärger", "100%")


@dataclass(frozen=True)
class People:
    """What was made, as the rows of the wire."""

    accounts: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    tag: str
    """In every accountnumber's beginning: other tests' rows have it not."""


async def make_people(api: WebApi, tag: str, count: int = 14) -> People:
    """Accounts with 0 to 2 contacts each."""
    accounts: list[dict[str, Any]] = []
    contacts: list[dict[str, Any]] = []
    for at in range(count):
        account = {
            "name": NAMES[at % len(NAMES)],
            "accountnumber": f"{tag}{at:03}",
            "address1_city": CITIES[at % len(CITIES)],
            "numberofemployees": None if at % 5 == 4 else at % 4 * 10,
            "creditonhold": at % 3 == 0,
        }
        account["accountid"] = await api.make("accounts", **account)
        accounts.append(account)
        for number in range(at % 3):
            contact = {
                "firstname": f"F{number}",
                "lastname": None if (at + number) % 4 == 0 else f"L{at % 5}",
                "parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})",
            }
            contact["contactid"] = await api.make("contacts", **contact)
            contacts.append(contact | {"account": account["accountid"]})
    return People(accounts, contacts, tag)


def number(value: Any) -> Decimal:
    """A JSON number, exactly."""
    return Decimal(str(value))
