"""Random rows and random queries over them. Values come from small pools, so that they meet."""

# Values of any column are of any type here.
# pyright: basic

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from hypothesis import strategies as st

from gatepass import model
from gatepass.model.columns import Column, Kind
from gatepass.model.navigation import navigations
from gatepass.model.query import (
    ROOT,
    And,
    At,
    Compare,
    Condition,
    Exists,
    Function,
    In,
    Join,
    Linked,
    Literal,
    Not,
    Operand,
    Operator,
    Or,
    Order,
    Query,
    ToMany,
    ToOne,
)
from gatepass.model.table import Table
from gatepass.store import rows
from gatepass.store.engine import WriteTx
from gatepass.store.tables import DECLARED
from gatepass.store.values import to_stored
from tests.dataverse.oracle import World

EVENT, PASS, PURCHASE, SESSION = (model.BY_NAME[name] for name in ("event", "pass", "purchase", "session"))
CURRENCY = model.BY_NAME["transactioncurrency"]
CODES = {"EUR": UUID(int=0xE0), "JPY": UUID(int=0xE1), "KWD": UUID(int=0xE2)}
DAY = datetime(2027, 6, 10, 9, 30, tzinfo=UTC)
TEXTS = ("", "a", "A", "b", "Ab", "aB", "ä", "Ä", "äb", "Žižka", "ŽIŽKA", "a%", "a_b", "a\\b", "日本", "\uffee", "😀")
AMOUNTS = {code: tuple(Decimal(one) for one in texts) for code, texts in (
    ("EUR", ("0", "1", "1.50", "10.01")), ("JPY", ("0", "1", "10", "150")), ("KWD", ("0", "1.5", "1.505", "10.010")),
)}  # fmt: skip
OPERATORS = [one for one in Operator if one in {"eq", "ne", "lt", "le", "gt", "ge"}]
TEXT_OPERATORS = list(Operator)
SHOWN: Mapping[str, Sequence[str]] = {
    "event": (
        "msevtmgt_eventid", "msevtmgt_name", "msevtmgt_publishstatus", "msevtmgt_maximumeventcapacity",
        "msevtmgt_eventstartdate", "msevtmgt_stopwebsiteregistrationson", "msevtmgt_enablepaymentgateway",
        "msevtmgt_budgetallocated", "transactioncurrencyid", "gatepass_imageurl", "msevtmgt_eventtype",
    ),
    "pass": (
        "msevtmgt_passid", "msevtmgt_name", "msevtmgt_passprice", "msevtmgt_passprice_base", "msevtmgt_costperunit",
        "msevtmgt_noofpassesleft", "msevtmgt_eventid", "transactioncurrencyid", "statecode", "createdon",
    ),
    "purchase": (
        "msevtmgt_eventpurchaseid", "msevtmgt_name", "msevtmgt_totalprice", "msevtmgt_paymentstatus", "msevtmgt_paid",
        "msevtmgt_processed", "gatepass_status", "gatepass_holduntil", "statecode",
    ),
    "session": ("msevtmgt_sessionid", "msevtmgt_name", "msevtmgt_event", "msevtmgt_endtime"),
}  # fmt: skip


def columns_of(table: Table) -> list[Column]:
    """The columns that queries speak of."""
    return [table.by_logical[name] for name in SHOWN[table.name]]


# Rows


@st.composite
def worlds(draw: Any) -> World:
    """A few events with passes, purchases and sessions, some of the passes and sessions paired."""
    events = draw(st.lists(_event(), min_size=1, max_size=4))
    events = [
        {**one, "msevtmgt_eventid": _id(1, at), "msevtmgt_readableeventid": f"e{at}"} for at, one in enumerate(events)
    ]
    ids = st.sampled_from([one["msevtmgt_eventid"] for one in events])
    found = {
        "event": events,
        "pass": _numbered(PASS, 2, draw(st.lists(_pass(ids), max_size=7))),
        "purchase": _numbered(PURCHASE, 3, draw(st.lists(_purchase(ids), max_size=7))),
        "session": _numbered(SESSION, 4, draw(st.lists(_session(ids), max_size=4))),
        "transactioncurrency": [_currency(code) for code in CODES],
    }
    every = [(one["msevtmgt_passid"], two["msevtmgt_sessionid"]) for one in found["pass"] for two in found["session"]]
    pairs = draw(st.sets(st.sampled_from(every))) if every else set()
    return World(found, {model.events.PASS_SESSIONS.intersect: pairs})


def write(tx: WriteTx, world: World) -> None:
    """The rows of a world into the database."""
    # A new database knows the currencies by ids of its own.
    tx.execute(sa.delete(DECLARED[CURRENCY.sql]).where(DECLARED[CURRENCY.sql].c.iso_code.in_(CODES)))
    for name in ("transactioncurrency", "event", "pass", "purchase", "session"):
        table = model.BY_NAME[name]
        for row in world.rows[name]:
            rows.add(tx, table, _stored(table, row))
    for here, there in world.pairs[model.events.PASS_SESSIONS.intersect]:
        rows.link(tx, model.events.PASS_SESSIONS, here, there)


def _stored(table: Table, row: Mapping[str, Any]) -> dict[str, object]:
    own = table.currency
    ids = {value: code for code, value in CODES.items()}
    code = ids.get(row.get(own.logical)) if own else None
    return {
        column.name: code if column is own else to_stored(column, value, code)
        for column, value in ((table.by_logical[name], value) for name, value in row.items())
    }


def _numbered(table: Table, kind: int, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, table.id_name: _id(kind, at)} for at, one in enumerate(found)]


def _id(kind: int, number: int) -> UUID:
    # Not in the order of the rows.
    return UUID(int=(kind << 100) + (number * 7919 % 101 << 64) + number)


texts = st.sampled_from(TEXTS)
moments = st.integers(0, 3).map(lambda hours: DAY + timedelta(hours=hours, microseconds=hours))
local_times = moments.map(lambda at: at.replace(tzinfo=None))
small = st.integers(0, 3)
MAYBE_TEXT, MAYBE_MOMENT, MAYBE_SMALL = (st.none() | one for one in (texts, moments, small))


@st.composite
def _event(draw: Any) -> dict[str, Any]:
    code = draw(st.sampled_from(list(CODES)))
    return {
        "msevtmgt_name": draw(texts), "msevtmgt_description": "", "gatepass_place": "",
        "gatepass_imageurl": draw(MAYBE_TEXT), "msevtmgt_publishstatus": 100000000 + draw(small),
        "transactioncurrencyid": CODES[code], "msevtmgt_maximumeventcapacity": draw(MAYBE_SMALL),
        "msevtmgt_eventstartdate": draw(local_times), "msevtmgt_eventenddate": draw(local_times),
        "msevtmgt_eventtimezonename": "UTC", "msevtmgt_stopwebsiteregistrationson": draw(MAYBE_MOMENT),
        "msevtmgt_enablepaymentgateway": draw(st.booleans()), "gatepass_latepaymentpolicy": 700000000,
        "msevtmgt_budgetallocated": draw(st.none() | st.sampled_from(AMOUNTS[code])), "gatepass_held": 0,
        "gatepass_sold": 0, "msevtmgt_eventtype": draw(st.none() | st.just(100000001)),
    }  # fmt: skip


@st.composite
def _pass(draw: Any, events: st.SearchStrategy[UUID]) -> dict[str, Any]:
    code = draw(st.sampled_from([None, *CODES]))
    amounts = st.sampled_from(AMOUNTS[code or "EUR"])
    return {
        "msevtmgt_eventid": draw(events), "msevtmgt_name": draw(texts), "gatepass_description": "",
        "transactioncurrencyid": CODES[code] if code else None, "msevtmgt_passprice": draw(amounts),
        "msevtmgt_costperunit": draw(st.none() | amounts), "msevtmgt_noofpassesallocated": 3 + draw(small),
        "gatepass_held": draw(st.integers(0, 1)), "msevtmgt_noofpassessold": draw(st.integers(0, 2)),
        "statecode": draw(st.integers(0, 1)), "createdon": draw(moments),
    }  # fmt: skip


@st.composite
def _purchase(draw: Any, events: st.SearchStrategy[UUID]) -> dict[str, Any]:
    code = draw(st.sampled_from(list(CODES)))
    return {
        "msevtmgt_eventid": draw(events), "msevtmgt_name": draw(texts), "gatepass_status": 700000000 + draw(st.integers(0, 5)),
        "msevtmgt_totalprice": draw(st.sampled_from(AMOUNTS[code])), "transactioncurrencyid": CODES[code],
        "gatepass_live": False, "gatepass_items": "", "gatepass_locale": "en", "gatepass_holduntil": draw(MAYBE_MOMENT),
        "createdon": draw(moments), "modifiedon": DAY,
    }  # fmt: skip


@st.composite
def _session(draw: Any, events: st.SearchStrategy[UUID]) -> dict[str, Any]:
    return {
        "msevtmgt_event": draw(events), "msevtmgt_name": draw(texts), "msevtmgt_starttime": DAY.replace(tzinfo=None),
        "msevtmgt_endtime": draw(local_times), "msevtmgt_publishstatus": 100000000,
    }  # fmt: skip


def _currency(code: str) -> dict[str, Any]:
    return {
        "transactioncurrencyid": CODES[code], "currencyname": code, "isocurrencycode": code, "currencysymbol": code,
        "currencyprecision": 2, "exchangerate": Decimal(1),
    }  # fmt: skip


# Queries


def values_for(column: Column) -> st.SearchStrategy[Any]:
    """Values that such a column may have, or almost."""
    match column.kind:
        case Kind.MONEY:
            near = [Decimal(one) for one in ("1.505", "1.5051", "-1", "9.999", "1E+30", "1E-30")]
            return st.sampled_from([one for amounts in AMOUNTS.values() for one in amounts] + near)
        case Kind.INTEGER:
            return st.integers(-1, 5)
        case Kind.CHOICE | Kind.STATE | Kind.STATUS:
            return st.sampled_from([one.value for one in column.choice.options] + [7])
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.MOMENT:
            return moments
        case Kind.LOCAL:
            return local_times
        case Kind.LOOKUP if column.target_column != "id":
            return st.sampled_from([*CODES.values(), UUID(int=0xEE)])
        case Kind.ID | Kind.LOOKUP:
            return st.tuples(st.integers(1, 4), st.integers(0, 3)).map(lambda pair: _id(*pair))
        case _:
            return texts


def conditions(tables: Mapping[str, Table], depth: int = 2) -> st.SearchStrategy[Condition]:
    """Conditions on the tables that go by these aliases."""
    leaf = st.one_of(_comparison(tables), _between_columns(tables), _one_of(tables), _of_function(tables))
    if depth == 0:
        return leaf
    parts = st.lists(conditions(tables, depth - 1), min_size=0, max_size=3).map(tuple)
    return st.one_of(
        leaf, leaf, parts.map(And), parts.map(Or), conditions(tables, depth - 1).map(Not), _exists(tables, depth)
    )


def places(tables: Mapping[str, Table]) -> st.SearchStrategy[At]:
    return st.sampled_from([At(column, alias) for alias, table in tables.items() for column in columns_of(table)])


@st.composite
def _comparison(draw: Any, tables: Mapping[str, Table]) -> Compare:
    at = draw(places(tables))
    value = draw(st.none() | values_for(at.column) | values_for(at.column))
    operator = draw(st.sampled_from(TEXT_OPERATORS if isinstance(value, str) else OPERATORS))
    if operator in OPERATORS and value is not None and draw(st.booleans()):
        return Compare(operator, Literal(value), at)
    return Compare(operator, at, Literal(value))


@st.composite
def _between_columns(draw: Any, tables: Mapping[str, Table]) -> Compare:
    left = draw(places(tables))
    right = draw(places(tables).filter(lambda one: _alike(one.column, left.column)))
    return Compare(draw(st.sampled_from(OPERATORS)), left, right)


def _alike(one: Column, other: Column) -> bool:
    ids, numbers = {Kind.ID, Kind.LOOKUP}, {Kind.MONEY, Kind.INTEGER, Kind.CHOICE, Kind.STATE}
    return any(one.kind in group and other.kind in group for group in ({one.kind}, ids, numbers))


@st.composite
def _one_of(draw: Any, tables: Mapping[str, Table]) -> In:
    at = draw(places(tables))
    return In(at, tuple(draw(st.lists(st.none() | values_for(at.column), max_size=3))))


@st.composite
def _of_function(draw: Any, tables: Mapping[str, Table]) -> Compare:
    at = draw(places(tables).filter(lambda one: one.column.kind in _CALLS))
    call, value = draw(_CALLS[at.column.kind](at))
    return Compare(draw(st.sampled_from(OPERATORS)), call, Literal(value))


def _text_calls(at: At) -> st.SearchStrategy[tuple[Operand, Any]]:
    to_text = st.sampled_from([Function("tolower", (at,)), Function("toupper", (at,)), Function("trim", (at,)),
                               Function("concat", (at, Literal("b"))), Function("substring", (at, Literal(1)))])  # fmt: skip
    to_number = st.one_of(
        st.just(Function("length", (at,))),
        texts.filter(bool).map(lambda part: Function("indexof", (at, Literal(part)))),
    )
    return st.one_of(st.tuples(to_text, texts), st.tuples(to_number, st.integers(-1, 4)))


def _time_calls(at: At) -> st.SearchStrategy[tuple[Operand, Any]]:
    names = st.sampled_from(["year", "month", "day", "hour", "minute", "second"])
    return st.tuples(names.map(lambda name: Function(name, (at,))), st.sampled_from([2027, 6, 10, 9, 11, 30, 0]))


def _number_calls(at: At) -> st.SearchStrategy[tuple[Operand, Any]]:
    one = st.sampled_from(["round", "floor", "ceiling"]).map(lambda name: Function(name, (at,)))
    numbers = st.sampled_from([Decimal("0.5"), Decimal("-1.505"), Decimal(2)])
    two = st.tuples(st.sampled_from(["add", "sub", "mul"]), numbers).map(
        lambda pair: Function(pair[0], (at, Literal(pair[1])))
    )
    values = st.sampled_from([Decimal(one) for one in ("-1", "0", "1", "2", "0.5", "3.01", "11.515")])
    return st.tuples(one | two, values)


_CALLS: Mapping[Kind, Any] = {
    Kind.TEXT: _text_calls, Kind.MOMENT: _time_calls, Kind.LOCAL: _time_calls, Kind.MONEY: _number_calls,
    Kind.INTEGER: _number_calls,
}  # fmt: skip


def ways(table: Table) -> list[Any]:
    """Relationships between the tables of these worlds."""
    inside = {"event", "pass", "purchase", "session", "transactioncurrency"}
    found = [one for one in navigations(table).values() if not isinstance(one, ToMany) or one.source.name in inside]
    found = [one for one in found if isinstance(one, ToMany) or one.target.name in inside]
    return [
        one
        for one in found
        if isinstance(one, Linked)
        or one.lookup.logical in {"transactioncurrencyid", "msevtmgt_eventid", "msevtmgt_event"}
    ]


@st.composite
def _exists(draw: Any, tables: Mapping[str, Table], depth: int) -> Exists:
    outer = draw(st.sampled_from(list(tables)))
    way = draw(st.sampled_from(ways(tables[outer])))
    target = way.source if isinstance(way, ToMany) else way.target
    inner = {**tables, f"x{depth}": target} if target.name in SHOWN else tables
    where = draw(st.none() | conditions(inner, depth - 1))
    return Exists(way, where, f"x{depth}", outer)


@st.composite
def queries(draw: Any, *, joined: bool = True) -> Query:
    """Whole rows of a table, perhaps beside those of another one."""
    table = draw(st.sampled_from([EVENT, PASS, PURCHASE, SESSION]))
    joins = draw(st.lists(_to_event(table), max_size=1)) if joined and table is not EVENT else []
    tables = {ROOT: table} | {join.alias: join.table for join in joins}
    orders = st.builds(Order, places(tables), st.booleans())
    return Query(
        table, where=draw(st.none() | conditions(tables)), order=draw(st.lists(orders, max_size=3)), joins=joins
    )  # fmt: skip


@st.composite
def _to_event(draw: Any, table: Table) -> Join:
    lookup = next(one.lookup for one in ways(table) if isinstance(one, ToOne) and one.target is EVENT)
    where = draw(st.none() | conditions({ROOT: table, "e": EVENT}, 0))
    return Join("e", EVENT, EVENT.primary_key, ROOT, lookup, outer=draw(st.booleans()), where=where)
