"""The store's queries over many purchases, each beside the same SQL written by hand."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from benchmarks.bench import Bench
from benchmarks.doctor import fill
from benchmarks.report import Measurement
from gatepass import model
from gatepass.model.navigation import navigations
from gatepass.model.query import At, Compare, Expand, Literal, Operator, Order, Query, Value
from gatepass.store import Store
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.query import find, select
from gatepass.store.tables import DECLARED

PAGE = 50
"""Rows."""
FAR = 1000
"""Pages from the beginning."""
TIMES = 30
PURCHASE, EVENT = model.BY_NAME["purchase"], model.BY_NAME["event"]
COLUMNS = [
    PURCHASE.by_logical[name] for name in ("msevtmgt_name", "msevtmgt_totalprice", "gatepass_status", "createdon")
]
COMPLETED = 700000001
Look = Callable[[ReadTx], Any]


def dataverse(bench: Bench) -> None:
    """A point read, a page with its events, and the page that is `FAR` pages from the first."""
    url = bench.database.fresh()
    fill(url, bench.purchases)
    store = Store.open(url)
    try:
        store.write_now(_spread)
        ids = store.read_now(_ids)
        _beside(bench, store, "dataverse_point", _point(ids[0]), _point_by_hand(ids[0]))
        _beside(bench, store, "dataverse_page_1", _page(), _page_by_hand())
        _beside(bench, store, f"dataverse_page_{FAR}", _page(ids[1:]), _page_by_hand(ids[1:]))
    finally:
        store.close()


def _spread(tx: WriteTx) -> None:
    """Three purchases a second: the filled ones are all of one moment, which no index can tell apart."""
    age = "timestamptz '2025-01-01' + ('x' || right(id::text, 8))::bit(32)::int / 3 * interval '1 second'"
    if not tx.postgresql:
        age = "strftime('%Y-%m-%dT%H:%M:%S', '2025-01-01', '+' || (rowid / 3) || ' seconds') || '.000000Z'"
    tx.execute(sa.text(f"update purchase set created = {age}"))
    tx.execute(sa.text("analyze purchase"))


def _ids(tx: ReadTx) -> list[Any]:
    """Of one purchase, and moment and id of the last one before the far page."""
    purchase = DECLARED["purchase"]
    rows = sa.select(purchase.c.created, purchase.c.id).order_by(purchase.c.created.desc(), purchase.c.id.desc())
    far = tx.rows(rows.limit(1).offset(min(FAR * PAGE, _count(tx) // 2)))[0]
    return [far["id"], far["created"], far["id"]]


def _count(tx: ReadTx) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(DECLARED["purchase"])).scalar_one())


def _point(row_id: UUID) -> Look:
    return lambda tx: find(tx, PURCHASE, row_id, COLUMNS)


def _point_by_hand(row_id: UUID) -> Look:
    purchase = DECLARED["purchase"]
    names = ("id", "version", "name", "total_minor", "currency", "status", "created")
    sql = sa.select(*(purchase.c[name] for name in names)).where(purchase.c.id == sa.bindparam("wanted"))
    return lambda tx: tx.row(sql, {"wanted": row_id})


def _page(after: list[Value] | tuple[()] = ()) -> Look:
    def at(name: str) -> At:
        return At(PURCHASE.by_logical[name])

    event = navigations(PURCHASE)["msevtmgt_EventId"]
    query = Query(
        PURCHASE, COLUMNS, where=Compare(Operator.EQ, at("gatepass_status"), Literal(COMPLETED)),
        order=[Order(at("createdon"), descending=True)], page_size=PAGE, after=after,
        expand=[Expand(event, Query(EVENT, [EVENT.by_logical["msevtmgt_name"]]))],
    )  # fmt: skip
    return lambda tx: select(tx, query)


def _page_by_hand(after: list[Value] | tuple[()] = ()) -> Look:
    purchase, event = DECLARED["purchase"], DECLARED["event"]
    names = ("id", "version", "name", "total_minor", "currency", "status", "created")
    sql = sa.select(*(purchase.c[name] for name in names), event.c.id, event.c.version, event.c.name)
    sql = sql.join(event, event.c.id == purchase.c.event_id).where(purchase.c.status == "completed")
    if after:
        sql = sql.where(sa.tuple_(purchase.c.created, purchase.c.id) < sa.tuple_(*after))
    sql = sql.order_by(purchase.c.created.desc(), purchase.c.id.desc()).limit(PAGE + 1)
    return lambda tx: tx.execute(sql).all()


def _beside(bench: Bench, store: Store, name: str, ours: Look, by_hand: Look) -> None:
    spent, limit = _median_s(store, ours), _median_s(store, by_hand)
    line = Measurement(name, bench.database.name, rate_per_s=round(1 / spent, 1), p50_ms=round(spent * 1000, 3))
    bench.report.add(line.beside(1 / limit, "the same SQL by hand"))


def _median_s(store: Store, look: Look) -> float:
    """Seconds of one look, once warm."""
    store.read_now(look)
    return median(_seconds(store, look) for _ in range(TIMES))


def _seconds(store: Store, look: Look) -> float:
    started = time.perf_counter()
    store.read_now(look)
    return time.perf_counter() - started
