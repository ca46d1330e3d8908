"""The store's SQL answers as plain Python does, on both databases: conditions, orders, pages, expansions, groups."""

# Values of any column are of any type here.
# pyright: basic

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.model.query import (
    ROOT,
    Aggregation,
    At,
    Compare,
    Condition,
    Expand,
    Field,
    Function,
    Literal,
    Operator,
    Order,
    Page,
    Query,
    Record,
)
from gatepass.store import Store
from gatepass.store.engine import WriteTx
from gatepass.store.query import count, find, select
from tests.conftest import DATABASES, fresh_database
from tests.dataverse.effort import examples
from tests.dataverse.oracle import Bound, World, value_of
from tests.dataverse.worlds import PURCHASE, columns_of, conditions, queries, ways, worlds, write

# A failing query is a long text.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
many = examples(15)


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(fresh_database(request.param, tmp_path_factory.mktemp("query"), request))
    yield opened
    opened.close()


class Over(Exception):
    """Takes back what an example has written."""


def within(store: Store, world: World, story: Callable[[WriteTx], None]) -> None:
    """Run a story over the rows of a world, and leave nothing behind."""

    def unit(tx: WriteTx) -> None:
        write(tx, world)
        story(tx)
        raise Over

    with pytest.raises(Over):
        store.write_now(unit)


def id_of(record: Record) -> Any:
    return record.values[record.table.id_name]


def wanted_ids(world: World, query: Query) -> list[Any]:
    return [value_of(names[ROOT], query.table.primary_key) for names in world.select(query)]


@many
@given(world=worlds(), query=queries())
def test_rows_and_their_order(store: Store, world: World, query: Query) -> None:
    def story(tx: WriteTx) -> None:
        page = select(tx, replace(query, columns=columns_of(query.table), count=True))
        expected = world.select(query)
        assert [id_of(one) for one in page.records] == wanted_ids(world, query), query
        assert page.count == len(expected) == count(tx, query)
        for record, names in zip(page.records, expected, strict=True):
            assert record.version == 1
            for column in columns_of(query.table):
                assert record.values[column.logical or ""] == value_of(names[ROOT], column), column.logical

    within(store, world, story)


@many
@given(world=worlds(), query=queries(), size=st.integers(1, 3))
def test_all_pages_are_the_whole_list(store: Store, world: World, query: Query, size: int) -> None:
    def story(tx: WriteTx) -> None:
        found: list[Any] = []
        page = select(tx, replace(query, page_size=size))
        while page.after:
            assert len(page.records) == size
            found += [id_of(one) for one in page.records]
            page = select(tx, replace(query, page_size=size, after=page.after))
        found += [id_of(one) for one in page.records]
        assert found == wanted_ids(world, query)

    within(store, world, story)


@many
@given(world=worlds(), query=queries(joined=False), limit=st.integers(1, 3), below=queries(joined=False))
def test_what_hangs_on_rows(store: Store, world: World, query: Query, limit: int, below: Query) -> None:
    def story(tx: WriteTx) -> None:
        expand = [Expand(way, _below(way, below, limit)) for way in ways(query.table)]
        for record in select(tx, replace(query, expand=expand)).records:
            again = find(tx, query.table, id_of(record), expand=expand)
            assert again == record
            for one in expand:
                _same_related(world, record, one, limit)

    within(store, world, story)


def _below(way: Any, below: Query, limit: int) -> Query:
    target = way.source if hasattr(way, "source") else way.target
    return (
        replace(below, page_size=limit, count=True)
        if below.table is target
        else Query(target, page_size=limit, count=True)
    )


def _same_related(world: World, record: Record, one: Expand, limit: int) -> None:
    row = next(row for row in world.of(record.table) if row[record.table.id_name] == id_of(record))
    hanging = [each[one.query.table.id_name] for each in world.related(one.navigation, Bound(record.table, row))]
    wanted = [each for each in wanted_ids(world, one.query) if each in hanging]
    related = record.related[one.navigation.name]
    if isinstance(related, Page):
        assert [id_of(each) for each in related.records] == wanted[:limit]
        assert related.count == len(wanted)
        assert bool(related.after) == (len(wanted) > limit)
    else:
        assert [id_of(related)] == wanted if related else not wanted


@many
@given(world=worlds(), where=conditions({ROOT: PURCHASE}), size=st.integers(1, 3))
def test_groups_and_what_is_made_of_them(store: Store, world: World, where: Condition, size: int) -> None:
    name, price, status = (
        At(PURCHASE.by_logical[one]) for one in ("msevtmgt_name", "msevtmgt_totalprice", "gatepass_status")
    )
    fields = [
        Field("name", name), Field("status", status), Field("rows", None, Aggregation.COUNT),
        Field("held", At(PURCHASE.by_logical["gatepass_holduntil"]), Aggregation.COUNT),
        Field("sum", price, Aggregation.SUM), Field("most", price, Aggregation.MAX),
        Field("prices", price, Aggregation.COUNT, distinct=True),
    ]  # fmt: skip
    query = Query(PURCHASE, where=where, fields=fields, group=[name, status], order=[Order("sum", descending=True)])

    def story(tx: WriteTx) -> None:
        whole = select(tx, replace(query, count=True))
        assert {tuple(one.values.values()) for one in whole.records} == _groups(
            world, replace(query, fields=(), order=())
        )
        assert whole.count == len(whole.records)
        paged: list[Record] = []
        page = select(tx, replace(query, page_size=size))
        while page.after:
            paged += page.records
            page = select(tx, replace(query, page_size=size, after=page.after))
        assert [*paged, *page.records] == list(whole.records)
        large = Compare(Operator.GT, Function("field", (Literal("sum"),)), Literal(Decimal(10)))
        kept = select(tx, replace(query, having=large)).records
        assert kept == [one for one in whole.records if one.values["sum"] > 10]  # type: ignore[operator]

    within(store, world, story)


def _groups(world: World, query: Query) -> set[tuple[Any, ...]]:
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for names in world.select(query):
        row = names[ROOT].row
        assert row is not None
        groups.setdefault((row["msevtmgt_name"].lower(), row["gatepass_status"]), []).append(row)
    return {_group(status, rows) for (_, status), rows in groups.items()}


def _group(status: int, rows: list[Any]) -> tuple[Any, ...]:
    prices = [row["msevtmgt_totalprice"] for row in rows]
    held = sum(row["gatepass_holduntil"] is not None for row in rows)
    name = min(row["msevtmgt_name"] for row in rows)
    return (name, status, len(rows), held, sum(prices), max(prices), len(set(prices)))
