# ruff: noqa: E501
"""Texts that are no queries: whatever is written, the readers of FetchXML and SQL answer with a query or a refusal."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass import model
from gatepass.domain.errors import GatepassError
from gatepass.model.query import Query
from gatepass.web.dataverse.fetchxml.fetch import fetch_query
from gatepass.web.dataverse.fetchxml.scope import Asker
from gatepass.web.dataverse.sql.resolve import sql_query
from tests.dataverse.effort import examples

ASKER = Asker(UUID(int=1), datetime(2026, 3, 31, 10, tzinfo=UTC))
ACCOUNT = model.BY_LOGICAL["account"]
TEXTS = 6000

SQL = [
    "SELECT",
    "DISTINCT",
    "a",
    ".",
    "name",
    "AS",
    "n",
    ",",
    "COUNT",
    "(",
    "*",
    ")",
    "cnt",
    "FROM",
    "account",
    "a",
    "LEFT",
    "JOIN",
    "contact",
    "c",
    "ON",
    "a.accountid",
    "=",
    "c.parentcustomerid",
    "WHERE",
    "NOT",
    "(",
    "a.name",
    "LIKE",
    "N'x%'",
    "OR",
    "a.revenue",
    "BETWEEN",
    "1",
    "AND",
    "2.5",
    ")",
    "AND",
    "a.createdon",
    ">=",
    "'2026-01-01T00:00:00Z'",
    "AND",
    "c.lastname",
    "IN",
    "(",
    "'a'",
    ",",
    "'b'",
    ")",
    "AND",
    "a.name",
    "IS",
    "NOT",
    "NULL",
    "GROUP",
    "BY",
    "a.name",
    "ORDER",
    "BY",
    "cnt",
    "DESC",
]
SPARE = [
    "*",
    ";",
    "'",
    '"',
    "[",
    "]",
    "--",
    "/*",
    "*/",
    "(",
    ")",
    "1e5",
    "99999999999999999999",
    "NULL",
    "TOP",
    "union",
    "\0",
    "\ud800",
    "é",
    "-",
    ".",
    "a.b.c",
]

XML = [
    '<fetch count="2" page="2" paging-cookie="x" distinct="true" aggregate="true" top="1"',
    ' <entity name="account"',
    ' <attribute name="name" alias="n" groupby="true" aggregate="sum"/',
    '\n<attribute name="createdon" alias="d" groupby="true" dategrouping="month"/',
    " <all-attributes/",
    ' <order attribute="name" alias="n" descending="true"/',
    ' <filter type="or"',
    " </filter",
    ' <condition attribute="createdon" operator="last-x-days" value="3"/',
    '\n<condition attribute="name" operator="in"',
    " <value",
    "a</value",
    " </condition",
    ' <condition attribute="revenue" operator="between" value="1"/',
    ' <condition attribute="name" operator="eq" valueof="c.lastname"/',
    '\n<link-entity name="contact" from="parentcustomerid" to="accountid" alias="c" link-type="outer"',
    ' <link-entity name="account" from="accountid" to="parentcustomerid" link-type="not any"',
    " </link-entity",
    " </entity",
    " </fetch",
    "",
]
XML_SPARE = [
    "<",
    "&amp;",
    "&x;",
    "<!DOCTYPE x [<!ENTITY a 'b'>]",
    "<?pi?",
    "<![CDATA[x]]",
    "\0",
    "é",
    '<condition attribute="name" operator="under"/',
    "<x/",
]


def _mangled(chance: random.Random, parts: list[str], spare: list[str], glue: str) -> str:
    found = list(parts)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found))
        match chance.randint(0, 4):
            case 0:
                del found[at]
            case 1:
                found.insert(at, chance.choice(spare))
            case 2:
                other = chance.randrange(len(found))
                found[at], found[other] = found[other], found[at]
            case 3:
                found[at] = "".join(chance.sample(found[at], len(found[at])))
            case _:
                found = found[: max(1, at)] if chance.random() < 0.2 else [*found, chance.choice(found)]
        found = found or ["x"]
    return glue.join(found)


@pytest.mark.parametrize("seed", range(2))
def test_mangled_statements_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    read = 0
    for _ in range(TEXTS):
        read += _outcome(lambda text: sql_query(ACCOUNT, text), _mangled(chance, SQL, SPARE, " "))
    assert 0 < read < TEXTS


@pytest.mark.parametrize("seed", range(2))
def test_mangled_fetches_are_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(TEXTS):
        kept = [part for part in XML if chance.random() < 0.85]
        _outcome(lambda text: fetch_query(ACCOUNT, text, ASKER).query, _mangled(chance, kept, XML_SPARE, ">") + ">")


@examples(250)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    _outcome(lambda said: sql_query(ACCOUNT, said), text)
    _outcome(lambda said: fetch_query(ACCOUNT, said, ASKER).query, text)


OPERATORS = [
    "eq",
    "ne",
    "neq",
    "gt",
    "ge",
    "lt",
    "le",
    "like",
    "not-like",
    "begins-with",
    "not-begin-with",
    "ends-with",
    "not-end-with",
    "in",
    "not-in",
    "between",
    "not-between",
    "null",
    "not-null",
    "on",
    "not-on",
    "on-or-after",
    "on-or-before",
    "today",
    "yesterday",
    "tomorrow",
    "last-seven-days",
    "next-seven-days",
    "this-week",
    "last-week",
    "next-week",
    "this-month",
    "last-month",
    "next-month",
    "this-year",
    "last-year",
    "next-year",
    "this-fiscal-year",
    "last-fiscal-period",
    "last-x-hours",
    "next-x-hours",
    "last-x-days",
    "next-x-weeks",
    "last-x-months",
    "next-x-years",
    "last-x-fiscal-years",
    "older-than-x-minutes",
    "older-than-x-months",
    "older-than-x-years",
    "eq-userid",
    "ne-userid",
    "eq-businessid",
    "eq-businessunitid",
    "eq-useroruserteams",
    "under",
]


@examples(600)
@given(
    st.sampled_from([one for table in model.TABLES for one in [(table, column) for column in table.shown]]),
    st.sampled_from(OPERATORS),
    st.sampled_from(
        [
            "",
            "1",
            "10000",
            "-1",
            "1.5",
            "true",
            "9999-12-31",
            "0001-01-01T00:00:00+14:00",
            "2026-02-30",
            "{00000000-0000-7000-8000-000000000001}",
            "x%",
            "１",
        ]
    ),
)
def test_every_operator_on_every_column(place: tuple[model.Table, object], operator: str, value: str) -> None:
    table, column = place
    xml = f'<fetch><entity name="{table.logical}"><filter><condition attribute="{column.logical}" operator="{operator}" value="{value}"/></filter></entity></fetch>'  # type: ignore[attr-defined]
    _outcome(lambda said: fetch_query(table, said, ASKER).query, xml)


def _outcome(read: object, text: str) -> bool:
    try:
        return isinstance(read(text), Query)  # type: ignore[operator]
    except GatepassError as error:
        return not error.message
