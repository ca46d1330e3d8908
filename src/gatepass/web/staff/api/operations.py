"""Every operation of the staff API, and the scope that it needs: one line each. The OpenAPI document derives from it."""

from collections.abc import Sequence

from starlette.routing import Route

from gatepass.services.tokens import Scope
from gatepass.web.staff.api import events, purchases, setting_up, watching
from gatepass.web.staff.api.door import Operation, route
from gatepass.web.staff.api.events import A_PASS, A_QUESTION, AN_EVENT, THE_PASSES, THE_QUESTIONS
from gatepass.web.staff.api.setting_up import A_PROVIDER, A_SITE, PROVIDERS, SITES
from gatepass.web.staff.api.types.setting_up import (
    CopyIn,
    EventLines,
    EventQuery,
    FindingsOut,
    InviteIn,
    KeyIn,
    PeopleOut,
    PersonOut,
    ReasonIn,
    RoleIn,
    SwitchesOut,
    SwitchIn,
    SwitchOut,
    TokenOut,
)
from gatepass.web.staff.api.types.watching import (
    AttentionLines,
    AttentionQuery,
    AuditLines,
    AuditQuery,
    FiguresOut,
    PeriodQuery,
)
from gatepass.web.staff.api.types.work import (
    AttendeeIn,
    CallOffIn,
    ForecastOut,
    PreviewOut,
    PurchaseLines,
    PurchaseOut,
    PurchaseQuery,
    RefundIn,
    RefundsOut,
    ResendIn,
    SettledOut,
)

READ, SETUP, WORK, MONEY, ADMIN = Scope
_EVENT, _ORDER, _PROVIDER = "/events/{event_id}", "/purchases/{purchase_id}", "/providers/{provider_id}"
_SITE, _PERSON, _ENTRY = "/web-applications/{site_id}", "/people/{user_id}", "/attention/{entry_id}"
_PASS, _QUESTION, _KEY = (
    f"{_EVENT}/passes/{{pass_id}}",
    f"{_EVENT}/questions/{{question_id}}",
    f"{_PROVIDER}/keys/{{name}}",
)

OPERATIONS: Sequence[Operation] = (
    Operation("GET", "/events", events.listed, READ, EventLines, asks=EventQuery),
    Operation("POST", "/events", events.create, SETUP, AN_EVENT.told, AN_EVENT.new, status=201),
    Operation("GET", _EVENT, events.show, READ, AN_EVENT.told),
    Operation("PATCH", _EVENT, events.change, SETUP, AN_EVENT.told, AN_EVENT.change),
    Operation("POST", f"{_EVENT}/publish", events.publish, SETUP, AN_EVENT.told),
    Operation("POST", f"{_EVENT}/take-back", events.take_back, SETUP, AN_EVENT.told),
    Operation("POST", f"{_EVENT}/copy", events.copy, SETUP, AN_EVENT.told, CopyIn, status=201),
    Operation("POST", f"{_EVENT}/passes", THE_PASSES.create, SETUP, AN_EVENT.told, A_PASS.new, status=201),
    Operation("PATCH", _PASS, THE_PASSES.change, SETUP, AN_EVENT.told, A_PASS.change),
    Operation("DELETE", _PASS, THE_PASSES.remove, SETUP, AN_EVENT.told),
    Operation("POST", f"{_EVENT}/questions", THE_QUESTIONS.create, SETUP, AN_EVENT.told, A_QUESTION.new, status=201),
    Operation("PATCH", _QUESTION, THE_QUESTIONS.change, SETUP, AN_EVENT.told, A_QUESTION.change),
    Operation("DELETE", _QUESTION, THE_QUESTIONS.remove, SETUP, AN_EVENT.told),
    Operation("GET", f"{_EVENT}/call-off", events.forecast, READ, ForecastOut),
    Operation("POST", f"{_EVENT}/call-off", events.call_off, MONEY, ForecastOut, CallOffIn, moves_money=True),
    Operation("GET", f"{_EVENT}/figures", watching.event_figures, READ, FiguresOut, asks=PeriodQuery),
    Operation("GET", "/figures", watching.all_figures, READ, FiguresOut, asks=PeriodQuery),
    Operation("GET", "/purchases", purchases.found, READ, PurchaseLines, asks=PurchaseQuery),
    Operation("GET", _ORDER, purchases.show, READ, PurchaseOut),
    Operation("POST", f"{_ORDER}/refunds/preview", purchases.preview, READ, PreviewOut, RefundIn),
    Operation("POST", f"{_ORDER}/refunds", purchases.refund, MONEY, RefundsOut, RefundIn, status=201, moves_money=True),
    Operation("POST", f"{_ORDER}/settle", purchases.settle, MONEY, SettledOut, ReasonIn, moves_money=True),
    Operation("POST", f"{_ORDER}/cancel", purchases.cancel, MONEY, SettledOut, ReasonIn, moves_money=True),
    Operation("POST", f"{_ORDER}/resend", purchases.resend, WORK, None, ResendIn),
    Operation("PATCH", f"{_ORDER}/attendees/{{attendee_id}}", purchases.change_attendee, WORK, PurchaseOut, AttendeeIn),
    Operation("GET", "/attention", watching.needing_attention, READ, AttentionLines, asks=AttentionQuery),
    Operation("POST", f"{_ENTRY}/close", watching.close, MONEY, None, ReasonIn),
    Operation("POST", f"{_ENTRY}/again", watching.again, MONEY, None),
    Operation("GET", "/providers", setting_up.providers, ADMIN, PROVIDERS),
    Operation("POST", "/providers", setting_up.add_provider, ADMIN, A_PROVIDER.told, A_PROVIDER.new, status=201),
    Operation("GET", _PROVIDER, setting_up.provider, ADMIN, A_PROVIDER.told),
    Operation("PATCH", _PROVIDER, setting_up.change_provider, ADMIN, A_PROVIDER.told, A_PROVIDER.change),
    Operation("PUT", _KEY, setting_up.set_key, ADMIN, A_PROVIDER.told, KeyIn),
    Operation("DELETE", _KEY, setting_up.remove_key, ADMIN, A_PROVIDER.told),
    Operation("POST", f"{_PROVIDER}/webhook", setting_up.register_webhook, ADMIN, A_PROVIDER.told),
    Operation("GET", f"{_PROVIDER}/check", setting_up.check_provider, ADMIN, FindingsOut),
    Operation("GET", "/web-applications", setting_up.web_applications, ADMIN, SITES),
    Operation("POST", "/web-applications", setting_up.add_web_application, ADMIN, A_SITE.told, A_SITE.new, status=201),
    Operation("GET", _SITE, setting_up.web_application, ADMIN, A_SITE.told),
    Operation("PATCH", _SITE, setting_up.change_web_application, ADMIN, A_SITE.told, A_SITE.change),
    Operation("POST", f"{_SITE}/token", setting_up.rotate_token, ADMIN, TokenOut, status=201),
    Operation("DELETE", f"{_SITE}/old-token", setting_up.end_old_token, ADMIN, None),
    Operation("GET", "/switches", setting_up.all_switches, ADMIN, SwitchesOut),
    Operation("PUT", "/switches/{name}", setting_up.put_switch, ADMIN, SwitchOut, SwitchIn),
    Operation("GET", "/people", setting_up.everybody, ADMIN, PeopleOut),
    Operation("POST", "/people", setting_up.invite, ADMIN, PersonOut, InviteIn, status=201),
    Operation("GET", _PERSON, setting_up.person, ADMIN, PersonOut),
    Operation("PUT", f"{_PERSON}/role", setting_up.set_role, ADMIN, PersonOut, RoleIn),
    Operation("POST", f"{_PERSON}/disable", setting_up.disable, ADMIN, PersonOut, ReasonIn),
    Operation("POST", f"{_PERSON}/enable", setting_up.enable, ADMIN, PersonOut, ReasonIn),
    Operation("POST", f"{_PERSON}/link", setting_up.send_link, ADMIN, PersonOut, ReasonIn),
    Operation("GET", "/audit", watching.audited, ADMIN, AuditLines, asks=AuditQuery),
)
_OF_EVENTS = ("/events", "/purchases", "/figures", "/web-applications", "/providers", "/switches")


def routes(*, remote: bool = False) -> list[Route]:
    """For the table of all routes. `remote`: without those of events and purchases, which live elsewhere, and of their set-up."""
    return [route(one) for one in OPERATIONS if not (remote and one.path.startswith(_OF_EVENTS))]
