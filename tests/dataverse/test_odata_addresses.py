"""Keys, paths and page tokens: read as they were meant, refused as Dataverse refuses them, and never a crash."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass import model
from gatepass.domain.errors import GatepassError, NotFound, Refused
from gatepass.model.query import PAGE_LIMIT, Query, Value
from gatepass.model.table import Key
from gatepass.web.dataverse.odata import address, paging
from gatepass.web.dataverse.odata.address import Segment
from gatepass.web.dataverse.odata.keys import parse_key
from gatepass.web.dataverse.odata.resolve import query_of

PURCHASE = model.BY_SET["msevtmgt_eventpurchases"]
EVENT = model.BY_SET["msevtmgt_events"]
CURRENCY = model.BY_SET["transactioncurrencies"]
PASS = model.BY_SET["msevtmgt_passes"]
ID = UUID("5b0c6c1e-7b51-4d0e-9f30-0a6f7d9b1c01")

# Keys


@pytest.mark.parametrize("text", [str(ID), f" {str(ID).upper()} ", f"msevtmgt_eventid={ID}"])
def test_a_row_goes_by_its_id(text: str) -> None:
    assert parse_key(EVENT, text) == ID


def test_a_row_goes_by_an_alternate_key() -> None:
    assert parse_key(EVENT, "msevtmgt_readableeventid='it''s, (a) = ''b'''") == {
        "msevtmgt_readableeventid": "it's, (a) = 'b'"
    }
    assert parse_key(CURRENCY, "isocurrencycode = 'EUR'") == {"isocurrencycode": "EUR"}


def test_a_key_may_have_several_parts_and_lookups() -> None:
    table = replace(PASS, keys=(Key("both", ("msevtmgt_eventid", "msevtmgt_name")),))

    for lookup in ("_msevtmgt_eventid_value", "msevtmgt_eventid"):
        assert parse_key(table, f"msevtmgt_name='a',{lookup}={ID}") == {"msevtmgt_eventid": ID, "msevtmgt_name": "a"}
    with pytest.raises(Refused):
        parse_key(table, "msevtmgt_name='a'")


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "'x'", str(ID)[:-1], f"{{{ID}}}", f"'{ID}'", f"accountid={ID}", f"msevtmgt_name='{ID}'", "isocurrencycode=EUR",
        "isocurrencycode=5", "isocurrencycode='EUR',isocurrencycode='EUR'", "isocurrencycode=null", "isocurrencycode=['EUR']",
        "isocurrencycode='EUR", "isocurrencycode=@p", "=", ",", "transactioncurrencyid='x'", "isocurrencycode='\x00'", "(" * 200,
    ],
)  # fmt: skip
def test_what_is_no_key_is_told(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_key(CURRENCY, text)

    assert refused.value.code == "KeyInvalid"
    assert refused.value.message.startswith(
        "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.transactioncurrency'."
    )


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30))
def test_a_key_with_any_text_survives_the_address(text: str) -> None:
    written = "msevtmgt_readableeventid='" + text.replace("'", "''") + "'"
    (segment, count) = address.segments(f"msevtmgt_events({quote(written, safe='')})/$count")

    assert parse_key(EVENT, segment.inside or "") == {"msevtmgt_readableeventid": text}
    assert count == Segment("$count")


# Addresses


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("", []),
        ("$metadata", [("$metadata", None)]),
        ("msevtmgt_events/", [("msevtmgt_events", None)]),
        (f"msevtmgt_events({ID})/msevtmgt_event_pass/$ref", [("msevtmgt_events", str(ID)), ("msevtmgt_event_pass", None), ("$ref", None)]),
        (f"msevtmgt_events%28{ID}%29/msevtmgt_name", [("msevtmgt_events", str(ID)), ("msevtmgt_name", None)]),
        ("a(n='x/y')/b(c)/$ref", [("a", "n='x/y'"), ("b", "c"), ("$ref", None)]),
        ("a/Microsoft.Dynamics.CRM.CreateMultiple", [("a", None), ("Microsoft.Dynamics.CRM.CreateMultiple", None)]),
        ("WhoAmI()", [("WhoAmI", "")]),
        ("F(p=@p1)", [("F", "p=@p1")]),
        ("EntityDefinitions(LogicalName='x')/Attributes", [("EntityDefinitions", "LogicalName='x'"), ("Attributes", None)]),
        ("$1/lastname", [("$1", None), ("lastname", None)]),
    ],
)  # fmt: skip
def test_a_path_is_cut_into_segments(path: str, wanted: list[tuple[str, str | None]]) -> None:
    assert [(one.name, one.inside) for one in address.segments(path)] == wanted


@pytest.mark.parametrize("path", ["a//b", "a(b", "a)b", "(x)", "a(b)c", "%ff", "a%00", "a('", "/".join("a" * 11)])
def test_what_is_no_path_is_no_resource(path: str) -> None:
    with pytest.raises(NotFound) as refused:
        address.segments(path)

    assert refused.value.code == "SegmentUnknown"


def test_a_function_is_given_its_arguments() -> None:
    (segment,) = address.segments("""F(a=@p1,b='x,y',c={"d":[1,2]})""")

    found = address.arguments(segment, {"@p1": '["a","b"]'})

    assert found == {"a": '["a","b"]', "b": "'x,y'", "c": '{"d":[1,2]}'}
    assert address.argument(found["a"]) == ("a", "b")
    assert address.argument(found["b"]) == "x,y"
    assert address.arguments(Segment("F", ""), {}) == {}
    for wrong in ("a", "a=@p2", "=1"):
        with pytest.raises(Refused):
            address.arguments(Segment("F", wrong), {})


@pytest.mark.parametrize(
    "url",
    [
        "a(1)?$select=b c", "/a(1)?$select=b c", "/api/data/v9.1/a(1)?$select=b c",
        "https://ev.example:8443/api/data/v9.2/a(1)?$select=b c",
    ],
)  # fmt: skip
def test_all_ways_to_write_an_address_are_one(url: str) -> None:
    assert address.relative(url) == "a(1)?$select=b c"


@pytest.mark.parametrize("url", ["https://ev.example/other/a", "/api/other", "http://[", "/api/data/9.2/a"])
def test_addresses_of_elsewhere_are_unknown(url: str) -> None:
    with pytest.raises(NotFound):
        address.relative(url)


def test_addresses_have_a_length() -> None:
    address.check_length("a" * address.MAX_ADDRESS_BYTES)
    with pytest.raises(Refused, match="limit"):
        address.check_length("a" * (address.MAX_ADDRESS_BYTES + 1))


# Pages

ORDERED = {"$orderby": "msevtmgt_totalprice desc,createdon,msevtmgt_EventId/msevtmgt_name,msevtmgt_paid,_ownerid_value"}
AFTER: tuple[Value, ...] = (Decimal("61.70"), datetime(2026, 5, 1, tzinfo=UTC), "it's é", True, None, ID)


def paged(**more: str) -> Query:
    return query_of(PURCHASE, ORDERED | {f"${name}": value for name, value in more.items()}, page_size=10)


def test_a_token_leads_behind_the_last_row() -> None:
    token = paging.skiptoken(paged(), AFTER, 2)

    assert quote(token, safe="") == token
    assert paged(skiptoken=token).after == AFTER
    assert paging.resumed(paged(), token).page == 2


def test_top_counts_over_all_pages() -> None:
    second = paged(top="25", skiptoken=paging.skiptoken(paged(top="25"), AFTER, 2))
    assert second.top == 15
    third = paged(top="25", skiptoken=paging.skiptoken(second, AFTER, 3))
    assert third.top == 5
    whole = replace(paged(top="6000"), page_size=None)
    assert paging.resumed(whole, paging.skiptoken(whole, AFTER, 2)).query.top == 6000 - PAGE_LIMIT


def test_a_token_of_another_order_or_table_is_refused() -> None:
    token = paging.skiptoken(paged(), AFTER, 2)

    for table, options in ((PURCHASE, {"$orderby": "createdon"}), (EVENT, {})):
        with pytest.raises(Refused, match="belongs to another query"):
            query_of(table, options | {"$skiptoken": token})


@pytest.mark.parametrize("after", [(), (ID,) * 6, (*AFTER[:-1], "x"), (1, *AFTER)])
def test_a_token_with_values_of_other_types_is_refused(after: tuple[Value, ...]) -> None:
    with pytest.raises(Refused):
        paged(skiptoken=paging.skiptoken(paged(), after, 2))


@given(st.data())
def test_a_damaged_token_is_refused(data: st.DataObject) -> None:
    token = paging.skiptoken(paged(), AFTER, 2)
    at = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.sampled_from("abcXYZ019-_é'").filter(lambda one: one != token[at]))

    for damaged in (token[:at] + letter + token[at + 1 :], token[:at], letter + token):
        with pytest.raises(Refused):
            paged(skiptoken=damaged)


# Anything at all

PIECES = [
    "msevtmgt_name", "createdon", "msevtmgt_totalprice", "statecode", "_msevtmgt_eventid_value", "msevtmgt_EventId", "/", "x", "$it",
    "msevtmgt_event_pass", "any", "all", "(", ")", "x:", ",", ";", "=", "'a'", "'", '"', "''", "1", "-1", "1.5", "1e99", "null", "true",
    " eq ", " ne ", " gt ", " and ", " or ", "not ", " in ", " add ", " div ", "contains", "startswith", "tolower", "substring", "year",
    "Microsoft.Dynamics.CRM.", "In", "Between", "LastXDays", "OlderThanXYears", "On", "EqualUserId", "PropertyName=", "PropertyValue=",
    "PropertyValues=", "[", "]", "@p1", "@p2", str(ID), "{", "}", "2026-05-01", "2026-05-01T10:00:00Z", "0001-01-01T00:00:00+14:00",
    "$select=", "$filter=", "$expand=", "$orderby=", "$top=", "$levels=", "asc", " desc", "groupby", "aggregate", "filter", "$count",
    " with ", "sum", "average", "countdistinct", " as ", "total", "%27", "%", "+", "\x00", "\ud800", "é", "😀", " ", "\t", "*", "$ref", "#",
]  # fmt: skip
VALID = [
    "statecode eq 0 and (contains(msevtmgt_name,'a') or createdon gt 2024-01-01)",
    "msevtmgt_EventId/msevtmgt_event_pass/any(x:x/msevtmgt_eventid/msevtmgt_name ne 'a' and x/createdon lt $it/createdon)",
    "Microsoft.Dynamics.CRM.In(PropertyName='msevtmgt_name',PropertyValues=[\"a\",'b'])",
    "groupby((statecode,msevtmgt_EventId/msevtmgt_name),aggregate($count as n,msevtmgt_totalprice with sum as total))",
    "msevtmgt_EventId($select=msevtmgt_name;$expand=msevtmgt_event_pass($filter=msevtmgt_passprice gt 5))",
    "msevtmgt_totalprice mul 2 add 1 gt 5.5 and substring(tolower(msevtmgt_name),1,2) in ('a','b')",
    f"msevtmgt_eventid={ID},msevtmgt_name='it''s'",
    f"msevtmgt_events({ID})/msevtmgt_event_pass/$ref",
    "createdon desc,_msevtmgt_eventid_value,msevtmgt_name asc",
]
OPTIONS = ["$filter", "$select", "$orderby", "$expand", "$apply", "$top", "$count", "$skiptoken", "@p1"]
TEXTS = 20_000


def _soup(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.randint(0, 14)))


def _bruised(chance: random.Random) -> str:
    text = list(chance.choice(VALID))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        text[at : at + chance.randint(0, 4)] = chance.choice(PIECES)
    return "".join(text)


def _anything(chance: random.Random) -> str:
    return "".join(
        chr(chance.choice([chance.randrange(128), chance.randrange(0x11000)])) for _ in range(chance.randint(0, 20))
    )


def _doors(text: str, chance: random.Random) -> list[Callable[[], object]]:
    table = chance.choice(model.TABLES)
    return [
        lambda: query_of(PURCHASE, {chance.choice(OPTIONS): text, "@p1": "'a'"}, caller=ID),
        lambda: query_of(table, {"$filter": text, "@p1": "1"}),
        lambda: parse_key(table, text),
        lambda: address.segments(text),
        lambda: address.relative(text),
        lambda: address.arguments(Segment("F", text), {"@p1": text}),
        lambda: address.argument(text),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_no_text_does_more_than_be_refused(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(TEXTS // 2):
        text = chance.choice([_soup, _bruised, _anything])(chance)
        for door in _doors(text, chance):
            try:
                with suppress(GatepassError):
                    door()
            except Exception as error:
                raise AssertionError(f"{text!r} led to {error!r}") from error
