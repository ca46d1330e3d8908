"""From the options of a request to a query: names, types, paths, lambdas, functions, expands, and what is refused."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from gatepass import model
from gatepass.domain.errors import Refused
from gatepass.model.navigation import navigations
from gatepass.model.query import (
    Aggregation,
    And,
    At,
    Compare,
    Condition,
    Exists,
    Function,
    In,
    Literal,
    Not,
    Operator,
    Or,
    Query,
    ToOne,
    Value,
)
from gatepass.model.table import Table
from gatepass.web.dataverse.odata.resolve import query_of

PURCHASE = model.BY_SET["msevtmgt_eventpurchases"]
EVENT = model.BY_SET["msevtmgt_events"]
PASS = model.BY_SET["msevtmgt_passes"]
GUID = UUID("5b0c6c1e-7b51-4d0e-9f30-0a6f7d9b1c01")
NOW = datetime(2026, 5, 13, 10, 30, tzinfo=UTC)
"""A Wednesday."""
CALLER = UUID("00000000-0000-7000-8000-0000000000aa")


def asked(options: str | Mapping[str, str], table: Table = PURCHASE) -> Query:
    """A query of this $filter, or of these options."""
    given = {"$filter": options} if isinstance(options, str) else options
    return query_of(table, given, caller=CALLER, now=NOW)


def column(name: str, alias: str = "", table: Table = PURCHASE) -> At:
    return At(table.by_wire[name], alias)


def is_(name: str, value: Value, operator: str = "eq", alias: str = "", table: Table = PURCHASE) -> Compare:
    return Compare(Operator(operator), column(name, alias, table), Literal(value))


# Values are of the type of their column


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("msevtmgt_name eq 'it''s'", is_("msevtmgt_name", "it's")),
        ("'b' lt msevtmgt_name", is_("msevtmgt_name", "b", "gt")),
        ("contains(msevtmgt_name, '50%')", is_("msevtmgt_name", "50%", "contains")),
        ("startswith(msevtmgt_name,'a') eq false", Not(is_("msevtmgt_name", "a", "startswith"))),
        ("msevtmgt_totalprice le 61.70", is_("msevtmgt_totalprice", Decimal("61.70"), "le")),
        ("msevtmgt_totalprice eq 61", is_("msevtmgt_totalprice", Decimal(61))),
        ("msevtmgt_paymentstatus eq 100000001", is_("msevtmgt_paymentstatus", 100000001)),
        ("msevtmgt_paymentstatus ne null", is_("msevtmgt_paymentstatus", None, "ne")),
        ("msevtmgt_paid", is_("msevtmgt_paid", True)),
        ("not msevtmgt_paid", Not(is_("msevtmgt_paid", True))),
        (f"_msevtmgt_eventid_value eq {GUID}", is_("_msevtmgt_eventid_value", GUID)),
        (f"_msevtmgt_eventid_value eq '{GUID}'", is_("_msevtmgt_eventid_value", GUID)),
        (f"_msevtmgt_eventid_value eq {{{GUID}}}", is_("_msevtmgt_eventid_value", GUID)),
        (f"_transactioncurrencyid_value in ({GUID})", In(column("_transactioncurrencyid_value"), (GUID,))),
        ("createdon gt 2026-05-01", is_("createdon", datetime(2026, 5, 1, tzinfo=UTC), "gt")),
        ("createdon gt 2026-05-01T02:00:00+02:00", is_("createdon", datetime(2026, 5, 1, tzinfo=UTC), "gt")),
        ("createdon gt 2026-05-01T00:00:00", is_("createdon", datetime(2026, 5, 1, tzinfo=UTC), "gt")),
        ("createdon ge modifiedon", Compare(Operator.GE, column("createdon"), column("modifiedon"))),
        ("date(createdon) eq 2026-05-01", Compare(Operator.EQ, Function("date", (column("createdon"),)), Literal(date(2026, 5, 1)))),
        ("msevtmgt_EventId eq null", is_("_msevtmgt_eventid_value", None)),
        ("1 eq 1", Compare(Operator.EQ, Literal(1), Literal(1))),
        ("statecode eq 0 or statecode eq 1", In(column("statecode"), (0, 1))),
        ("statecode eq 0 or msevtmgt_paid", Or((is_("msevtmgt_paid", True), is_("statecode", 0)))),
    ],
)  # fmt: skip
def test_a_filter_says(text: str, wanted: Condition) -> None:
    found = asked(text).where

    if isinstance(wanted, Or):
        assert isinstance(found, Or)
        assert all(part in found.parts for part in wanted.parts)
    else:
        assert found == wanted


def test_a_time_on_the_wall_has_no_zone() -> None:
    found = asked("msevtmgt_eventstartdate ge 2026-05-01T09:00:00Z", EVENT).where

    assert found == is_("msevtmgt_eventstartdate", datetime(2026, 5, 1, 9), "ge", table=EVENT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Msevtmgt_name eq 'x'", "a property named 'Msevtmgt_name' on type 'Microsoft.Dynamics.CRM.msevtmgt_eventpurchase'."),
        ("msevtmgt_eventid eq null", "Could not find a property named 'msevtmgt_eventid' on type"),
        ("msevtmgt_EventId/nothing eq 1", "Could not find a property named 'nothing' on type 'Microsoft.Dynamics.CRM.msevtmgt_event'."),
        ("msevtmgt_name eq 5", "Found operand types 'Edm.String' and 'Edm.Int32' for operator kind 'Equal'."),
        ("createdon gt '2026-05-01'", "Found operand types 'Edm.DateTimeOffset' and 'Edm.String' for operator kind 'GreaterThan'."),
        ("msevtmgt_paid eq 1", "Found operand types 'Edm.Boolean' and 'Edm.Int32'"),
        ("_msevtmgt_eventid_value eq 'x'", "Found operand types 'Edm.Guid' and 'Edm.String'"),
        ("msevtmgt_name eq createdon", "Found operand types 'Edm.String' and 'Edm.DateTimeOffset'"),
        ("contains(statecode,'x')", "No function signature for the function with name 'contains' matches"),
        ("nonsense(msevtmgt_name)", "An unknown function with name 'nonsense' was found."),
        ("msevtmgt_name", "Found operand types 'Edm.String' and 'Edm.Boolean'"),
        ("length(msevtmgt_name)", "must evaluate to a single boolean value"),
        ("'x'", "must evaluate to a single boolean value"),
        ("$it eq 1", "name one of its columns"),
        ("msevtmgt_totalprice div 0 eq 1", "Division by zero"),
        ("msevtmgt_name/x eq 1", "is not a navigation property"),
        ("statecode eq Microsoft.Dynamics.CRM.State'Active'", "queries of the metadata only"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_as_dataverse_tells_it(text: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        asked(text)

    assert message in refused.value.message


# Related rows


def test_a_path_over_a_lookup_is_a_join_by_its_name() -> None:
    query = asked(
        {
            "$filter": "msevtmgt_EventId/msevtmgt_building/msevtmgt_name eq 'Hall'",
            "$orderby": "msevtmgt_EventId/msevtmgt_name desc",
        }
    )

    assert [(join.alias, join.table.logical, join.parent, join.column.name) for join in query.joins] == [
        ("msevtmgt_EventId", "msevtmgt_event", "", "id"),
        ("msevtmgt_EventId/msevtmgt_building", "msevtmgt_building", "msevtmgt_EventId", "id"),
    ]
    assert all(join.outer for join in query.joins)
    assert query.order[0].by == At(EVENT.by_wire["msevtmgt_name"], "msevtmgt_EventId")
    assert query.order[0].descending


def test_the_id_behind_a_lookup_is_the_lookup() -> None:
    query = asked(f"msevtmgt_EventId/msevtmgt_eventid eq {GUID}")

    assert query.where == is_("_msevtmgt_eventid_value", GUID)
    assert not query.joins


def test_a_lookup_is_ordered_by_the_name_it_shows() -> None:
    query = asked({"$orderby": "_msevtmgt_eventid_value"})

    assert query.order[0].by == At(EVENT.by_wire["msevtmgt_name"], "msevtmgt_EventId")


def test_any_and_all_look_at_the_rows_of_a_collection() -> None:
    navigation = navigations(EVENT)["msevtmgt_event_pass"]
    price = is_("msevtmgt_passprice", Decimal(0), "gt", "x_1", PASS)

    assert asked("msevtmgt_event_pass/any()", EVENT).where == Exists(navigation, None, "_1")
    assert asked("msevtmgt_event_pass/any(x:x/msevtmgt_passprice gt 0)", EVENT).where == Exists(
        navigation, price, "x_1"
    )
    assert asked("msevtmgt_event_pass/all(x:x/msevtmgt_passprice gt 0)", EVENT).where == Not(
        Exists(navigation, Not(price), "x_1")
    )


def test_a_lambda_may_start_behind_a_lookup_and_compare_with_the_row_itself() -> None:
    query = asked(
        "msevtmgt_EventId/msevtmgt_event_pass/any(x:x/msevtmgt_name eq msevtmgt_name and x/createdon lt $it/createdon)"
    )

    assert isinstance(query.where, Exists)
    assert query.where.outer == "msevtmgt_EventId"
    assert isinstance(query.where.where, And)
    assert query.where.where.parts[0] == Compare(
        Operator.EQ, column("msevtmgt_name", "x_1", PASS), column("msevtmgt_name")
    )


def test_a_lookup_inside_a_lambda_is_another_exists_that_keeps_what_null_means() -> None:
    text = "msevtmgt_event_pass/any(x:x/msevtmgt_eventid/msevtmgt_name {} 'a')"
    equal, differs = (asked(text.format(operator), EVENT).where for operator in ("eq", "ne"))

    assert isinstance(equal, Exists)
    assert isinstance(differs, Exists)
    inner = equal.where
    assert isinstance(inner, Exists)
    assert isinstance(inner.navigation, ToOne)
    assert inner.outer == "x_1"
    assert inner.where == is_("msevtmgt_name", "a", alias=inner.alias, table=EVENT)
    assert differs.where == Not(inner)


# Dataverse's own functions


def stretch(first: datetime | None, end: datetime | None) -> Condition:
    bounds = [is_("createdon", first, "ge")] * (first is not None) + [is_("createdon", end, "lt")] * (end is not None)
    return bounds[0] if len(bounds) == 1 else And(tuple(bounds))


def day(month: int, number: int, hour: int = 0, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, number, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("function", "first", "end"),
    [
        ("Today(PropertyName='createdon')", day(5, 13), day(5, 14)),
        ("Yesterday(PropertyName='createdon')", day(5, 12), day(5, 13)),
        ("Tomorrow('createdon')", day(5, 14), day(5, 15)),
        ("ThisWeek(PropertyName='createdon')", day(5, 10), day(5, 17)),
        ("LastWeek(PropertyName='createdon')", day(5, 3), day(5, 10)),
        ("NextMonth(PropertyName='createdon')", day(6, 1), day(7, 1)),
        ("LastMonth(PropertyName='createdon')", day(4, 1), day(5, 1)),
        ("ThisYear(PropertyName='createdon')", day(1, 1), day(1, 1, year=2027)),
        ("Last7Days(PropertyName='createdon')", day(5, 6), day(5, 13, 10, 30)),
        ("LastXDays(PropertyName='createdon',PropertyValue=3)", day(5, 10), day(5, 13, 10, 30)),
        ("LastXDays(PropertyName='createdon',PropertyValue='3')", day(5, 10), day(5, 13, 10, 30)),
        ("NextXDays(createdon,3)", day(5, 13, 10, 30), day(5, 17)),
        ("LastXHours(PropertyName='createdon',PropertyValue=2)", day(5, 13, 8), day(5, 13, 10, 30)),
        ("NextXHours(PropertyName='createdon',PropertyValue=2)", day(5, 13, 10, 30), day(5, 13, 13)),
        ("OlderThanXMinutes(PropertyName='createdon',PropertyValue=20)", None, day(5, 13, 10, 10)),
        ("OlderThanXMonths(PropertyName='createdon',PropertyValue=3)", None, day(2, 13, 10, 30)),
        ("On(PropertyName='createdon',PropertyValue='2026-05-01')", day(5, 1), day(5, 2)),
        ("OnOrAfter(PropertyName='createdon',PropertyValue=2026-05-01)", day(5, 1), None),
        ("OnOrBefore(PropertyName='createdon',PropertyValue='2026-05-01')", None, day(5, 2)),
    ],
)  # fmt: skip
def test_functions_of_time_are_stretches(function: str, first: datetime | None, end: datetime | None) -> None:
    assert asked(f"Microsoft.Dynamics.CRM.{function}").where == stretch(first, end)


def test_functions_of_values() -> None:
    here = "Microsoft.Dynamics.CRM."
    names = In(column("msevtmgt_name"), ("a", "it's"))
    assert asked(here + 'In(PropertyName=\'msevtmgt_name\',PropertyValues=["a","it\'s"])').where == names
    assert (
        asked(
            {
                "$filter": here + "In(PropertyName=@p1,PropertyValues=@p2)",
                "@p1": "'msevtmgt_name'",
                "@p2": '["a","it\'s"]',
            }
        ).where
        == names
    )
    assert asked(here + "In('statecode',['0',1])").where == In(column("statecode"), (0, 1))
    assert asked(here + "NotIn(PropertyName='msevtmgt_name',PropertyValues=['a'])").where == And(
        (is_("msevtmgt_name", None, "ne"), Not(In(column("msevtmgt_name"), ("a",))))
    )
    assert asked(here + "Between(PropertyName='msevtmgt_totalprice',PropertyValues=[\"1.5\",'9'])").where == And(
        (is_("msevtmgt_totalprice", Decimal("1.5"), "ge"), is_("msevtmgt_totalprice", Decimal(9), "le"))
    )
    assert asked(here + "EqualUserId(PropertyName='ownerid')").where == is_("_ownerid_value", CALLER)
    assert asked(here + "In(PropertyName='msevtmgt_eventid',PropertyValues=['" + str(GUID) + "'])").where == In(
        column("_msevtmgt_eventid_value"), (GUID,)
    )


@pytest.mark.parametrize(
    "function",
    [
        "In()", "In(PropertyName='nothing',PropertyValues=['a'])", "In(PropertyName='statecode',PropertyValues=['a'])",
        "Between(PropertyName='statecode',PropertyValues=[1])", "LastXDays(PropertyName='createdon')",
        "LastXDays(PropertyName='createdon',PropertyValue=-1)", "LastXYears(PropertyName='createdon',PropertyValue=9999)",
        "Today(PropertyName='msevtmgt_name')", "Today(PropertyName='createdon',PropertyValue=1)", "Nothing(createdon)",
        "On(PropertyName='createdon',PropertyValue='x')", "On(PropertyName='createdon',PropertyValue=9999-12-31)",
        "EqualUserId(PropertyName='msevtmgt_name')", "In(PropertyName=null,PropertyValues=[])",
        "In(PropertyName='msevtmgt_paid',PropertyValues=['x'])", "Under(PropertyName='ownerid',PropertyValue='x')",
    ],
)  # fmt: skip
def test_functions_with_wrong_arguments_are_refused(function: str) -> None:
    with pytest.raises(Refused):
        asked(f"Microsoft.Dynamics.CRM.{function}")


# The other options


def test_selecting_counting_and_the_first_rows() -> None:
    query = asked(
        {"$select": "msevtmgt_name, _msevtmgt_eventid_value,msevtmgt_name", "$top": "5", "$count": "true", "other": "x"}
    )

    assert [one.wire for one in query.columns] == ["msevtmgt_name", "_msevtmgt_eventid_value"]
    assert (query.top, query.count) == (5, True)
    assert not asked({"$select": "*"}).columns


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"$skip": "1"}, "The query parameter $skip is not supported"),
        ({"$search": "x"}, "The query parameter $search is not supported"),
        ({"$Top": "1"}, "The query parameter $Top is not supported"),
        ({"$top": "-1"}, "Invalid value '-1' for $top query option found."),
        ({"$top": "9" * 12}, "for $top query option found."),
        ({"$count": "yes"}, "Invalid value 'yes' for $count query option found."),
        ({"$select": "nothing"}, "Could not find a property named 'nothing' on type"),
        ({"$orderby": "nothing"}, "Could not find a property named 'nothing' on type"),
        ({"$orderby": "createdon down"}, "Syntax error at position 10 in 'createdon down'."),
        ({"$orderby": ""}, "Syntax error at position 0"),
        ({"$expand": "nothing"}, "Could not find a property named 'nothing' on type"),
        ({"$expand": "msevtmgt_name"}, "Only navigation properties can be expanded."),
        ({"$expand": "msevtmgt_EventId($select=msevtmgt_name"}, "Syntax error at position"),
        ({"$expand": "msevtmgt_EventId($levels=2)"}, "The query parameter $levels is not supported"),
        ({"$expand": "msevtmgt_EventId($top=2)"}, "Only $select and $filter clause can be provided"),
        ({"$expand": ",".join(["msevtmgt_EventId"] * 16)}, "at most 15 $expand"),
        ({"$skiptoken": "abc"}, "The $skiptoken is damaged"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(Refused) as refused:
        asked(options)

    assert message in refused.value.message


def test_one_row_takes_no_options_of_collections() -> None:
    assert query_of(PURCHASE, {"$select": "msevtmgt_name"}, single=True).columns
    with pytest.raises(Refused, match="only to collections"):
        query_of(PURCHASE, {"$top": "1"}, single=True)


def test_expands_nest_with_options_of_their_own() -> None:
    query = asked(
        {
            "$expand": "msevtmgt_event_pass($select=msevtmgt_name;$filter=contains(msevtmgt_name,');(')or createdon gt @d;"
            "$orderby=createdon desc;$top=3;$expand=transactioncurrencyid($select=isocurrencycode)),msevtmgt_building",
            "@d": "2026-05-01",
        },
        EVENT,
    )

    passes, building = query.expand
    assert passes.navigation is navigations(EVENT)["msevtmgt_event_pass"]
    assert isinstance(passes.query.where, Or)
    assert passes.query.top == 3
    assert passes.query.order[0].descending
    assert [one.wire for one in passes.query.expand[0].query.columns] == ["isocurrencycode"]
    assert building.query == Query(model.BY_LOGICAL["msevtmgt_building"], joins=(), columns=(), expand=(), order=())


def test_nested_collections_are_neither_ordered_nor_cut() -> None:
    with pytest.raises(Refused, match="nested one-to-many"):
        asked({"$expand": "msevtmgt_EventId($expand=msevtmgt_event_pass($top=1))"})


def test_apply_groups_and_sums() -> None:
    query = asked(
        {
            "$apply": "filter(statecode eq 0)/groupby((msevtmgt_paymentstatus,msevtmgt_EventId/msevtmgt_name),"
            "aggregate($count as orders,msevtmgt_totalprice with sum as total,msevtmgt_name with countdistinct as names))",
            "$orderby": "total desc",
            "$top": "3",
        }
    )

    assert query.where == is_("statecode", 0)
    assert [one.name for one in query.fields] == [
        "msevtmgt_paymentstatus",
        "msevtmgt_event_msevtmgt_name",
        "orders",
        "total",
        "names",
    ]
    assert [one.aggregation for one in query.fields] == [
        None,
        None,
        Aggregation.COUNT,
        Aggregation.SUM,
        Aggregation.COUNT,
    ]
    assert query.fields[-1].distinct
    assert query.group == (column("msevtmgt_paymentstatus"), At(EVENT.by_wire["msevtmgt_name"], "msevtmgt_EventId"))
    assert [(one.by, one.descending) for one in query.order] == [("total", True)]
    assert not query.distinct
    assert asked({"$apply": "groupby((statecode))"}).distinct


@pytest.mark.parametrize(
    "options",
    [
        {"$apply": "groupby(statecode)"}, {"$apply": "groupby((statecode)"}, {"$apply": "groupby((statecode))/filter(a eq 1)"},
        {"$apply": "aggregate(msevtmgt_name with sum as x)"}, {"$apply": "aggregate(statecode with mean as x)"},
        {"$apply": "aggregate($count as x,$count as x)"}, {"$apply": "groupby((nothing))"}, {"$apply": ""},
        {"$apply": "filter(statecode eq 0)"}, {"$apply": "groupby((statecode))", "$filter": "statecode eq 0"},
        {"$apply": "groupby((statecode))", "$orderby": "createdon"}, {"$apply": "concat(a,b)"},
    ],
)  # fmt: skip
def test_apply_refuses_the_rest(options: dict[str, str]) -> None:
    with pytest.raises(Refused):
        asked(options)
