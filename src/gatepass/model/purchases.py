"""Orders: the purchase with its people, as the rows of our own flows show them.

One SQL row `attendee` is three rows to Dataverse: the attendee, the contact data it came with, and the pass it wants.
"""

from gatepass.model import choices
from gatepass.model.build import (
    YES_NO,
    choice,
    column,
    constant,
    currency,
    flag,
    integer,
    kept,
    key,
    lookup,
    mapped,
    memo,
    moment,
    money,
    ours,
    same,
    text,
    version,
)
from gatepass.model.columns import Kind, Set
from gatepass.model.table import Access, Key, Table

_NEVER = Set.NEVER

PURCHASE = Table(
    "purchase",
    "msevtmgt_eventpurchase",
    "msevtmgt_eventpurchases",
    "msevtmgt_EventPurchase",
    "Event purchase",
    "Event purchases",
    "msevtmgt_name",
    (
        key("msevtmgt_eventpurchaseid", settable=_NEVER),
        text("msevtmgt_name", 100, "Name", required=True, default="", filled=True),
        lookup("msevtmgt_eventid", "msevtmgt_event", "Event", navigation="msevtmgt_EventId", relationship="msevtmgt_msevtmgt_event_msevtmgt_eventpurchase", required=True, index=False, settable=Set.CREATE),
        lookup("msevtmgt_purchasingcontactid", "contact", "Purchasing contact", navigation="msevtmgt_PurchasingContactId", relationship="msevtmgt_contact_msevtmgt_eventpurchase", sql="contact_id"),
        choice("gatepass_status", choices.PURCHASE_STATUS, "Status of the order", sql="status", length=20, required=True, settable=_NEVER),
        mapped(Kind.CHOICE, "msevtmgt_paymentstatus", "status", choices.PAYMENT_STATUS_OF, "Payment status", options=choices.PAYMENT_STATUS),
        mapped(Kind.BOOLEAN, "msevtmgt_paid", "status", {"completed": True, "paid_late": True, "waitlisted": True}, "Paid", otherwise=False),
        mapped(Kind.BOOLEAN, "msevtmgt_processed", "status", {"awaiting_payment": False}, "Processed", otherwise=True),
        money("msevtmgt_totalprice", "Total price", sql="total_minor", required=True, settable=Set.CREATE),
        same(Kind.MONEY, "msevtmgt_totalprice_base", "total_minor", "Total price (Base)"),
        currency(relationship="TransactionCurrency_msevtmgt_eventpurchase", settable=Set.CREATE),
        constant(Kind.DECIMAL, "exchangerate", 1, "Exchange Rate"),
        flag("gatepass_live", "Live money", settable=_NEVER, default=None),
        lookup("msevtmgt_paymentproviderid", "msevtmgt_paymentprovider", "Payment provider", navigation="msevtmgt_PaymentProviderId", sql="payment_provider_id", settable=_NEVER, index=False),
        lookup("msevtmgt_webapplicationid", "msevtmgt_webapplication", "Web application", navigation="msevtmgt_WebApplicationId", sql="web_application_id", settable=_NEVER, index=False),
        text("gatepass_returnurl", 2000, "Return URL", sql="return_url", settable=_NEVER),
        text("gatepass_items", 500, "Items", required=True, settable=_NEVER),
        text("gatepass_locale", 20, "Locale", required=True, settable=_NEVER),
        ours("idempotency_key", Kind.TEXT, length=300, unique=True),
        ours("wish", Kind.TEXT, length=64),
        moment("gatepass_holduntil", "Hold until", sql="hold_until", settable=_NEVER),
        *kept(),
    ),
    access=Access.KEPT,
    code=10020,
)  # fmt: skip

ATTENDEE = Table(
    "attendee",
    "msevtmgt_eventpurchaseattendee",
    "msevtmgt_eventpurchaseattendees",
    "msevtmgt_EventPurchaseAttendee",
    "Event purchase attendee",
    "Event purchase attendees",
    "msevtmgt_name",
    (
        key("msevtmgt_eventpurchaseattendeeid"),
        lookup("msevtmgt_purchaseid", "msevtmgt_eventpurchase", "Purchase", navigation="msevtmgt_PurchaseId", relationship="msevtmgt_eventpurchase_eventpurchaseattendee", sql="purchase_id", required=True, settable=_NEVER),
        same(Kind.TEXT, "msevtmgt_name", "email", "Name", length=100),
        same(Kind.LOOKUP, "msevtmgt_eventpurchasecontactid", "id", "Event purchase contact", targets=("msevtmgt_eventpurchasecontact",), navigation="msevtmgt_eventpurchasecontactid"),
        lookup("msevtmgt_attendeecontactid", "contact", "Contact", navigation="msevtmgt_AttendeeContactId", sql="contact_id"),
        integer("gatepass_position", "Position", required=True, settable=_NEVER),
        ours("pass_id", Kind.LOOKUP, targets=("msevtmgt_pass",)),
        ours("price_minor", Kind.MONEY, required=True),
        ours("first_name", Kind.TEXT, length=50, required=True),
        ours("last_name", Kind.TEXT, length=50, required=True),
        ours("email", Kind.TEXT, length=100, required=True),
        ours("answers", Kind.JSON, required=True),
        version(),
    ),
    access=Access.READ,
    code=10021,
)  # fmt: skip

PURCHASE_CONTACT = Table(
    "purchase_contact",
    "msevtmgt_eventpurchasecontact",
    "msevtmgt_eventpurchasecontacts",
    "msevtmgt_EventPurchaseContact",
    "Event purchase contact",
    "Event purchase contacts",
    "msevtmgt_fullname",
    (
        key("msevtmgt_eventpurchasecontactid"),
        same(Kind.TEXT, "msevtmgt_fullname", "email", "Full name", length=160),
        text("msevtmgt_firstname", 50, "First name", sql="first_name", settable=_NEVER),
        text("msevtmgt_lastname", 50, "Last name", sql="last_name", settable=_NEVER),
        text("msevtmgt_emailaddress1", 100, "Email", sql="email", settable=_NEVER),
        version(),
    ),
    access=Access.READ,
    face_of="attendee",
    code=10022,
)

PURCHASE_PASS = Table(
    "purchase_pass",
    "msevtmgt_eventpurchasepass",
    "msevtmgt_eventpurchasepasses",
    "msevtmgt_EventPurchasePass",
    "Event purchase pass",
    "Event purchase passes",
    "msevtmgt_name",
    (
        key("msevtmgt_eventpurchasepassid"),
        same(Kind.TEXT, "msevtmgt_name", "email", "Name", length=100),
        same(Kind.LOOKUP, "msevtmgt_attendeeid", "id", "Attendee", targets=("msevtmgt_eventpurchaseattendee",), navigation="msevtmgt_AttendeeId"),
        lookup("msevtmgt_passid", "msevtmgt_pass", "Pass", sql="pass_id", settable=_NEVER),
        version(),
    ),
    access=Access.READ,
    face_of="attendee",
    only_with="pass_id",
    code=10023,
)  # fmt: skip

REGISTRATION = Table(
    "registration",
    "msevtmgt_eventregistration",
    "msevtmgt_eventregistrations",
    "msevtmgt_EventRegistration",
    "Event registration",
    "Event registrations",
    "msevtmgt_name",
    (
        key("msevtmgt_eventregistrationid"),
        text("msevtmgt_name", 100, "Registration ID", required=True, default="", filled=True, settable=_NEVER),
        lookup("msevtmgt_eventid", "msevtmgt_event", "Event", navigation="msevtmgt_EventId", relationship="msevtmgt_event_eventregistration", required=True, settable=_NEVER),
        lookup("msevtmgt_contactid", "contact", "Contact", navigation="msevtmgt_ContactId", relationship="msevtmgt_contact_eventregistration", settable=_NEVER),
        lookup("gatepass_purchaseid", "msevtmgt_eventpurchase", "Purchase", navigation="gatepass_PurchaseId", relationship="gatepass_eventpurchase_eventregistration", required=True, settable=_NEVER),
        lookup("gatepass_attendeeid", "msevtmgt_eventpurchaseattendee", "Attendee", navigation="gatepass_AttendeeId", relationship="gatepass_attendee_eventregistration", required=True, unique=True, index=False, settable=_NEVER),
        mapped(Kind.BOOLEAN, "msevtmgt_iscanceled", "status", {"cancelled": True}, "Is canceled", otherwise=False),
        flag("gatepass_disputed", "Disputed", sql="disputed", settable=_NEVER),
        moment("gatepass_cancelled", "Cancelled on", settable=_NEVER),
        choice("msevtmgt_primaryrole", choices.PRIMARY_ROLE, "Primary role"),
        memo("msevtmgt_memo", 2000, "Memo"),
        constant(Kind.BOOLEAN, "msevtmgt_createdfromapi", True, "Created from API", choice=YES_NO),
        *kept(
            "created",
            state=mapped(Kind.STATE, "statecode", "status", {"cancelled": 1}, "Status", otherwise=0, options=choices.ACTIVE),
            reason=column(Kind.STATUS, "statuscode", "Status Reason", sql="status", length=20, required=True, settable=_NEVER, choice=choices.REGISTRATION_REASON),
        ),
    ),
    access=Access.KEPT,
    code=10024,
)  # fmt: skip

ATTENDEE_PASS = Table(
    "attendee_pass",
    "msevtmgt_attendeepass",
    "msevtmgt_attendeepasses",
    "msevtmgt_AttendeePass",
    "Attendee pass",
    "Attendee passes",
    "msevtmgt_name",
    (
        key("msevtmgt_attendeepassid"),
        text("msevtmgt_name", 40, "Name", sql="code", required=True, unique=True, settable=_NEVER),
        lookup("msevtmgt_eventregistrationid", "msevtmgt_eventregistration", "Event registration", navigation="msevtmgt_EventRegistrationId", relationship="msevtmgt_eventregistration_attendeepass", sql="registration_id", required=True, unique=True, index=False, settable=_NEVER),
        lookup("msevtmgt_pass", "msevtmgt_pass", "Pass", relationship="msevtmgt_pass_attendeepass", index=False, settable=_NEVER),
        money("msevtmgt_passprice", "Pass price", sql="price_minor", required=True, settable=_NEVER),
        currency(settable=_NEVER),
        version(),
    ),
    access=Access.READ,
    keys=(Key("msevtmgt_name_key", ("msevtmgt_name",)),),
    code=10025,
)  # fmt: skip

TABLES = (PURCHASE, ATTENDEE, PURCHASE_CONTACT, PURCHASE_PASS, REGISTRATION, ATTENDEE_PASS)
