"""The Dataverse Web API over many purchases, by HTTP, each request beside the SQL that one writes for it by hand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from uuid_utils import compat as uuids

from benchmarks.bench import Bench
from benchmarks.by_hand import ByHand, seconds
from benchmarks.history import fill_orders, purchase_id
from benchmarks.report import Measurement
from benchmarks.system import TOKEN, running
from benchmarks.webapi import BATCH, Client, change_set, multiple
from gatepass.services import access
from gatepass.store import Store

PAGE = 50
"""Rows."""
FAR = 1000
"""The page that is to be no slower than the first."""
MANY = 100
"""Records of one request that writes."""
READS, WRITES, WARM_UP = 300, 20, 5
"""Requests of one measurement."""
SELECTED = "$select=msevtmgt_name,msevtmgt_totalprice,gatepass_status,createdon"
LISTED = (
    f"msevtmgt_eventpurchases?{SELECTED}&$filter={quote('gatepass_status eq 700000001')}"
    f"&$orderby={quote('createdon desc')}&$expand=msevtmgt_EventId($select=msevtmgt_name)"
)
PAGED = {"Prefer": f"odata.maxpagesize={PAGE}"}
BY_HAND = "the same SQL by hand"
Work = Callable[[], object]


def dataverse(bench: Bench) -> None:
    """A purchase, a page of them with their events, the page far behind it, and many records written at once."""
    url = bench.database.fresh()
    filled = seconds(lambda: fill_orders(url, bench.purchases))
    bench.report.add(Measurement("dataverse_fill", bench.database.name, p50_ms=round(filled * 1000)))
    _let_in(url)
    with (
        running(url, bench.folder(), "--no-worker") as system,
        closing(ByHand(url)) as by_hand,
        closing(Client(system.port)) as client,
    ):
        _point(bench, client, by_hand)
        _pages(bench, client, by_hand)
        _writes(bench, client, by_hand)


def _let_in(url: str) -> None:
    store = Store.open(url)
    try:
        store.write_now(lambda tx: access.add_program(tx, "bench", "administrator", TOKEN))
    finally:
        store.close()


def _point(bench: Bench, client: Client, by_hand: ByHand) -> None:
    """A purchase by its id, another one each time."""
    random = Random(7)

    def some() -> int:
        return random.randint(1, bench.purchases)

    ours, limit = _in_turn(
        READS,
        lambda: client.get(f"msevtmgt_eventpurchases({purchase_id(some())})?{SELECTED}"),
        lambda: by_hand.point(some()),
    )
    bench.report.add(_measured(bench, "dataverse_point", ours).beside(1 / _half(limit), BY_HAND))


def _pages(bench: Bench, client: Client, by_hand: ByHand) -> None:
    """The first page and the one that its links lead to, in turn; the last line reads one against the other."""
    number = min(FAR, bench.purchases // PAGE // 2)
    far, after = _walk(client, number), by_hand.far((number - 1) * PAGE)
    first, first_limit, last, last_limit = _in_turn(
        READS,
        lambda: client.get(LISTED, **PAGED),
        by_hand.page,
        lambda: client.get(far, **PAGED),
        lambda: by_hand.page(after),
    )
    name = f"dataverse_page_{number}"
    bench.report.add(_measured(bench, "dataverse_page_1", first).beside(1 / _half(first_limit), BY_HAND))
    bench.report.add(_measured(bench, name, last).beside(1 / _half(last_limit), BY_HAND))
    bench.report.add(_measured(bench, name, last).beside(1 / _half(first), "page 1"))


def _walk(client: Client, number: int) -> str:
    """The address of the page with this number, by the links of those before."""
    at = LISTED
    for _ in range(number - 1):
        at = msgspec.json.decode(client.get(at, **PAGED))["@odata.nextLink"]
    return at


def _writes(bench: Bench, client: Client, by_hand: ByHand) -> None:
    """Contacts, and accounts by their number. By hand it is the rows, and an audit row for each."""
    numbers = count(1)

    def call(set_name: str, verb: str, records: Sequence[Any]) -> None:
        client.post(f"{set_name}/Microsoft.Dynamics.CRM.{verb}Multiple", multiple(records))

    def create() -> None:
        by_hand.create([(uuids.uuid7(), one["emailaddress1"]) for one in _people(numbers)])

    def change() -> None:
        by_hand.change([(UUID(one["contactid"]), one["jobtitle"]) for one in _promoted(known, numbers)])

    call("contacts", "Create", _people(numbers))
    known = msgspec.json.decode(client.get(f"contacts?$select=contactid&$top={MANY}"))["value"]
    for name, work, limit in (
        ("batch_create", lambda: client.post("$batch", change_set("contacts", _people(numbers)), BATCH), create),
        ("create_multiple", lambda: call("contacts", "Create", _people(numbers)), create),
        ("update_multiple", lambda: call("contacts", "Update", _promoted(known, numbers)), change),
        ("upsert_multiple", lambda: call("accounts", "Upsert", _firms(numbers)), change),
    ):
        ours, hand = _in_turn(WRITES, work, limit)
        bench.report.add(_measured(bench, f"dataverse_{name}_{MANY}", ours).beside(1 / _half(hand), BY_HAND))


def _people(numbers: Iterator[int]) -> list[dict[str, Any]]:
    """New ones each time."""
    mails = [f"ada{next(numbers)}@example.org" for _ in range(MANY)]
    return [{"firstname": "Ada", "lastname": "Byron", "emailaddress1": mail} for mail in mails]


def _promoted(known: Sequence[Any], numbers: Iterator[int]) -> list[dict[str, Any]]:
    title = f"Countess {next(numbers)}"
    return [{"contactid": one["contactid"], "jobtitle": title} for one in known]


def _firms(numbers: Iterator[int]) -> list[dict[str, Any]]:
    """By their number; half of them are new each time."""
    first = next(numbers) * MANY // 2
    return [{"accountnumber": f"A{at}", "name": f"Fair {first}"} for at in range(first, first + MANY)]


def _in_turn(times: int, *works: Work) -> list[list[float]]:
    """Seconds of each, once warm: one after the other, so that what disturbs the machine disturbs all of them."""
    for work in works * WARM_UP:
        work()
    rounds = [[seconds(work) for work in works] for _ in range(times)]
    return [sorted(each) for each in zip(*rounds, strict=True)]


def _measured(bench: Bench, name: str, spent: Sequence[float]) -> Measurement:
    half, most = _half(spent), spent[int(len(spent) * 0.99)]
    return Measurement(
        name, bench.database.name, 1, round(1 / half, 1), p50_ms=round(half * 1000, 2), p99_ms=round(most * 1000, 2)
    )


def _half(spent: Sequence[float]) -> float:
    """The median of what is sorted."""
    return spent[len(spent) // 2]
