"""$filter, $select and keys on definitions: what is written is what is found, and what is not there is refused by name."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import NotFound, Refused
from tests.dataverse.definitions import rows, told

EVENT = "EntityDefinitions(LogicalName='msevtmgt_event')"
NO_PROPERTY = "Could not find a property named '{}' on type 'Microsoft.Dynamics.CRM.{}'."
NO_TABLE = "The entity with a name = 'nope' with namemapping = 'Logical' was not found in the MetadataCache."
NO_COLUMN = "'msevtmgt_event' entity doesn't contain attribute with Name = 'nope' and NameMapping = 'Logical'."
ROWS = rows("EntityDefinitions")
FILTERS: dict[str, Callable[[Any], bool]] = {
    "IsPrivate eq false": lambda one: one["IsPrivate"] is False,
    "IsCustomEntity": lambda one: one["IsCustomEntity"],
    "LogicalName eq 'contact'": lambda one: one["LogicalName"] == "contact",
    "LogicalName ne 'contact'": lambda one: one["LogicalName"] != "contact",
    "SchemaName in ('Contact','Account')": lambda one: one["SchemaName"] in {"Contact", "Account"},
    'Microsoft.Dynamics.CRM.In(PropertyName=\'ObjectTypeCode\',PropertyValues=["1","2"])': lambda one: (
        one["ObjectTypeCode"] in {1, 2}
    ),
    "ObjectTypeCode lt 10000": lambda one: one["ObjectTypeCode"] < 10000,
    "ObjectTypeCode ge 10020": lambda one: one["ObjectTypeCode"] >= 10020,
    "startswith(SchemaName,'msevtmgt_E')": lambda one: one["SchemaName"].startswith("msevtmgt_E"),
    "endswith(LogicalName,'pass')": lambda one: one["LogicalName"].endswith("pass"),
    "contains(DisplayName/UserLocalizedLabel/Label,'Pass')": lambda one: (
        "Pass" in one["DisplayName"]["UserLocalizedLabel"]["Label"]
    ),
    "IsCustomizable/Value eq true": lambda one: one["IsCustomizable"]["Value"] is True,
    "OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'": lambda one: (
        one["OwnershipType"] == "UserOwned"
    ),
    "OwnershipType eq 'None'": lambda one: one["OwnershipType"] == "None",
    "Description/UserLocalizedLabel/Label eq null": lambda one: one["Description"]["UserLocalizedLabel"] is None,
    "DataProviderId ne null": lambda one: one["DataProviderId"] is not None,
}
Written = tuple[str, Callable[[Any], bool]]


def _both(word: str, left: Written, right: Written) -> Written:
    if word == "and":
        return f"({left[0]} and {right[0]})", lambda one: left[1](one) and right[1](one)
    return f"({left[0]} or {right[0]})", lambda one: left[1](one) or right[1](one)


def _denied(one: Written) -> Written:
    return f"not ({one[0]})", lambda row: not one[1](row)


written: st.SearchStrategy[Written] = st.recursive(
    st.sampled_from(sorted(FILTERS)).map(lambda text: (text, FILTERS[text])),
    lambda inner: st.builds(_both, st.sampled_from(["and", "or"]), inner, inner) | inner.map(_denied),
    max_leaves=12,
)


@given(written)
def test_a_filter_finds_what_the_same_condition_finds(condition: Written) -> None:
    text, holds = condition
    found = told("EntityDefinitions", select="LogicalName", filter=text, count="true")
    wanted = [one["LogicalName"] for one in ROWS if holds(one)]
    assert [one["LogicalName"] for one in found["value"]] == wanted
    assert found["@odata.count"] == len(wanted)


def test_a_long_chain_of_or_is_walked_without_recursion() -> None:
    text = " or ".join(["LogicalName eq 'nothing'"] * 2000 + ["LogicalName eq 'contact'"])
    assert [one["LogicalName"] for one in rows("EntityDefinitions", filter=text)] == ["contact"]


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("EntityDefinitions", {"select": "Nope"}, NO_PROPERTY.format("Nope", "EntityMetadata")),
        ("EntityDefinitions", {"filter": "Nope eq 1"}, NO_PROPERTY.format("Nope", "EntityMetadata")),
        (f"{EVENT}/Attributes", {"select": "MaxLength"}, NO_PROPERTY.format("MaxLength", "AttributeMetadata")),
        (f"{EVENT}/ManyToManyRelationships", {"select": "ReferencedEntity"}, "Could not find a property named 'ReferencedEntity'"),
        ("EntityDefinitions", {"expand": "LogicalName"}, "Could not find a property named 'LogicalName'"),
        ("EntityDefinitions", {"orderby": "LogicalName"}, "The query parameter $orderby is not supported"),
        ("EntityDefinitions", {"skip": "1"}, "The query parameter $skip is not supported"),
        ("EntityDefinitions", {"filter": "LogicalName eq"}, "Syntax error at position 14 in 'LogicalName eq'."),
        ("EntityDefinitions", {"filter": "Attributes/any(a:a/LogicalName eq 'x')"}, "Filters on metadata do not support any and all."),
        ("EntityDefinitions(Nope='x')", {}, "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_name(path: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(Refused) as refused:
        told(path, **options)
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("EntityDefinitions(LogicalName='nope')", NO_TABLE),
        (f"EntityDefinitions({UUID(int=7)})", f"Could not find EntityMetadata with MetadataId = '{UUID(int=7)}'."),
        (f"{EVENT}/Attributes(LogicalName='nope')", NO_COLUMN),
        ("GlobalOptionSetDefinitions(Name='nope')", "Could not find OptionSetMetadataBase with Name = 'nope'."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_404(path: str, message: str) -> None:
    with pytest.raises(NotFound) as missing:
        told(path)
    assert (missing.value.code, missing.value.message) == ("RecordMissing", message)
