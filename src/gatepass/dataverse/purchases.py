"""A purchase as Dataverse has it, with its currency: the seed's RetrieveRequest, in one call."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

import httpx
import msgspec

from gatepass.dataverse.client import Dataverse
from gatepass.domain.errors import GatepassError, NotFound, Unavailable
from gatepass.domain.money import Money
from gatepass.domain.remote import Seen, Word

SET = "msevtmgt_eventpurchases"
TABLE = "msevtmgt_eventpurchase"
ID = "msevtmgt_eventpurchaseid"
_SELECT = "msevtmgt_name,msevtmgt_totalprice,msevtmgt_paymentstatus,createdon"
_EXPAND = "transactioncurrencyid($select=isocurrencycode)"
LOOKED_AT_TOGETHER = 25
"""Purchases in one call: their ids fill 2 KB of an address."""
PAGE = 500
"""Purchases in one answer of a list."""
STATUS_OF: Mapping[Word, int] = MappingProxyType({Word.CANCELLED: 100000000, Word.COMPLETED: 100000001})
"""msevtmgt_paymentstatus. Anything else, and nothing, is open: an unknown word is never a success."""
_WORD_OF = {number: word for word, number in STATUS_OF.items()}


_T = TypeVar("_T")


class _Currency(msgspec.Struct):
    isocurrencycode: str | None = None


class _Purchase(msgspec.Struct):
    msevtmgt_eventpurchaseid: UUID
    createdon: datetime | None = None
    msevtmgt_name: str | None = None
    msevtmgt_totalprice: Decimal | None = None
    msevtmgt_paymentstatus: int | None = None
    transactioncurrencyid: _Currency | None = None


class _Several(msgspec.Struct):
    value: list[_Purchase]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


async def read(dataverse: Dataverse, purchase_id: UUID) -> Seen | None:
    """The purchase now, in one call; None when there is none. Raises as the client does."""
    try:
        answer = await dataverse.get(f"{SET}({purchase_id})?$select={_SELECT}&$expand={_EXPAND}")
    except NotFound:
        return None
    return _seen(_decoded(answer, _Purchase))


async def read_together(dataverse: Dataverse, ids: Collection[UUID]) -> dict[UUID, Seen]:
    """Several in one call, at most `LOOKED_AT_TOGETHER`; what is not there is left out."""
    wanted = " or ".join(f"{ID} eq {at}" for at in sorted(ids))
    query = f"$select={_SELECT}&$expand={_EXPAND}&$filter={wanted.replace(' ', '%20')}"
    found = _decoded(await dataverse.get(f"{SET}?{query}"), _Several).value
    return {one.msevtmgt_eventpurchaseid: _seen(one) for one in found}


async def changed_between(
    dataverse: Dataverse, since: datetime, until: datetime, began: datetime, turn: Callable[[], Awaitable[None]]
) -> AsyncIterator[dict[UUID, Seen]]:
    """Pages of purchases that changed over there in this time, none older than `began`; UTC. Free ones are left out.

    `turn` waits until a call may leave. Raises as the client does.
    """
    conditions = (
        f"modifiedon ge {_moment(since)}",
        f"modifiedon lt {_moment(until)}", f"createdon ge {_moment(began)}", "msevtmgt_totalprice gt 0",
    )  # fmt: skip
    query = " and ".join(conditions).replace(" ", "%20")
    path: str | None = f"{SET}?$select={_SELECT}&$expand={_EXPAND}&$filter={query}"
    while path:
        await turn()
        page = _decoded(await dataverse.get(path, {"Prefer": f"odata.maxpagesize={PAGE}"}), _Several)
        yield {one.msevtmgt_eventpurchaseid: _seen(one) for one in page.value}
        path = dataverse.path_of(page.next_link) if page.next_link else None


def record_url(url: str, purchase_id: UUID) -> str:
    """Where people read it in Dynamics 365.

    Source: learn.microsoft.com/power-apps/developer/model-driven-apps/open-forms-views-dialogs-reports-url.
    """
    return f"{url}/main.aspx?pagetype=entityrecord&etn={TABLE}&id={purchase_id}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


async def read_any(dataverse: Dataverse) -> None:
    """Whether purchases can be read at all. Raises as the client does."""
    _decoded(await dataverse.get(f"{SET}?$select={_SELECT}&$expand={_EXPAND}&$top=1"), _Several)


def _decoded(answer: httpx.Response, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable("DataverseDown", "Dataverse answers with something that is no purchase.") from error


def _seen(told: _Purchase) -> Seen:
    total, missing = _total(told)
    return Seen(
        id=told.msevtmgt_eventpurchaseid,
        name=told.msevtmgt_name or "",
        total=total,
        word=_WORD_OF.get(told.msevtmgt_paymentstatus or 0, Word.OPEN),
        created=(told.createdon or datetime.now(UTC)).astimezone(UTC),
        missing=missing,
    )


def _total(told: _Purchase) -> tuple[Money | None, str | None]:
    """The seed's sample takes USD where no currency is set; we never do: it would charge the wrong amount."""
    currency = told.transactioncurrencyid and told.transactioncurrencyid.isocurrencycode
    if told.msevtmgt_totalprice is None:
        return None, "a total price"
    if not currency:
        return None, "a currency"
    try:
        total = Money.parse(told.msevtmgt_totalprice, currency.upper())
    except GatepassError as refusal:
        return None, f"a total that can be charged ({refusal.message})"
    return (total, None) if total.minor > 0 else (None, f"a price above nothing (it is {total})")
