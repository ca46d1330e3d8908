"""Every page and action of the staff app, and the roles that may: one line each. tests/staff/test_roles.py walks through all."""

from collections.abc import Sequence

from starlette.routing import Route

from gatepass.web.staff import overview, purchases, refunds, sign_in
from gatepass.web.staff.door import EVERYBODY, MOVES_MONEY, Open, Page, route

PAGES: Sequence[Page | Open] = (
    Open("GET", "/staff/sign-in", sign_in.form),
    Open("POST", "/staff/sign-in", sign_in.submit),
    Page("POST", "/staff/sign-out", sign_in.sign_out, EVERYBODY),
    Page("GET", "/staff", overview.home, EVERYBODY),
    Page("GET", "/staff/purchases", purchases.listed, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}", purchases.show, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}/state", purchases.state, EVERYBODY, poll=True),
    Page("GET", "/staff/purchases/{purchase_id}/timeline.json", purchases.document, EVERYBODY),
    Page("GET", "/staff/purchases/{purchase_id}/refund", refunds.form, MOVES_MONEY, fresh=True),
    Page("POST", "/staff/purchases/{purchase_id}/refund", refunds.submit, MOVES_MONEY, fresh=True),
)


def routes() -> list[Route]:
    """For the table of all routes."""
    return [route(page) for page in PAGES]
