"""What every Stripe object has, with its ids. The blanks in shapes.json name every member of the API version we speak.

shapes.json: member names from the types of Stripe's own SDK (MIT, Copyright (c) 2011- Stripe, Inc.).
"""

import secrets
import string
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

Obj = dict[str, Any]
"""One Stripe object, as on the wire."""

_SHAPES: Mapping[str, Obj] = MappingProxyType(
    msgspec.json.decode((Path(__file__).parent / "shapes.json").read_bytes(), type=dict[str, Obj])
)
_LETTERS = string.ascii_letters + string.digits

PREFIX: Mapping[str, str] = MappingProxyType(
    {
        "checkout.session": "cs_test_",
        "payment_link": "plink_",
        "price": "price_",
        "product": "prod_",
        "payment_intent": "pi_",
        "charge": "ch_",
        "refund": "re_",
        "event": "evt_",
        "webhook_endpoint": "we_",
        "balance_transaction": "txn_",
        "dispute": "dp_",
        "item": "li_",
        "payment_method": "pm_",
    }
)
# What `expand` may open: member -> kind of the object whose id stands there.
EXPANDABLE: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "checkout.session": {"payment_intent": "payment_intent", "payment_link": "payment_link"},
        "payment_intent": {"latest_charge": "charge"},
        "charge": {"payment_intent": "payment_intent", "balance_transaction": "balance_transaction"},
        "refund": {
            "charge": "charge",
            "payment_intent": "payment_intent",
            "balance_transaction": "balance_transaction",
            "failure_balance_transaction": "balance_transaction",
        },
        "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
        "price": {"product": "product"},
        "product": {"default_price": "price"},
        "balance_transaction": {"source": "charge"},
    }
)


def new_id(kind: str) -> str:
    """A fresh id such as pi_…; session ids are longer, as at Stripe."""
    length = 58 if kind == "checkout.session" else 24
    return PREFIX[kind] + random_text(length)


def random_text(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def blank(kind: str, **members: Any) -> Obj:
    """A complete object of `kind` with a new id; every member that is not given is null or its default."""
    return deepcopy(_SHAPES[kind]) | {"id": new_id(kind)} | members


def may_be_null(kind: str, member: str) -> bool:
    """Whether a fresh object of `kind` has null there."""
    return _SHAPES.get(kind, {}).get(member, ...) is None


def collection(data: list[Obj], url: str, has_more: bool = False) -> Obj:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
