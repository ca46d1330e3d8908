"""Every page and action of the staff app, and the roles that may: one line each. tests/staff/test_roles.py walks through all."""

from collections.abc import Sequence

from starlette.routing import Route

from gatepass.web.staff import account, audit, elsewhere, links, overview, people, purchases, refunds, sign_in
from gatepass.web.staff.door import ADMINISTERS, EVERYBODY, MOVES_MONEY, SECOND_FACTOR, Open, Page, route

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
    Page("GET", "/staff/purchases", purchases.listed, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}", purchases.show, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}/state", purchases.state, EVERYBODY, poll=True),
    Page("GET", "/staff/purchases/{purchase_id}/timeline.json", purchases.document, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}/refund", refunds.form, MOVES_MONEY, fresh=True),
    Page("POST", "/staff/purchases/{purchase_id}/refund", refunds.submit, MOVES_MONEY, fresh=True),
)


_OF_PURCHASES = "/staff/purchases"


def routes(*, remote: bool = False) -> list[Route]:
    """For the table of all routes. `remote`: without those of purchases, which live elsewhere."""
    return [route(page) for page in PAGES if not (remote and page.path.startswith(_OF_PURCHASES))]
