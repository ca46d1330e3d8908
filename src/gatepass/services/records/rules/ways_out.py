"""What may not be written from outside, and where it is done instead."""

from collections.abc import Mapping
from types import MappingProxyType

_MONEY = (
    "Money and payment state move only through the action msevtmgt_finalizeregistrationpayment, or through a payment"
)
_SEATS = "Seats are counted by registrations. Change the number of passes allocated, or the capacity, instead"

TABLES: Mapping[str, str] = MappingProxyType(
    {
        "payment": "A payment is told by its provider, or by the action msevtmgt_finalizeregistrationpayment.",
        "refund": "Give money back with `gatepass refund`, or on the order's page for staff.",
        "notification": "Notifications are kept as they came. Put one back to work with `gatepass replay`.",
        "attendee": "Attendees are named by a registration, over the events API.",
        "purchase_contact": "Attendees are named by a registration, over the events API.",
        "purchase_pass": "Passes are chosen by a registration, over the events API.",
        "attendee_pass": "An attendee gets a pass when the purchase is completed; it ends with a refund or `gatepass release`.",
        "systemuser": "Users and application users are set up by the installation.",
        "businessunit": "There is one business unit, and it stays as it is.",
        "organization": "The organization is set up by the installation.",
    }
)
COLUMNS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{
            ("purchase", name): f"'{name}' of an event purchase cannot be set. {_MONEY}."
            for name in (
                "msevtmgt_paymentstatus", "msevtmgt_totalprice", "msevtmgt_paid", "msevtmgt_processed",
                "gatepass_status", "transactioncurrencyid", "statecode", "statuscode",
            )
        },
        **{
            ("registration", name): f"'{name}' of a registration cannot be set. Refund the purchase, or end the registration "
            "with `gatepass release`: then it is cancelled, and the seat is free."
            for name in ("statecode", "statuscode", "msevtmgt_iscanceled")
        },
        ("pass", "transactioncurrencyid"): "A pass has the currency of its event. Change that of the event, before anything is sold.",
        ("pass", "msevtmgt_noofpassessold"): f"{_SEATS}.",
        ("pass", "msevtmgt_noofpassesleft"): f"{_SEATS}.",
        ("pass", "gatepass_held"): f"{_SEATS}.",
        ("event", "gatepass_held"): f"{_SEATS}.",
        ("event", "gatepass_sold"): f"{_SEATS}.",
        ("web_application", "msevtmgt_token"): "The token of a web application is made here. Make a new record to get a new one.",
    }
)  # fmt: skip
"""By our noun and Column.logical."""
