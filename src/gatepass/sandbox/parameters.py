"""What each call takes: one table per call. The sandbox plays every parameter that stands here, and refuses the others."""

from collections.abc import Mapping

from gatepass.sandbox.forms import Either, Flag, Integer, Kind, Many, Metadata, OneOf, Text, Tree, Url

EXPAND = Many(Text(), 20)
_EXPAND: Mapping[str, Kind] = {"expand": EXPAND}
_RANGE = Tree({"gt": Integer(), "gte": Integer(), "lt": Integer(), "lte": Integer()})
CREATED = Either(Integer(), _RANGE)
_PAGE: Mapping[str, Kind] = {
    "limit": Integer(1, 100),
    "starting_after": Text(),
    "ending_before": Text(),
    "expand": EXPAND,
}
EMPTY = Tree(_EXPAND)
AMOUNT = Integer(0)


def listing(**filters: Kind) -> Tree:
    return Tree({**_PAGE, **filters})


PRODUCT_DATA = Tree(
    {
        "name": Text(250),
        "description": Text(40_000),
        "images": Many(Url(), 8),
        "metadata": Metadata(),
        "tax_code": Text(),
        "unit_label": Text(12),
    },
    required=("name",),
)
PRICE_DATA = Tree(
    {
        "currency": Text(3),
        "unit_amount": AMOUNT,
        "unit_amount_decimal": Text(),
        "product": Text(),
        "product_data": PRODUCT_DATA,
        "tax_behavior": OneOf(("exclusive", "inclusive", "unspecified")),
    },
    required=("currency",),
)
LINE_ITEM = Tree({"price": Text(), "price_data": PRICE_DATA, "quantity": Integer(1, 999_999), "metadata": Metadata()})
INTENT_DATA = Tree(
    {
        "metadata": Metadata(),
        "description": Text(1_000),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
        "receipt_email": Text(),
        "transfer_group": Text(),
    }
)
CUSTOM_TEXT = Tree(
    {
        name: Either(Text(empty=True), Tree({"message": Text(1_200)}, required=("message",)))
        for name in ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    }
)

SESSION_CREATE = Tree(
    {
        **_EXPAND,
        "mode": OneOf(("payment", "setup", "subscription")),
        "line_items": Many(LINE_ITEM, 100),
        "success_url": Url(),
        "cancel_url": Url(),
        "client_reference_id": Text(200),
        "customer_email": Text(800),
        "currency": Text(3),
        "expires_at": Integer(0),
        "metadata": Metadata(),
        "payment_intent_data": INTENT_DATA,
        "locale": Text(10),
        "submit_type": OneOf(("auto", "book", "donate", "pay", "subscribe")),
        "custom_text": CUSTOM_TEXT,
        "ui_mode": OneOf(("elements", "embedded_page", "form", "hosted_page")),
        "customer_creation": OneOf(("always", "if_required")),
        "billing_address_collection": OneOf(("auto", "required")),
        "allowed_payment_method_types": Many(OneOf(("card", "sepa_debit"))),
        "integration_identifier": Text(200),
    }
)
SESSION_UPDATE = Tree({**_EXPAND, "metadata": Metadata()})
SESSION_LIST = listing(
    payment_link=Text(),
    payment_intent=Text(),
    status=OneOf(("complete", "expired", "open")),
    created=CREATED,
    customer_details=Tree({"email": Text()}, required=("email",)),
)

_AFTER_COMPLETION = Tree(
    {
        "type": OneOf(("hosted_confirmation", "redirect")),
        "redirect": Tree({"url": Url()}, required=("url",)),
        "hosted_confirmation": Tree({"custom_message": Text(500)}),
    },
    required=("type",),
)
_COMPLETED_SESSIONS = Tree({"limit": Integer(1)}, required=("limit",))
_RESTRICTIONS = Either(Text(empty=True), Tree({"completed_sessions": _COMPLETED_SESSIONS}, ("completed_sessions",)))
_LINK: Mapping[str, Kind] = {
    **_EXPAND,
    "after_completion": _AFTER_COMPLETION,
    "inactive_message": Text(500, empty=True),
    "metadata": Metadata(),
    "payment_intent_data": INTENT_DATA,
    "restrictions": _RESTRICTIONS,
    "submit_type": OneOf(("auto", "book", "donate", "pay", "subscribe")),
    "custom_text": CUSTOM_TEXT,
    "customer_creation": OneOf(("always", "if_required")),
    "billing_address_collection": OneOf(("auto", "required")),
    "payment_method_types": Many(OneOf(("card", "sepa_debit"))),
}
LINK_CREATE = Tree({**_LINK, "line_items": Many(LINE_ITEM, 20), "currency": Text(3)}, required=("line_items",))
LINK_UPDATE = Tree({**_LINK, "active": Flag()})
LINK_LIST = listing(active=Flag())

_PRODUCT: Mapping[str, Kind] = {
    **_EXPAND,
    "name": Text(250),
    "active": Flag(),
    "description": Text(40_000, empty=True),
    "images": Many(Url(), 8),
    "metadata": Metadata(),
    "shippable": Flag(),
    "statement_descriptor": Text(22),
    "tax_code": Text(),
    "unit_label": Text(12),
    "url": Url(),
}
_DEFAULT_PRICE = Tree({"currency": Text(3), "unit_amount": AMOUNT, "unit_amount_decimal": Text()}, ("currency",))
PRODUCT_CREATE = Tree({**_PRODUCT, "id": Text(), "default_price_data": _DEFAULT_PRICE}, required=("name",))
PRODUCT_UPDATE = Tree({**_PRODUCT, "default_price": Text()})
PRODUCT_LIST = listing(active=Flag(), created=CREATED, ids=Many(Text()))
PRICE_CREATE = Tree(
    {
        **_EXPAND,
        "currency": Text(3),
        "unit_amount": AMOUNT,
        "unit_amount_decimal": Text(),
        "product": Text(),
        "product_data": PRODUCT_DATA,
        "active": Flag(),
        "nickname": Text(),
        "lookup_key": Text(200),
        "metadata": Metadata(),
        "tax_behavior": OneOf(("exclusive", "inclusive", "unspecified")),
        "billing_scheme": OneOf(("per_unit",)),
    },
    required=("currency",),
)
PRICE_UPDATE = Tree({**_EXPAND, "active": Flag(), "nickname": Text(), "metadata": Metadata()})
PRICE_LIST = listing(
    active=Flag(), created=CREATED, currency=Text(3), product=Text(), type=OneOf(("one_time", "recurring"))
)

_AUTOMATIC = Tree({"enabled": Flag(), "allow_redirects": OneOf(("always", "never"))}, required=("enabled",))
_INTENT: Mapping[str, Kind] = {
    **_EXPAND,
    "description": Text(1_000),
    "metadata": Metadata(),
    "payment_method": Text(),
    "receipt_email": Text(),
    "statement_descriptor": Text(22),
    "statement_descriptor_suffix": Text(22),
    "transfer_group": Text(),
}
INTENT_CREATE = Tree(
    {
        **_INTENT,
        "amount": AMOUNT,
        "currency": Text(3),
        "confirm": Flag(),
        "automatic_payment_methods": _AUTOMATIC,
        "capture_method": OneOf(("automatic", "automatic_async")),
        "confirmation_method": OneOf(("automatic", "manual")),
        "return_url": Url(),
        "off_session": Flag(),
        "error_on_requires_action": Flag(),
        "allowed_payment_method_types": Many(OneOf(("card", "sepa_debit"))),
    },
    required=("amount", "currency"),
)
INTENT_UPDATE = Tree({**_INTENT, "amount": AMOUNT, "currency": Text(3)})
INTENT_GET = Tree({**_EXPAND, "client_secret": Text()})
# The members of a card are not in Stripe's description: only Stripe.js sends them, from its own frame.
_CARD = Tree({"number": Text(30), "exp_month": Text(2), "exp_year": Text(4), "cvc": Text(4)}, required=("number",))
_TYPED = Tree(
    {"type": OneOf(("card", "sepa_debit")), "card": _CARD, "sepa_debit": Tree({"iban": Text(34)}, required=("iban",))},
    required=("type",),
)
INTENT_CONFIRM = Tree(
    {
        **_EXPAND,
        "client_secret": Text(),
        "payment_method_data": _TYPED,
        "payment_method": Text(),
        "return_url": Url(),
        "receipt_email": Text(),
        "off_session": Flag(),
        "error_on_requires_action": Flag(),
        "use_stripe_sdk": Flag(),
    }
)
INTENT_CANCEL = Tree(
    {**_EXPAND, "cancellation_reason": OneOf(("abandoned", "duplicate", "fraudulent", "requested_by_customer"))}
)
CREATED_LIST = listing(created=CREATED)
CHARGE_LIST = listing(created=CREATED, payment_intent=Text())
DISPUTE_LIST = listing(created=CREATED, payment_intent=Text(), charge=Text())
REFUND_LIST = DISPUTE_LIST
REFUND_CREATE = Tree(
    {
        **_EXPAND,
        "amount": Integer(1),
        "charge": Text(),
        "payment_intent": Text(),
        "metadata": Metadata(),
        "reason": OneOf(("duplicate", "fraudulent", "requested_by_customer")),
    }
)
_LONG_EVIDENCE = """
access_activity_log cancellation_policy_disclosure cancellation_rebuttal duplicate_charge_explanation
product_description refund_policy_disclosure refund_refusal_explanation uncategorized_text
"""
# The second half are ids of uploaded files.
_SHORT_EVIDENCE = """
billing_address customer_email_address customer_name customer_purchase_ip duplicate_charge_id service_date
shipping_address shipping_carrier shipping_date shipping_tracking_number
cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt refund_policy
service_documentation shipping_documentation uncategorized_file
"""
_EVIDENCE = Tree(
    {name: Text(20_000, empty=True) for name in _LONG_EVIDENCE.split()}
    | {name: Text(5_000, empty=True) for name in _SHORT_EVIDENCE.split()}
)
DISPUTE_UPDATE = Tree({**_EXPAND, "evidence": _EVIDENCE, "metadata": Metadata(), "submit": Flag()})
METADATA_UPDATE = Tree({**_EXPAND, "metadata": Metadata()})
TRANSACTION_LIST = listing(created=CREATED, source=Text(), type=Text(), currency=Text(3))

_ENDPOINT: Mapping[str, Kind] = {
    **_EXPAND,
    "url": Url(),
    "enabled_events": Many(Text(), 500),
    "description": Text(5_000, empty=True),
    "metadata": Metadata(),
}
ENDPOINT_CREATE = Tree({**_ENDPOINT, "api_version": Text()}, required=("enabled_events", "url"))
ENDPOINT_UPDATE = Tree({**_ENDPOINT, "disabled": Flag()})
EVENT_LIST = listing(type=Text(), types=Many(Text(), 20), created=CREATED, delivery_success=Flag())
