# ruff: noqa: E501
"""?sql= over the Web API: a SELECT says what it says in SQL, and what is left out is refused by its name."""

import random
import sqlite3
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.dataverse.calling import WebApi, api, refused
from tests.dataverse.people import People, make_people, number

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = "accountnumber LIKE 'SQ%'"
NAMED = "OData.Community.Display.V1.AttributeName"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(api: WebApi) -> AsyncIterator[People]:
    yield await make_people(api, "SQ")


async def sql(api: WebApi, text: str, **headers: str) -> dict[str, Any]:
    answer = await api.get(f"accounts?sql={quote(text, safe='')}", **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_row_has_its_key_and_the_names_of_the_select_list(api: WebApi, people: People) -> None:
    found = await sql(
        api, f"SELECT a.name AS called, [a].[address1_city] FROM account AS a WHERE {OWN} ORDER BY accountnumber DESC"
    )

    last = people.accounts[-1]
    assert found["value"][0] == {
        "accountid": last["accountid"],
        "called": last["name"],
        "address1_city": last["address1_city"],
        f"called@{NAMED}": "name",
    }
    assert len(found["value"]) == 14


@pytest.mark.parametrize("top", ["TOP 5", "TOP (5)"])
async def test_top_counts_over_all_pages(api: WebApi, people: People, top: str) -> None:
    found = await sql(
        api, f"SELECT {top} name FROM account WHERE {OWN} ORDER BY accountnumber", prefer="odata.maxpagesize=2"
    )
    names = [row["name"] for row in found["value"]]
    while "@odata.nextLink" in found:
        found = (await api.get(found["@odata.nextLink"], prefer="odata.maxpagesize=2")).json()
        names += [row["name"] for row in found["value"]]

    assert names == [one["name"] for one in people.accounts[:5]]


async def test_joins_and_groups(api: WebApi, people: People) -> None:
    found = await sql(
        api,
        f"""SELECT a.accountid, COUNT(c.contactid) AS cnt FROM account a -- with or without
            LEFT OUTER JOIN contact c ON (c.parentcustomerid = a.accountid) /* people */
            WHERE a.{OWN} GROUP BY a.accountid ORDER BY cnt DESC""",
    )
    inner = await sql(
        api,
        f'SELECT c.lastname "family", a.name FROM account a JOIN contact c ON a.accountid = c.parentcustomerid WHERE a.{OWN}',
    )

    counts = {
        row["accountid"]: len([one for one in people.contacts if one["account"] == row["accountid"]])
        for row in people.accounts
    }
    assert {row["accountid"]: row["cnt"] for row in found["value"]} == counts
    assert [row["cnt"] for row in found["value"]] == sorted(counts.values(), reverse=True)
    assert sorted(str(row["family"]) for row in inner["value"]) == sorted(
        str(one["lastname"]) for one in people.contacts
    )


async def test_aggregates(api: WebApi, people: People) -> None:
    found = await sql(
        api,
        f"SELECT COUNT(*) AS n, COUNT(numberofemployees) AS known, COUNT(DISTINCT numberofemployees) AS kinds, SUM(numberofemployees) AS total, AVG(numberofemployees) AS middle, MIN(numberofemployees) AS least, MAX(numberofemployees) AS most FROM account WHERE {OWN}",
    )

    known = [row["numberofemployees"] for row in people.accounts if row["numberofemployees"] is not None]
    (row,) = found["value"]
    values = {name: number(row[name]) for name in ("n", "known", "kinds", "total", "least", "most")}
    assert values == {
        "n": 14,
        "known": len(known),
        "kinds": len(set(known)),
        "total": sum(known),
        "least": min(known),
        "most": max(known),
    }
    assert abs(float(row["middle"]) - sum(known) / len(known)) < 0.001
    assert row[f"total@{NAMED}"] == "numberofemployees"
    assert "accountid" not in row


async def test_distinct_rows(api: WebApi, people: People) -> None:
    found = await sql(api, f"SELECT DISTINCT creditonhold FROM account WHERE {OWN} ORDER BY creditonhold")

    assert found["value"] == [{"creditonhold": False}, {"creditonhold": True}]


async def test_a_long_answer_comes_in_pages(api: WebApi, people: People) -> None:
    text = f"SELECT accountnumber FROM account WHERE {OWN} ORDER BY address1_city"
    whole = await sql(api, text)
    seen: list[Any] = []

    found = await sql(api, text, prefer="odata.maxpagesize=4")
    seen += found["value"]
    while link := found.get("@odata.nextLink"):
        found = (await api.get(link, prefer="odata.maxpagesize=4")).json()
        seen += found["value"]

    assert seen == whole["value"]
    assert len(seen) == 14
    refused(await api.get("accounts?sql=SELECT%20name%20FROM%20account&$skiptoken=x"), 400, "0x80060888", "$skiptoken")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT * FROM account", "SELECT *"),
        ("SELECT a.* FROM account a", "'a.*'"),
        ("SELECT TOP name FROM account", "whole number"),
        ("SELECT name FROM account WHERE " + "(" * 90 + "name = 'x'" + " OR name = 'y')" * 90, "nested deeper"),
        ("SELECT name FROM account WHERE " + "name = 'x' AND " * 600 + "name = 'y'", "at most 500"),
        ("SELECT name FROM account ORDER BY name OFFSET 3 ROWS", "OFFSET"),
        ("SELECT name FROM account WHERE name IN (SELECT name FROM account)", "subquery"),
        ("SELECT name FROM (SELECT name FROM account) x", "subquery"),
        ("SELECT name FROM account WHERE EXISTS (SELECT 1)", "subqueries"),
        ("SELECT name FROM account UNION ALL SELECT name FROM account", "UNION"),
        ("SELECT name FROM account GROUP BY name HAVING COUNT(*) > 1", "HAVING"),
        ("WITH x AS (SELECT 1) SELECT name FROM x", "WITH"),
        ("SELECT a.name FROM account a RIGHT JOIN contact c ON a.accountid = c.parentcustomerid", "RIGHT JOIN"),
        ("SELECT a.name FROM account a FULL OUTER JOIN contact c ON a.accountid = c.parentcustomerid", "FULL JOIN"),
        ("SELECT a.name FROM account a CROSS JOIN contact c", "CROSS JOIN"),
        ("SELECT a.name FROM account a, contact c", "comma"),
        ("SELECT name FROM account; DELETE FROM account", "several statements"),
        ("DELETE FROM account", "Changing data"),
        ("SELECT name FROM account DROP TABLE account", "Changing data"),
        ("SELECT UPPER(name) FROM account", "'UPPER'"),
        ("SELECT CASE WHEN 1=1 THEN name END FROM account", "CASE"),
        ("SELECT name FROM account WHERE LEN(name) > 1", "'LEN'"),
        ("SELECT name FROM contact", "holds rows of 'account'"),
        ("SELECT nothing FROM account", "no column 'nothing'"),
        ("SELECT createdon FROM account a JOIN contact c ON a.accountid = c.parentcustomerid", "several tables"),
        ("SELECT name, COUNT(*) FROM account", "GROUP BY"),
        ("SELECT name FROM account WHERE name = NULL", "IS NULL"),
        ("SELECT name FROM account WHERE numberofemployees = 'many'", "not of type Integer"),
        ("SELECT name FROM account WHERE name = 'open", "position"),
        ("SELECT name FROM account WHERE " + "(" * 200 + "name = 'x'" + ")" * 200, "deeper than 100"),
        ("SELECT name FROM account /* for ever", "comment without an end"),
    ],
)
async def test_refusals_name_the_thing(api: WebApi, people: People, text: str, said: str) -> None:
    refused(await api.get(f"accounts?sql={quote(text, safe='')}"), 400, "0x80060888", said)


async def test_random_conditions_mean_what_they_mean_in_sql(api: WebApi, people: People) -> None:
    """The same WHERE on the same rows in another SQL database, which compares texts without case here."""
    own = sqlite3.connect(":memory:")
    own.execute(
        "CREATE TABLE account (accountid, name TEXT COLLATE NOCASE, address1_city TEXT COLLATE NOCASE, numberofemployees INTEGER)"
    )
    rows = [(row["accountid"], row["name"], row["address1_city"], row["numberofemployees"]) for row in people.accounts]
    own.executemany("INSERT INTO account VALUES (?, ?, ?, ?)", rows)
    chance = random.Random(11)
    for _ in range(150):
        where = _where(chance, 3)
        expected = {row[0] for row in own.execute(f"SELECT accountid FROM account WHERE {where}")}

        found = await sql(api, f"SELECT name FROM account WHERE ({where}) AND {OWN}")

        assert {row["accountid"] for row in found["value"]} == expected, where


PATTERNS = ("'a%'", "'%a'", "'%r%'", "'_eta'", "'50%%'")


def _where(chance: random.Random, depth: int) -> str:
    if depth and chance.random() < 0.6:
        joined = chance.choice([" AND ", " or "]).join(_where(chance, depth - 1) for _ in range(chance.randint(1, 3)))
        return f"{chance.choice(['', 'NOT '])}({joined})"
    low, high = sorted((chance.randint(-5, 35), chance.randint(-5, 35)))
    text = chance.choice(["'alpha'", "'berlin'", "'O''Hare'", "'50% off'", "''"])
    column, other = chance.sample(["name", "address1_city"], 2)
    return chance.choice(
        [
            f"numberofemployees {chance.choice(['=', '<>', '!=', '<', '<=', '>', '>='])} {low}",
            f"{low} {chance.choice(['=', '<', '>='])} numberofemployees",
            f"numberofemployees {chance.choice(['', 'NOT '])}BETWEEN {low} AND {high}",
            f"numberofemployees {chance.choice(['', 'NOT '])}IN ({low}, {high}, 10)",
            f"{column} {chance.choice(['=', '<>', '<', '>='])} {text}",
            f"{column} {chance.choice(['=', '<>'])} {other}",
            f"{column} {chance.choice(['', 'NOT '])}LIKE {chance.choice(PATTERNS)}",
            f"{column} IS {chance.choice(['', 'NOT '])}NULL",
        ]
    )
