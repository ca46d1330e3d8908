"""Every page and action of the staff app, and the roles that may: one line each. tests/staff/test_roles.py walks through all."""

from collections.abc import Sequence

from starlette.routing import Route

from gatepass.web.staff import (
    account,
    attention,
    audit,
    call_off,
    elsewhere,
    events,
    figures,
    helping,
    links,
    overview,
    passes,
    people,
    pictures,
    providers,
    purchases,
    refunds,
    remote_help,
    remote_setup,
    sign_in,
    sites,
    switches,
    tokens,
    waiting,
)
from gatepass.web.staff.door import (
    ADMINISTERS,
    CARES,
    EVERYBODY,
    MOVES_MONEY,
    SECOND_FACTOR,
    SETS_UP,
    Open,
    Page,
    route,
)


def _pages_of(part: passes.Part) -> Sequence[Page]:
    all_of = f"/staff/events/{{event_id}}/{part.path}"
    one = f"{all_of}/{{{part.word}_id}}"
    return (
        Page("GET", f"{all_of}/new", part.new_form, SETS_UP),
        Page("POST", f"{all_of}/new", part.create, SETS_UP),
        Page("GET", one, part.show, SETS_UP),
        Page("POST", one, part.change, SETS_UP),
        Page("POST", f"{one}/remove", part.remove, SETS_UP),
    )


PAGES: Sequence[Page | Open] = (
    Open("GET", "/staff/sign-in", sign_in.form),
    Open("POST", "/staff/sign-in", sign_in.submit),
    Open("GET", "/staff/sign-in/code", sign_in.code_form),
    Open("POST", "/staff/sign-in/code", sign_in.code),
    Open("GET", "/staff/sign-in/elsewhere", elsewhere.begin),
    Open("GET", "/staff/sign-in/back", elsewhere.back),
    Open("GET", "/staff/forgot", sign_in.forgot_form),
    Open("POST", "/staff/forgot", sign_in.forgot),
    Open("GET", "/staff/link/{token}", links.form),
    Open("POST", "/staff/link/{token}", links.submit),
    Open("GET", "/staff/first/{token}", links.first_form),
    Open("POST", "/staff/first/{token}", links.first),
    Page("POST", "/staff/sign-out", sign_in.sign_out, EVERYBODY, without_second_factor=True),
    Page("GET", "/staff/confirm", sign_in.confirm_form, EVERYBODY),
    Page("POST", "/staff/confirm", sign_in.confirm, EVERYBODY),
    Page("GET", "/staff/account", account.show, EVERYBODY),
    Page("POST", "/staff/account/password", account.password, EVERYBODY),
    Page("POST", "/staff/account/sign-out", account.sign_out_elsewhere, EVERYBODY),
    Page("GET", SECOND_FACTOR, account.second_factor_form, EVERYBODY, without_second_factor=True),
    Page("POST", SECOND_FACTOR, account.begin_second_factor, EVERYBODY, without_second_factor=True, fresh=True),
    Page("POST", f"{SECOND_FACTOR}/code", account.finish_second_factor, EVERYBODY, without_second_factor=True),
    Page("POST", f"{SECOND_FACTOR}/recovery", account.new_recovery_codes, EVERYBODY, fresh=True),
    Page("POST", f"{SECOND_FACTOR}/off", account.end_second_factor, EVERYBODY, fresh=True),
    Page("GET", "/staff/people", people.listed, ADMINISTERS),
    Page("POST", "/staff/people", people.invite, ADMINISTERS, fresh=True),
    Page("GET", "/staff/people/{user_id}", people.show, ADMINISTERS),
    Page("POST", "/staff/people/{user_id}/role", people.set_role, ADMINISTERS, fresh=True),
    Page("POST", "/staff/people/{user_id}/disable", people.disable, ADMINISTERS, fresh=True),
    Page("POST", "/staff/people/{user_id}/enable", people.enable, ADMINISTERS, fresh=True),
    Page("POST", "/staff/people/{user_id}/link", people.send_link, ADMINISTERS, fresh=True),
    Page("POST", "/staff/people/{user_id}/second-factor", people.end_second_factor, ADMINISTERS, fresh=True),
    Page("POST", "/staff/people/{user_id}/sign-out", people.sign_out, ADMINISTERS),
    Page("GET", "/staff/audit", audit.show, MOVES_MONEY),
    Page("GET", "/staff", overview.home, EVERYBODY),
    Page("GET", "/staff/events", events.listed, EVERYBODY),
    Page("GET", "/staff/events/new", events.new_form, SETS_UP),
    Page("POST", "/staff/events/new", events.create, SETS_UP),
    Page("GET", "/staff/events/{event_id}", events.show, EVERYBODY),
    Page("GET", "/staff/events/{event_id}/edit", events.edit_form, SETS_UP),
    Page("POST", "/staff/events/{event_id}/edit", events.edit, SETS_UP),
    Page("POST", "/staff/events/{event_id}/publish", events.publish, SETS_UP),
    Page("POST", "/staff/events/{event_id}/take-back", events.take_back, SETS_UP),
    Page("POST", "/staff/events/{event_id}/copy", events.copy, SETS_UP),
    *(page for part in passes.PARTS for page in _pages_of(part)),
    Page("POST", "/staff/events/{event_id}/picture", pictures.give, SETS_UP),
    Page("GET", "/staff/sites", sites.listed, ADMINISTERS),
    Page("GET", "/staff/sites/new", sites.new_form, ADMINISTERS, fresh=True),
    Page("POST", "/staff/sites/new", sites.create, ADMINISTERS, fresh=True),
    Page("GET", "/staff/sites/{site_id}", sites.show, ADMINISTERS),
    Page("POST", "/staff/sites/{site_id}", sites.change, ADMINISTERS, fresh=True),
    Page("POST", "/staff/sites/{site_id}/token", sites.rotate, ADMINISTERS, fresh=True),
    Page("POST", "/staff/sites/{site_id}/token/end-old", sites.end_old_token, ADMINISTERS),
    Page("GET", "/staff/providers", providers.listed, ADMINISTERS),
    Page("GET", "/staff/providers/new", providers.new_form, ADMINISTERS, fresh=True),
    Page("POST", "/staff/providers/new", providers.create, ADMINISTERS, fresh=True),
    Page("GET", "/staff/providers/{provider_id}", providers.show, ADMINISTERS),
    Page("POST", "/staff/providers/{provider_id}", providers.change, ADMINISTERS, fresh=True),
    Page("GET", "/staff/providers/{provider_id}/check", providers.check, ADMINISTERS),
    Page("POST", "/staff/providers/{provider_id}/keys", providers.set_key, ADMINISTERS, fresh=True),
    Page("POST", "/staff/providers/{provider_id}/keys/remove", providers.remove_key, ADMINISTERS, fresh=True),
    Page("POST", "/staff/providers/{provider_id}/webhook", providers.register_webhook, ADMINISTERS, fresh=True),
    Page("POST", "/staff/providers/{provider_id}/test-payment", providers.test_payment, ADMINISTERS),
    Page("GET", "/staff/switches", switches.listed, ADMINISTERS),
    Page("POST", "/staff/switches", switches.put, ADMINISTERS, fresh=True),
    Page("GET", "/staff/tokens", tokens.listed, ADMINISTERS),
    Page("POST", "/staff/tokens", tokens.create, ADMINISTERS, fresh=True),
    Page("POST", "/staff/tokens/{token_id}/revoke", tokens.revoke, ADMINISTERS),
    Page("GET", "/staff/purchases", purchases.listed, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}", purchases.show, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}/state", purchases.state, EVERYBODY, poll=True),
    Page("GET", "/staff/purchases/{purchase_id}/timeline.json", purchases.document, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}/help", helping.form, CARES),
    Page("POST", "/staff/purchases/{purchase_id}/settle", helping.settle, MOVES_MONEY, fresh=True),
    Page("POST", "/staff/purchases/{purchase_id}/resend", helping.resend, CARES),
    Page("POST", "/staff/purchases/{purchase_id}/attendees/{attendee_id}", helping.change_attendee, CARES),
    Page("GET", "/staff/figures", figures.show, EVERYBODY),
    Page("GET", "/staff/figures/now", figures.now, EVERYBODY, poll=True),
    Page("GET", "/staff/events/{event_id}/waitlist", waiting.show, EVERYBODY),
    Page("GET", "/staff/events/{event_id}/figures", figures.of_event, EVERYBODY),
    Page("GET", "/staff/events/{event_id}/figures/now", figures.now_of_event, EVERYBODY, poll=True),
    Page("GET", "/staff/attention", attention.show, EVERYBODY),
    Page("POST", "/staff/attention/{entry_id}/close", attention.close, MOVES_MONEY),
    Page("POST", "/staff/attention/{entry_id}/again", attention.again, MOVES_MONEY),
    Page("GET", "/staff/events/{event_id}/call-off", call_off.form, MOVES_MONEY, fresh=True),
    Page("POST", "/staff/events/{event_id}/call-off", call_off.submit, MOVES_MONEY, fresh=True),
    Page("GET", "/staff/purchases/{purchase_id}/refund", refunds.form, MOVES_MONEY, fresh=True),
    Page("POST", "/staff/purchases/{purchase_id}/refund", refunds.submit, MOVES_MONEY, fresh=True),
)


REMOTE_PAGES: Sequence[Page | Open] = (
    Page("GET", "/staff", overview.remote_home, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}/help", remote_help.form, CARES),
    Page("POST", "/staff/purchases/{purchase_id}/ask", remote_help.ask, MOVES_MONEY),
    Page("POST", "/staff/purchases/{purchase_id}/settle", remote_help.settle, MOVES_MONEY, fresh=True),
    Page("GET", "/staff/providers", remote_setup.providers, ADMINISTERS),
    Page("GET", "/staff/switches", remote_setup.switches, ADMINISTERS),
)
"""Instead of those of the same address, or beside them, where purchases live in a remote Dataverse."""
_HERE_ONLY = (
    "/staff/events", "/staff/figures", "/staff/sites", "/staff/purchases/{purchase_id}/resend",
    "/staff/purchases/{purchase_id}/attendees", "/staff/providers", "/staff/switches",
)  # fmt: skip
"""Their beginnings: pages of what lives elsewhere then."""


def routes(*, remote: bool = False) -> list[Route]:
    """For the table of all routes. `remote`: purchases live in a remote Dataverse."""
    if not remote:
        return [route(page) for page in PAGES]
    others = {(page.method, page.path) for page in REMOTE_PAGES}
    kept = [page for page in PAGES if not page.path.startswith(_HERE_ONLY) and (page.method, page.path) not in others]
    return [route(page) for page in (*REMOTE_PAGES, *kept)]
