"""What happens outside the merchant's API key: staff at Stripe's dashboard, and the buyer's bank. JSON under /_sandbox/."""

from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from gatepass.sandbox import disputes, payments, refunds, sessions
from gatepass.sandbox.faults import Outcome
from gatepass.sandbox.guard import Run, as_json, body_of, guarded
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Store

Amount = Annotated[int, msgspec.Meta(ge=1)]
DisputeReason = Literal[
    "credit_not_processed",
    "duplicate",
    "fraudulent",
    "general",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
]


class Refund(msgspec.Struct, forbid_unknown_fields=True):
    """`payment`: a session, an intent or a charge. Without an amount, in smallest units, all that is left."""

    payment: str
    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    outcome: Outcome = "card"

    def params(self) -> Obj:
        given = {"amount": self.amount, "reason": self.reason}
        return {name: value for name, value in given.items() if value is not None}


class RefundResult(msgspec.Struct, forbid_unknown_fields=True):
    result: Literal["succeeded", "failed"]


class Dispute(msgspec.Struct, forbid_unknown_fields=True):
    """`payment` as in Refund. Without an amount, what was not refunded."""

    payment: str
    reason: DisputeReason = "fraudulent"
    inquiry: bool = False
    amount: Amount | None = None


class DisputeResult(msgspec.Struct, forbid_unknown_fields=True):
    """`escalated`: an inquiry becomes a dispute that takes the money."""

    result: disputes.Result


class Dashboard:
    def __init__(self, store: Store, base_url: str) -> None:
        self._store = store
        self._base_url = base_url

    def routes(self) -> list[Route]:
        calls: dict[str, Run] = {
            "refunds": self.refund,
            "refunds/{id}": self.settle_refund,
            "disputes": self.dispute,
            "disputes/{id}": self.resolve,
            "sessions/{id}/expire": self.expire,
        }
        return [
            Route(f"/_sandbox/{path}", guarded(as_json(run), self._base_url), methods=["POST"])
            for path, run in calls.items()
        ]

    async def refund(self, request: Request) -> Obj:
        return give_back(self._store, await body_of(request, Refund))

    async def settle_refund(self, request: Request) -> Obj:
        """The bank answers a refund now: it arrived, or it came back."""
        wanted = await body_of(request, RefundResult)
        with self._store.change() as tx:
            return refunds.settle(tx, request.path_params["id"], wanted.result)

    async def dispute(self, request: Request) -> Obj:
        return dispute(self._store, await body_of(request, Dispute))

    async def resolve(self, request: Request) -> Obj:
        """The bank decides a dispute."""
        return resolve(self._store, request.path_params["id"], await body_of(request, DisputeResult))

    async def expire(self, request: Request) -> Any:
        return expire(self._store, request.path_params["id"])


def give_back(store: Store, wanted: Refund) -> Obj:
    """Press Refund at the dashboard."""
    with store.change() as tx:
        charge = payments.charge_of(tx, wanted.payment)
        return refunds.give_back(tx, charge, wanted.params(), wanted.outcome)


def dispute(store: Store, wanted: Dispute) -> Obj:
    """The buyer goes to the bank."""
    with store.change() as tx:
        charge = payments.charge_of(tx, wanted.payment)
        return disputes.open_dispute(tx, charge, wanted.reason, wanted.inquiry, wanted.amount)


def resolve(store: Store, identity: str, wanted: DisputeResult) -> Obj:
    with store.change() as tx:
        return disputes.resolve(tx, identity, wanted.result)


def expire(store: Store, session: str) -> Obj:
    """End an open session."""
    with store.change() as tx:
        return sessions.expire(tx, session, {})
