# ruff: noqa: E501
"""FetchXML over the Web API: columns, links, filters, groups and pages, as clients write and read them."""

import random
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus, unquote
from xml.etree import ElementTree as Tree

import pytest
import pytest_asyncio

from tests.dataverse.calling import WebApi, api
from tests.dataverse.people import People, make_people

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
COOKIE, MORE = "@Microsoft.Dynamics.CRM.fetchxmlpagingcookie", "@Microsoft.Dynamics.CRM.morerecords"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(api: WebApi) -> AsyncIterator[People]:
    yield await make_people(api, "FX")


async def fetch(api: WebApi, set_name: str, xml: str, **headers: str) -> dict[str, Any]:
    answer = await api.get(f"{set_name}?fetchXml={quote(xml, safe='')}", **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def accounts(inside: str, fetch_attributes: str = "") -> str:
    """A fetch of the accounts of this module only."""
    own = '<filter><condition attribute="accountnumber" operator="begins-with" value="FX"/></filter>'
    return f'<fetch {fetch_attributes}><entity name="account">{inside}{own}</entity></fetch>'


async def test_rows_are_whole_with_etag_and_key(api: WebApi, people: People) -> None:
    found = await fetch(
        api, "accounts", accounts('<attribute name="name"/><order attribute="accountnumber"/>', 'top="2"')
    )

    assert found["@odata.context"] == f"{api.root}$metadata#accounts(name)"
    assert [set(row) for row in found["value"]] == [{"@odata.etag", "name", "accountid"}] * 2
    assert [row["name"] for row in found["value"]] == [row["name"] for row in people.accounts[:2]]
    assert MORE not in found
    assert COOKIE not in found


async def test_no_attributes_are_all_attributes(api: WebApi, people: People) -> None:
    none = await fetch(api, "accounts", accounts("", 'top="1"'))
    every = await fetch(api, "accounts", accounts("<all-attributes/>", 'top="1"'))

    assert none["value"] == every["value"]
    assert "_transactioncurrencyid_value" in none["value"][0]


async def test_columns_of_links_go_by_their_alias(api: WebApi, people: People) -> None:
    link = '<link-entity name="contact" from="parentcustomerid" to="accountid" alias="c"><attribute name="lastname"/><attribute name="parentcustomerid"/><attribute name="firstname" alias="given"/></link-entity>'
    found = await fetch(
        api, "accounts", accounts('<attribute name="name"/>' + link), prefer='odata.include-annotations="*"'
    )

    rows = {(row["accountid"], row["given"], row["c.lastname"]) for row in found["value"]}
    assert rows == {(one["account"], one["firstname"], one["lastname"]) for one in people.contacts}
    assert all(row["c.parentcustomerid"] == row["accountid"] for row in found["value"])
    assert (
        found["value"][0]["c.parentcustomerid@OData.Community.Display.V1.FormattedValue"] == found["value"][0]["name"]
    )
    assert found["value"][0]["@odata.etag"] == 'W/"1"'


async def test_outer_links_keep_rows_and_their_filters_choose_what_is_joined(api: WebApi, people: People) -> None:
    link = '<link-entity name="contact" from="parentcustomerid" to="accountid" alias="c" link-type="outer"><attribute name="firstname"/><filter><condition attribute="firstname" operator="eq" value="f1"/></filter></link-entity>'
    found = await fetch(api, "accounts", accounts('<attribute name="name"/>' + link))
    without = await fetch(
        api,
        "accounts",
        accounts(
            '<attribute name="name"/><filter><condition entityname="c" attribute="contactid" operator="null"/></filter>'
            + link
        ),
    )

    with_one = {one["account"] for one in people.contacts if one["firstname"] == "F1"}
    assert {row["accountid"]: row["c.firstname"] for row in found["value"]} == {
        row["accountid"]: "F1" if row["accountid"] in with_one else None for row in people.accounts
    }
    assert {row["accountid"] for row in without["value"]} == {row["accountid"] for row in people.accounts} - with_one


@pytest.mark.parametrize(
    ("kind", "wanted"), [("exists", 1), ("in", 1), ("any", 1), ("not all", 1), ("not any", 0), ("all", 2)]
)
async def test_links_that_test_for_rows(api: WebApi, people: People, kind: str, wanted: int) -> None:
    link = f'<link-entity name="contact" from="parentcustomerid" to="accountid" link-type="{kind}"><filter><condition attribute="firstname" operator="eq" value="F1"/></filter></link-entity>'
    inside = [f"{link}", f'<filter type="or"><filter>{link}</filter></filter>']
    found = [await fetch(api, "accounts", accounts('<attribute name="name"/>' + one)) for one in inside]

    has = {one["account"] for one in people.contacts}
    has_f1 = {one["account"] for one in people.contacts if one["firstname"] == "F1"}
    every = {row["accountid"] for row in people.accounts}
    expected = {1: has_f1, 0: every - has_f1, 2: has - has_f1}[wanted]
    assert [{row["accountid"] for row in one["value"]} for one in found] == [expected, expected]


async def test_a_relationship_of_many_to_many_is_two_links(api: WebApi) -> None:
    event = await api.make(
        "msevtmgt_events",
        msevtmgt_name="Fetched",
        msevtmgt_eventstartdate="2027-06-10T09:00:00Z",
        msevtmgt_eventenddate="2027-06-11T17:00:00Z",
    )
    passes = [
        await api.make(
            "msevtmgt_passes",
            **{
                "msevtmgt_name": name,
                "msevtmgt_passprice": 1,
                "msevtmgt_noofpassesallocated": 5,
                "msevtmgt_eventid@odata.bind": f"/msevtmgt_events({event})",
            },
        )
        for name in ("Day", "Week")
    ]
    session = await api.make(
        "msevtmgt_sessions",
        **{
            "msevtmgt_name": "Keynote",
            "msevtmgt_starttime": "2027-06-10T09:00:00Z",
            "msevtmgt_endtime": "2027-06-10T10:00:00Z",
            "msevtmgt_Event@odata.bind": f"/msevtmgt_events({event})",
        },
    )
    bound = await api.post(
        f"msevtmgt_passes({passes[0]})/msevtmgt_pass_msevtmgt_session/$ref",
        {"@odata.id": f"{api.root}msevtmgt_sessions({session})"},
    )
    assert bound.status_code == 204, bound.text
    pairs = '<link-entity name="msevtmgt_pass_msevtmgt_session" from="msevtmgt_passid" to="msevtmgt_passid" intersect="true" visible="false" {}><link-entity name="msevtmgt_session" from="msevtmgt_sessionid" to="msevtmgt_sessionid" alias="s"{}><filter><condition attribute="msevtmgt_name" operator="eq" value="keynote"/></filter></link-entity></link-entity>'
    own = f'<filter><condition attribute="msevtmgt_eventid" operator="eq" value="{{{event}}}"/></filter>'
    shown = pairs.replace("<filter>", '<attribute name="msevtmgt_name"/><filter>')

    texts = (
        own + shown.format("", ""),
        own + pairs.format('link-type="exists"', ""),
        own + "<filter>" + pairs.format('link-type="not any"', "") + "</filter>",
    )
    joined, tested, without = [
        await fetch(
            api,
            "msevtmgt_passes",
            f'<fetch><entity name="msevtmgt_pass"><attribute name="msevtmgt_name"/>{text}</entity></fetch>',
        )
        for text in texts
    ]

    assert [(row["msevtmgt_name"], row["s.msevtmgt_name"]) for row in joined["value"]] == [("Day", "Keynote")]
    assert [row["msevtmgt_name"] for row in tested["value"]] == ["Day"]
    assert [row["msevtmgt_name"] for row in without["value"]] == ["Week"]


async def test_the_currency_is_a_link_like_any_other(api: WebApi, people: People) -> None:
    (euro,) = (await api.get("transactioncurrencies?$filter=isocurrencycode eq 'EUR'")).json()["value"]
    at = await api.make(
        "accounts",
        **{
            "name": "Rich",
            "revenue": 12.5,
            "transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro['transactioncurrencyid']})",
        },
    )
    link = '<link-entity name="transactioncurrency" from="transactioncurrencyid" to="transactioncurrencyid" {}><filter><condition attribute="isocurrencycode" operator="eq" value="eur"/></filter></link-entity>'
    shown = link.format('alias="m"').replace("<filter>", '<attribute name="isocurrencycode"/><filter>')
    texts = [
        f'<attribute name="revenue"/><filter><condition attribute="accountid" operator="eq" value="{at}"/></filter>{one}'
        for one in (shown, link.format('link-type="exists"'))
    ]

    joined, tested = [
        await fetch(api, "accounts", f'<fetch><entity name="account">{text}</entity></fetch>') for text in texts
    ]

    assert [(row["revenue"], row["m.isocurrencycode"]) for row in joined["value"]] == [(12.5, "EUR")]
    assert [row["revenue"] for row in tested["value"]] == [12.5]


async def test_groups(api: WebApi, people: People) -> None:
    found = await fetch(
        api,
        "accounts",
        accounts(
            '<attribute name="creditonhold" alias="held" groupby="true"/><attribute name="accountid" alias="n" aggregate="count"/>'
            '<attribute name="address1_city" alias="cities" aggregate="countcolumn" distinct="true"/>'
            '<attribute name="numberofemployees" alias="most" aggregate="max"/><attribute name="numberofemployees" alias="total" aggregate="sum"/>'
            '<order alias="n" descending="true"/>',
            'aggregate="true"',
        ),
    )

    expected = []
    for held in (False, True):
        rows = [row for row in people.accounts if row["creditonhold"] is held]
        employees = [row["numberofemployees"] for row in rows if row["numberofemployees"] is not None]
        expected.append({"held": held, "n": len(rows), "most": max(employees), "total": sum(employees)})
    expected.sort(key=lambda row: -row["n"])
    assert [{name: row[name] for name in ("held", "n", "most", "total")} for row in found["value"]] == expected
    assert all("@odata.etag" not in row for row in found["value"])


async def test_dates_are_grouped_by_their_parts(api: WebApi, people: People) -> None:
    parts = ("day", "week", "month", "quarter", "year")
    fields = "".join(
        f'<attribute name="createdon" alias="{part}" groupby="true" dategrouping="{part}"/>' for part in parts
    )
    found = await fetch(
        api,
        "accounts",
        accounts(fields + '<attribute name="accountid" alias="n" aggregate="count"/>', 'aggregate="true"'),
    )

    now = datetime.now(UTC)
    first_weekday = datetime(now.year, 1, 1).isoweekday() % 7
    week = (now.timetuple().tm_yday + first_weekday - 1) // 7 + 1
    assert {
        "day": now.day,
        "week": week,
        "month": now.month,
        "quarter": (now.month + 2) // 3,
        "year": now.year,
        "n": 14,
    } in found["value"] or len(found["value"]) == 2


async def test_distinct_rows_show_no_key(api: WebApi, people: People) -> None:
    found = await fetch(
        api,
        "accounts",
        accounts('<attribute name="creditonhold"/><order attribute="creditonhold"/>', 'distinct="true"'),
    )

    assert found["value"] == [{"creditonhold": False}, {"creditonhold": True}]


SORTED = (
    '<order attribute="accountnumber"/>',
    '<order attribute="address1_city" descending="true"/>',
    '<order attribute="numberofemployees"/><order attribute="name" descending="true"/>',
    "",
)


@pytest.mark.parametrize("order", SORTED)
@pytest.mark.parametrize("link", ["", "many", "outer"])
@pytest.mark.parametrize("client", ["sdk", "dwa", "numbers"])
async def test_pages_have_every_row_once(api: WebApi, people: People, order: str, link: str, client: str) -> None:
    links = {
        "": "",
        "many": '<link-entity name="contact" from="parentcustomerid" to="accountid" alias="c"><attribute name="contactid"/></link-entity>',
        "outer": '<link-entity name="contact" from="parentcustomerid" to="accountid" alias="c" link-type="outer"><attribute name="contactid"/><order attribute="lastname"/></link-entity>',
    }
    xml = accounts('<attribute name="name"/>' + order + links[link], 'count="4"')
    whole = await fetch(api, "accounts", xml.replace('count="4"', 'count="5000"'))

    seen = [row async for row in pages(api, xml, client)]

    assert seen == whole["value"]
    keys = [(row["accountid"], row.get("c.contactid")) for row in seen]
    assert len(set(keys)) == len(keys) >= 13


async def pages(api: WebApi, xml: str, client: str) -> AsyncIterator[dict[str, Any]]:
    """As each client goes from page to page."""
    number = 1
    while True:
        found = await fetch(api, "accounts", xml)
        for row in found["value"]:
            yield row
        assert (MORE in found) == (COOKIE in found)
        if MORE not in found:
            return
        number += 1
        xml = NEXT[client](xml, found[COOKIE], number)


def _sdk(xml: str, cookie: str, number: int) -> str:
    outer = Tree.fromstring(cookie)
    assert int(outer.get("pagenumber", "")) == number
    inner = unquote(unquote(outer.get("pagingcookie", "")))
    root = Tree.fromstring(xml)
    root.set("paging-cookie", inner)
    root.set("page", str(number))
    return Tree.tostring(root, encoding="unicode")


def _dwa(xml: str, cookie: str, number: int) -> str:
    found = re.search(r'pagingcookie="(<cookie page="(\d+)".+</cookie>)', unquote(unquote(cookie)))
    assert found
    assert int(found[2]) + 1 == number
    inner = found[1]
    for letter, escaped in (("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        inner = inner.replace(letter, escaped)
    bare = re.sub(r' (page|paging-cookie)="[^"]*"', "", xml)
    return re.sub(r"^(<fetch)", lambda start: f'{start[1]} page="{number}" paging-cookie="{inner}"', bare)


def _numbers(xml: str, cookie: str, number: int) -> str:
    root = Tree.fromstring(xml)
    root.set("page", str(number))
    return Tree.tostring(root, encoding="unicode")


NEXT = {"sdk": _sdk, "dwa": _dwa, "numbers": _numbers}


async def test_a_row_before_the_cookie_shifts_nothing(api: WebApi, people: People) -> None:
    xml = accounts('<attribute name="accountnumber"/><order attribute="accountnumber" descending="true"/>', 'count="5"')
    first = await fetch(api, "accounts", xml)
    late = await api.make("accounts", name="Late", accountnumber="FX999")

    second = await fetch(api, "accounts", _sdk(xml, first[COOKIE], 2))

    await api.delete(f"accounts({late})")
    assert [row["accountnumber"] for row in second["value"]] == [f"FX{at:03}" for at in range(8, 3, -1)]


async def test_a_cookie_of_another_query_counts_for_nothing(api: WebApi, people: People) -> None:
    xml = accounts(
        '<attribute name="accountnumber"/><order attribute="accountnumber"/>', 'count="5" page="2" paging-cookie="{}"'
    )
    for cookie in (
        "",
        "nonsense",
        "&lt;cookie page=&quot;1&quot;/&gt;",
        "&lt;cookie page=&quot;1&quot;&gt;&lt;name last=&quot;x&quot;/&gt;&lt;accountid last=&quot;y&quot;/&gt;&lt;/cookie&gt;",
    ):
        found = await fetch(api, "accounts", xml.format(cookie))
        assert [row["accountnumber"] for row in found["value"]] == [f"FX{at:03}" for at in range(5, 10)]


async def test_the_total_is_told_when_it_is_asked_for(api: WebApi, people: People) -> None:
    found = await fetch(
        api,
        "accounts",
        accounts('<attribute name="name"/>', 'count="2" returntotalrecordcount="true"'),
        prefer='odata.include-annotations="*"',
    )

    assert found["@Microsoft.Dynamics.CRM.totalrecordcount"] == 14
    assert found["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is False


async def test_the_one_who_asks_is_known(api: WebApi, people: People) -> None:
    mine = (await api.get("WhoAmI")).json()["UserId"]
    contact = await fetch(
        api,
        "accounts",
        accounts(
            '<attribute name="createdby"/><filter><condition attribute="createdby" operator="eq-userid"/></filter>'
        ),
    )
    others = await fetch(
        api,
        "accounts",
        accounts(
            '<attribute name="createdby"/><filter><condition attribute="createdby" operator="ne-userid"/></filter>'
        ),
    )

    assert {row["_createdby_value"] for row in contact["value"]} <= {mine}
    assert len(contact["value"]) + len(others["value"]) == 14


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        ('<!DOCTYPE fetch [<!ENTITY x "y">]><fetch><entity name="account"/></fetch>', "no document type"),
        ("<fetch>", "Invalid XML"),
        ('<fetch><entity name="contact"/></fetch>', "holds rows of 'account'"),
        ('<fetch><entity name="account"><attribute name="nothing"/></entity></fetch>', "doesn't contain attribute"),
        ('<fetch top="1" page="2"><entity name="account"/></fetch>', "'top' cannot be used together"),
        (
            '<fetch><entity name="account"><filter><condition attribute="name" operator="resembles" value="x"/></filter></entity></fetch>',
            "Invalid condition operator",
        ),
        (
            '<fetch><entity name="account"><filter><condition attribute="accountid" operator="under" value="x"/></filter></entity></fetch>',
            "not supported",
        ),
        (
            '<fetch><entity name="account"><filter><condition attribute="numberofemployees" operator="eq" value="many"/></filter></entity></fetch>',
            "is not of type Integer",
        ),
        (
            '<fetch><entity name="account"><filter><condition entityname="x" attribute="name" operator="null"/></filter></entity></fetch>',
            "has the alias 'x'",
        ),
        (
            "<fetch>" + "<entity name='account'>" + "<filter>" * 200 + "</filter>" * 200 + "</entity></fetch>",
            "nested more than 100",
        ),
        (
            "<fetch><entity name='account'>"
            + "<filter type='or'>" * 90
            + "<condition attribute='name' operator='null'/><condition attribute='name' operator='eq' value='x'/>"
            + "</filter>" * 90
            + "</entity></fetch>",
            "nested deeper",
        ),
        (
            "<fetch><entity name='account'><filter>"
            + "<condition attribute='name' operator='eq' value='x'/>" * 501
            + "</filter></entity></fetch>",
            "at most 500",
        ),
    ],
)
async def test_refusals_say_what_is_wrong(api: WebApi, xml: str, said: str) -> None:
    # Little is quoted, so that what is much too long for a query is not too long for an address.
    asked = quote_plus(xml, safe="/='")
    answer = await api.get(f"accounts?fetchXml={asked}")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "0x80060888"
    assert said in answer.json()["error"]["message"]


# Random filters, against the same in Python


async def test_random_filters_mean_what_they_say(api: WebApi, people: People) -> None:
    chance = random.Random(7)
    for _ in range(150):
        xml, holds = _filter(chance, 3)
        found = await fetch(api, "accounts", accounts('<attribute name="name"/>' + xml))

        expected = {row["accountid"] for row in people.accounts if holds(row)}
        assert {row["accountid"] for row in found["value"]} == expected, xml


def _filter(chance: random.Random, depth: int) -> tuple[str, Any]:
    if depth and chance.random() < 0.6:
        parts = [_filter(chance, depth - 1) for _ in range(chance.randint(1, 3))]
        kind = chance.choice(["and", "or"])
        holds = all if kind == "and" else any
        inside = "".join(xml for xml, _ in parts)
        return f'<filter type="{kind}">{inside}</filter>', lambda row: holds(test(row) for _, test in parts)
    xml, test = _condition(chance)
    return (f"<filter>{xml}</filter>", test)


def _condition(chance: random.Random) -> tuple[str, Any]:
    if chance.random() < 0.5:
        return _number_condition(chance)
    column, value = chance.choice(
        [("name", "alp"), ("name", "a"), ("address1_city", "berlin"), ("address1_city", "o'hare"), ("name", "%")]
    )
    operator = chance.choice(
        ["eq", "ne", "begins-with", "ends-with", "not-begin-with", "null", "not-null", "in", "not-in"]
    )
    tests = {
        "eq": lambda text: text == value, "begins-with": lambda text: text.startswith(value), "ends-with": lambda text: text.endswith(value),
        "in": lambda text: text in {value, "rome"},
    }  # fmt: skip
    escaped = value.replace("'", "&apos;")
    values = f"<value>{escaped}</value><value>ROME</value>" if operator.endswith("in") else ""
    given = "" if operator.endswith(("in", "null")) and operator != "begins-with" else f' value="{escaped}"'
    if operator == "begins-with":
        given, values = f' value="{escaped}"', ""
    if operator == "not-begin-with":
        given, values = f' value="{escaped}"', ""
    xml = f'<condition attribute="{column}" operator="{operator}"{given}>{values}</condition>'

    def holds(row: dict[str, Any]) -> bool:
        held = row[column]
        if operator in {"null", "not-null"}:
            return (held is None) == (operator == "null")
        negated = operator in {"ne", "not-begin-with", "not-in"}
        plain = {"ne": "eq", "not-begin-with": "begins-with", "not-in": "in"}.get(operator, operator)
        return negated if held is None else tests[plain](held.lower()) is not negated

    return xml, holds


def _number_condition(chance: random.Random) -> tuple[str, Any]:
    low, high = sorted((chance.randint(-5, 35), chance.randint(-5, 35)))
    operator = chance.choice(["eq", "ne", "lt", "le", "gt", "ge", "between", "not-between"])
    values = f"<value>{low}</value><value>{high}</value>" if "between" in operator else f"<value>{low}</value>"
    tests = {
        "eq": lambda held: held == low, "ne": lambda held: held != low, "lt": lambda held: held < low, "le": lambda held: held <= low,
        "gt": lambda held: held > low, "ge": lambda held: held >= low, "between": lambda held: low <= held <= high,
        "not-between": lambda held: not low <= held <= high,
    }  # fmt: skip
    nothing = operator in {"ne", "not-between"}
    xml = f'<condition attribute="numberofemployees" operator="{operator}">{values}</condition>'
    return xml, lambda row: nothing if row["numberofemployees"] is None else tests[operator](row["numberofemployees"])
