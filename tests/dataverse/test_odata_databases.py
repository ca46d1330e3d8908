"""Whatever OData can say, both databases can answer: long, deep, odd and random queries."""

import itertools
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass import model
from gatepass.domain.errors import GatepassError
from gatepass.model.query import Page, Query
from gatepass.model.table import Table
from gatepass.store import Store
from gatepass.store.engine import WriteTx
from gatepass.store.query import select
from gatepass.web.dataverse.nesting import MAX_CONDITIONS
from gatepass.web.dataverse.odata.paging import skiptoken
from gatepass.web.dataverse.odata.resolve import query_of
from tests.conftest import DATABASES, fresh_database
from tests.dataverse.effort import examples
from tests.dataverse.oracle import World
from tests.dataverse.worlds import worlds, write

EVENT, PURCHASE = model.BY_SET["msevtmgt_events"], model.BY_SET["msevtmgt_eventpurchases"]
QUERIES = 1_000
ID = UUID("5b0c6c1e-7b51-4d0e-9f30-0a6f7d9b1c01")


@pytest.fixture(scope="module", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(fresh_database(request.param, tmp_path_factory.mktemp("odata"), request))
    yield opened
    opened.close()


def answer(store: Store, query: Query) -> Page:
    return store.read_now(lambda tx: select(tx, query))


def deep(levels: int) -> str:
    return (
        "".join(f"(statecode eq {at} {'and' if at % 2 else 'or'} " for at in range(levels))
        + "msevtmgt_paid"
        + ")" * levels
    )


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"statecode eq {at}" for at in range(2000)),
        " or ".join(f"msevtmgt_totalprice gt {at}" for at in range(MAX_CONDITIONS)),
        " and ".join(f"contains(msevtmgt_name,'{at}')" for at in range(MAX_CONDITIONS)),
        " or ".join(f"statecode eq {at} and msevtmgt_paid" for at in range(MAX_CONDITIONS // 2)),
        deep(30),
        "not (statecode gt 1 and " * 15 + "msevtmgt_paid" + ")" * 15,
        "statecode" + " add 1" * 22 + " eq 1",
        "statecode" + " mul 9223372036854775807" * 22 + " eq 1",
        "msevtmgt_totalprice" + " mul 9999999999999999.999999999" * 22 + " eq 1",
        "msevtmgt_totalprice div (statecode sub statecode) eq 1",
        "statecode mod (statecode sub statecode) eq 1",
        "length(" + "concat(" * 21 + "msevtmgt_name" + ",'a')" * 21 + ") gt 1",
        "substring(msevtmgt_name,-5,-3) eq 'a' or substring(msevtmgt_name,9223372036854775807) eq 'a'",
        "now() gt createdon and date(createdon) lt 2026-05-01 and date(now()) gt 0001-01-01",
        "createdon gt 0001-01-01 and createdon lt 9999-12-31T23:59:59Z",
        "versionnumber lt 9223372036854775807 and versionnumber gt -9223372036854775807",
        "statecode in () or statecode in (null,1)",
        "msevtmgt_EventId/msevtmgt_event_pass/any(x:x/msevtmgt_eventid/msevtmgt_name ne 'a' and x/createdon lt $it/createdon)",
        "msevtmgt_EventId/msevtmgt_event_pass/all(x:x/msevtmgt_eventid/msevtmgt_event_pass/any(y:y/msevtmgt_name eq x/msevtmgt_name))",
        f"_transactioncurrencyid_value eq {ID} or transactioncurrencyid/isocurrencycode eq 'EUR'",
        "1 eq 1 and 'a' eq 'A' and null eq null",
    ],
    ids=lambda text: text[:40],
)
def test_the_databases_can_answer(store: Store, text: str) -> None:
    query = query_of(PURCHASE, {"$filter": text, "$count": "true"})

    page = answer(store, query)

    assert (list(page.records), page.count) == ([], 0)


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"statecode gt {at}" for at in range(MAX_CONDITIONS + 1)),
        deep(31),
        "trim(" * 23 + "msevtmgt_name" + ")" * 23 + " eq 'a'",
        "msevtmgt_EventId/msevtmgt_event_pass/any(x:x/msevtmgt_eventid/msevtmgt_event_pass/any(x:" * 5
        + "true"
        + "))" * 5,
    ],
    ids=lambda text: text[:40],
)
def test_what_they_cannot_is_refused_before(text: str) -> None:
    with pytest.raises(GatepassError):
        query_of(PURCHASE, {"$filter": text})


class Over(Exception):
    """Takes back what an example has written."""


@examples(15)
@given(world=worlds(), wishes=st.data())
def test_tokens_lead_through_all_pages_whatever_they_are_ordered_by(store: Store, world: World, wishes: Any) -> None:
    table = wishes.draw(st.sampled_from([EVENT, PURCHASE, model.BY_SET["msevtmgt_passes"]]))
    wires = wishes.draw(st.lists(st.sampled_from([one.wire for one in table.shown]), min_size=1, max_size=3))
    options = {
        "$orderby": ",".join(f"{one} {wishes.draw(st.sampled_from(['asc', 'desc']))}" for one in wires),
        "$top": "4",
    }

    def unit(tx: WriteTx) -> None:
        write(tx, world)
        whole = [one.values[table.id_name] for one in select(tx, query_of(table, options)).records]
        assert _by_pages(tx, table, options) == whole, options
        raise Over

    with suppress(Over):
        store.write_now(unit)


def _by_pages(tx: WriteTx, table: Table, options: dict[str, str]) -> list[object]:
    found, token = list[object](), None
    for number in itertools.count(2):
        query = query_of(table, options | ({"$skiptoken": token} if token else {}), page_size=1)
        page = select(tx, query)
        found += [one.values[table.id_name] for one in page.records]
        if not page.after:
            return found
        token = skiptoken(query, page.after, number)
    raise AssertionError


def test_no_query_is_more_than_a_database_can_take(store: Store) -> None:
    chance = random.Random(4)
    answered = 0
    for _ in range(QUERIES):
        table = chance.choice([PURCHASE, PURCHASE, EVENT, *model.TABLES])
        option, text = _sentence(chance, [one.wire for one in table.shown])
        with suppress(GatepassError):
            query = query_of(table, {option: text})
            try:
                answer(store, query)
            except GatepassError:
                continue
            except Exception as error:
                raise AssertionError(f"{table.logical}?{option}={text} led to {error!r}") from error
            answered += 1

    assert answered > QUERIES // 10


# Sentences that are mostly right

VALUES = [
    "1", "-1", "1.5", "'a'", "true", "2026-05-01", "2026-05-01T10:00:00Z", str(ID), "9223372036854775807", "0001-01-01",
    "9999-12-31T23:59:59Z", "1e18", "0.0000000001", "'%_'", "null",
]  # fmt: skip
FUNCTIONS = [
    "tolower({})", "length({})", "trim({})", "year({})", "date({})", "hour({})", "second({})", "round({})", "floor({})",
    "substring({},1)", "substring({},1,2)", "concat({},{})", "indexof({},{})",
]  # fmt: skip
OURS = [
    "In({},[1,2])", "In({},['a'])", "LastXDays({},3)", "Today({})", "NotIn({},[null])", "Between({},[1,2])", "On({},2026-05-01)",
    "OlderThanXYears({},1)",
]  # fmt: skip
TESTS, COMPARISONS = ["contains", "startswith", "endswith"], ["eq", "ne", "gt", "le"]
ARITHMETIC, METHODS = ["add", "sub", "mul", "div", "mod"], ["sum", "average", "min", "max", "countdistinct"]


def _sentence(chance: random.Random, names: list[str]) -> tuple[str, str]:
    pick = chance.random()
    if pick < 0.1:
        method = chance.choice(METHODS)
        return "$apply", f"groupby(({chance.choice(names)}),aggregate({chance.choice(names)} with {method} as x))"
    if pick < 0.2:
        return "$orderby", ",".join(chance.choices(names, k=2))
    return "$filter", _condition(chance, names)


def _condition(chance: random.Random, names: list[str]) -> str:
    pick = chance.random()
    if pick < 0.6:
        return f"{_operand(chance, names)} {chance.choice(COMPARISONS)} {_operand(chance, names)}"
    if pick < 0.7:
        return f"{chance.choice(TESTS)}({_operand(chance, names)},{_operand(chance, names)})"
    if pick < 0.8:
        return "Microsoft.Dynamics.CRM." + chance.choice(OURS).format(chance.choice(names))
    return f"not ({_condition(chance, names)}) and {_condition(chance, names)}"


def _operand(chance: random.Random, names: list[str], levels: int = 2) -> str:
    pick = chance.random()
    if pick < 0.5 or not levels:
        return chance.choice(names)
    if pick < 0.75:
        return chance.choice(VALUES)
    left, right = (_operand(chance, names, levels - 1) for _ in range(2))
    if pick < 0.9:
        return chance.choice(FUNCTIONS).format(left, right)
    return f"({left} {chance.choice(ARITHMETIC)} {right})"
