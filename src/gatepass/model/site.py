"""Who may show the form where, and how registrations are treated."""

from gatepass.model import choices
from gatepass.model.build import choice, column, key, ours, standard, text
from gatepass.model.columns import Kind, Set
from gatepass.model.table import Ownership, Table

WEB_APPLICATION = Table(
    "web_application",
    "msevtmgt_webapplication",
    "msevtmgt_webapplications",
    "msevtmgt_WebApplication",
    "Web application",
    "Web applications",
    "msevtmgt_name",
    (
        key("msevtmgt_webapplicationid"),
        text("msevtmgt_name", 100, "Name", required=True),
        column(Kind.LIST, "msevtmgt_origin", "Origin", sql="origins", length=1000, required=True),
        text("msevtmgt_token", 300, "Token", required=True, unique=True, settable=Set.NEVER),
        # The token before this one counts a while longer, so that a site can be changed without a gap.
        ours("old_token", Kind.TEXT, length=300, unique=True),
        ours("old_token_ends", Kind.MOMENT),
        ours("last_used", Kind.MOMENT),
        text("gatepass_returnurl", 1000, "Return URL", sql="return_url"),
        choice("msevtmgt_userauthenticationtype", choices.USER_AUTHENTICATION, "User authentication type"),
        text("msevtmgt_aadclientid", 100, "AAD client ID"),
        text("msevtmgt_aadmetadataendpoint", 1000, "AAD metadata endpoint"),
        *standard(owned=False),
    ),
    ownership=Ownership.ORGANIZATION,
    code=10050,
)

EVENT_ADMINISTRATION = Table(
    "event_administration",
    "msevtmgt_eventadministration",
    "msevtmgt_eventadministration",
    "msevtmgt_EventAdministration",
    "Event administration",
    "Event administration",
    "msevtmgt_name",
    (
        key("msevtmgt_eventadministrationid"),
        text("msevtmgt_name", 100, "Name", required=True),
        choice("msevtmgt_contactmatchingstrategy", choices.MATCHING, "Contact matching strategy", required=True, default=100000002),
        choice("msevtmgt_sendmailtopurchaser", choices.NO_YES, "Send mail to purchaser"),
        choice("msevtmgt_sendmailtoeventattendee", choices.NO_YES, "Send mail to event attendee"),
        choice("msevtmgt_enablefinalizationendpoints", choices.NO_YES, "Enable demo payment confirmation", settable=Set.NEVER),
        *standard(owned=False),
    ),
    ownership=Ownership.ORGANIZATION,
    code=10051,
)  # fmt: skip

TABLES = (WEB_APPLICATION, EVENT_ADMINISTRATION)
