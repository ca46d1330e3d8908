"""Money: attempts to pay, refunds, what providers told us; and how payment providers are set up. Read-only but for the set-up."""

from gatepass.model import choices
from gatepass.model.build import (
    choice,
    currency,
    flag,
    integer,
    key,
    lookup,
    moment,
    money,
    ours,
    same,
    standard,
    text,
    version,
)
from gatepass.model.columns import Kind, Set
from gatepass.model.table import Access, Ownership, Table

_NEVER = Set.NEVER

PAYMENT_PROVIDER = Table(
    "payment_provider",
    "msevtmgt_paymentprovider",
    "msevtmgt_paymentproviders",
    "msevtmgt_PaymentProvider",
    "Payment provider",
    "Payment providers",
    "msevtmgt_name",
    (
        key("msevtmgt_paymentproviderid"),
        text("msevtmgt_name", 100, "Provider name", required=True),
        text("gatepass_kind", 20, "Kind", required=True, default="stripe"),
        text("msevtmgt_paymentpageurl", 1000, "Payment page URL", sql="payment_page_url", required=True),
        integer("msevtmgt_paymenttimeout", "Payment timeout (minutes)", sql="timeout_minutes", required=True, default=30, minimum=1, maximum=1440),
        flag("gatepass_live", "Live money", settable=Set.CREATE, default=None),
        *standard(owned=False),
    ),
    ownership=Ownership.ORGANIZATION,
    code=10040,
)  # fmt: skip

PAYMENT = Table(
    "payment",
    "gatepass_payment",
    "gatepass_payments",
    "gatepass_Payment",
    "Payment",
    "Payments",
    "gatepass_name",
    (
        key("gatepass_paymentid"),
        same(Kind.TEXT, "gatepass_name", "session_ref", "Name", length=255),
        # No foreign key: the purchase may live in a remote Dataverse.
        lookup("gatepass_purchaseid", "msevtmgt_eventpurchase", "Purchase", navigation="gatepass_PurchaseId", relationship="gatepass_eventpurchase_payment", required=True, loose=True, index=False, settable=_NEVER),
        integer("gatepass_number", "Number", required=True, settable=_NEVER),
        text("gatepass_provider", 20, "Provider", required=True, settable=_NEVER),
        ours("opening", Kind.INTEGER, required=True),
        choice("gatepass_state", choices.PAYMENT_STATE, "State", length=20, required=True, settable=_NEVER),
        money("gatepass_amount", "Amount", sql="amount_minor", required=True, settable=_NEVER),
        currency(settable=_NEVER),
        flag("gatepass_live", "Live money", settable=_NEVER, default=None),
        ours("page_url", Kind.TEXT, length=2000),
        text("gatepass_sessionreference", 255, "Session reference", sql="session_ref", settable=_NEVER),
        text("gatepass_intentreference", 255, "Intent reference", sql="intent_ref", settable=_NEVER, index=True),
        text("gatepass_chargereference", 255, "Charge reference", sql="charge_ref", settable=_NEVER),
        text("gatepass_reasoncode", 100, "Reason code", sql="reason_code", settable=_NEVER),
        text("gatepass_reasontext", 1000, "Reason", sql="reason_text", settable=_NEVER),
        ours("return_url", Kind.TEXT, length=2000),
        money("gatepass_fee", "Fee", sql="fee_minor", settable=_NEVER),
        moment("createdon", "Created On", sql="opened", required=True, settable=_NEVER),
        moment("modifiedon", "Modified On", sql="changed", required=True, settable=_NEVER),
        moment("gatepass_expireson", "Expires on", sql="expires_at", required=True, settable=_NEVER),
        version(),
    ),
    access=Access.READ,
    code=10041,
)  # fmt: skip

REFUND = Table(
    "refund",
    "gatepass_refund",
    "gatepass_refunds",
    "gatepass_Refund",
    "Refund",
    "Refunds",
    "gatepass_name",
    (
        key("gatepass_refundid"),
        same(Kind.TEXT, "gatepass_name", "refund_ref", "Name", length=255),
        lookup("gatepass_purchaseid", "msevtmgt_eventpurchase", "Purchase", navigation="gatepass_PurchaseId", relationship="gatepass_eventpurchase_refund", required=True, loose=True, settable=_NEVER),
        lookup("gatepass_paymentid", "gatepass_payment", "Payment", navigation="gatepass_PaymentId", relationship="gatepass_payment_refund", required=True, settable=_NEVER),
        text("gatepass_provider", 20, "Provider", required=True, settable=_NEVER),
        ours("opening", Kind.INTEGER, required=True),
        choice("gatepass_state", choices.REFUND_STATE, "State", length=20, required=True, settable=_NEVER),
        money("gatepass_amount", "Amount", sql="amount_minor", required=True, settable=_NEVER),
        currency(settable=_NEVER),
        text("gatepass_cause", 20, "Cause", required=True, settable=_NEVER),
        text("gatepass_reason", 500, "Reason", required=True, settable=_NEVER),
        ours("actor", Kind.TEXT, length=200, required=True),
        ours("money_ref", Kind.TEXT, length=255, required=True),
        text("gatepass_refundreference", 255, "Refund reference", sql="refund_ref", settable=_NEVER),
        ours("attendees", Kind.JSON, required=True),
        text("gatepass_reasoncode", 100, "Reason code", sql="reason_code", settable=_NEVER),
        text("gatepass_reasontext", 1000, "Reason text", sql="reason_text", settable=_NEVER),
        moment("createdon", "Created On", sql="requested", required=True, settable=_NEVER),
        moment("modifiedon", "Modified On", sql="changed", required=True, settable=_NEVER),
        version(),
    ),
    access=Access.READ,
    code=10042,
)  # fmt: skip

NOTIFICATION = Table(
    "notification",
    "gatepass_notification",
    "gatepass_notifications",
    "gatepass_Notification",
    "Notification",
    "Notifications",
    "gatepass_name",
    (
        key("gatepass_notificationid"),
        text("gatepass_provider", 20, "Provider", required=True, settable=_NEVER),
        text("gatepass_name", 255, "Event reference", sql="event_ref", required=True, settable=_NEVER),
        text("gatepass_kind", 100, "Kind", required=True, settable=_NEVER),
        text("gatepass_objectreference", 255, "Object reference", sql="object_ref", settable=_NEVER),
        ours("payment_hint", Kind.TEXT, length=255),
        ours("about", Kind.TEXT, length=20, required=True),
        ours("money_ref", Kind.TEXT, length=255),
        lookup("gatepass_paymentid", "gatepass_payment", "Payment", navigation="gatepass_PaymentId", relationship="gatepass_payment_notification", loose=True, index=False, settable=_NEVER),
        lookup("gatepass_purchaseid", "msevtmgt_eventpurchase", "Purchase", navigation="gatepass_PurchaseId", relationship="gatepass_eventpurchase_notification", loose=True, settable=_NEVER),
        flag("gatepass_live", "Live money", settable=_NEVER, default=None),
        # None when its time of keeping is over.
        ours("body", Kind.BYTES),
        choice("gatepass_state", choices.NOTIFICATION_STATE, "State", length=20, required=True, settable=_NEVER),
        text("gatepass_reason", 1000, "Reason", settable=_NEVER),
        moment("createdon", "Received", sql="received", required=True, settable=_NEVER),
        moment("gatepass_handledon", "Handled", sql="handled", settable=_NEVER),
        version(),
    ),
    access=Access.READ,
    code=10043,
)  # fmt: skip

TABLES = (PAYMENT_PROVIDER, PAYMENT, REFUND, NOTIFICATION)
