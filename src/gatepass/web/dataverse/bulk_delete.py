"""BulkDelete: rows that fulfil conditions go, as the SDKs ask it for a list of ids (dataverse-web-api.md section 11).

Dataverse makes a job of it. Here they are gone, all or none, when the answer comes; JobId is only a name for what was done.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import cast

import msgspec

from gatepass import model
from gatepass.domain.errors import NotFound, Refused
from gatepass.model.columns import Column
from gatepass.model.query import PAGE_LIMIT, And, At, Compare, Condition, In, Literal, Not, Operator, Or, Query, Value
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.store import WriteTx, query
from gatepass.store.tables import new_id
from gatepass.web.dataverse import document
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.document import Item, Members, invalid
from gatepass.web.dataverse.errors import JSON
from gatepass.web.dataverse.payload import unknown_property, value_of
from gatepass.web.dataverse.privacy import require_all

NAME = "BulkDelete"
MAX_ROWS = PAGE_LIMIT
"""That may go at once."""
MAX_DEPTH = 20
"""Of filters in filters."""
_NOT_BUILT = ("LinkEntities", "TopCount", "Orders", "SubQueryExpression")


def run(tx: WriteTx, call: Call) -> Reply:
    """POST BulkDelete -> {"JobId"}. Raises Refused for what it does not understand: a condition left out deletes too much."""
    said = document.read(call.body, NAME)
    if said.get("RecurrencePattern"):
        raise Refused("NotBuilt", "BulkDelete deletes once, and at once: leave RecurrencePattern empty.")
    queries = [_query(one) for one in _objects(said, "QuerySet")]
    if not queries:
        raise invalid(NAME, "QuerySet has to hold at least one query: nothing was deleted.")
    for wanted in queries:
        require_all(call.caller, wanted)
        _delete(tx, call, wanted)
    told = {"@odata.context": f"{call.root}$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse", "JobId": new_id()}
    return Reply(200, {"Content-Type": JSON}, msgspec.json.encode(told))


def _delete(tx: WriteTx, call: Call, wanted: Query) -> None:
    page = query.select(tx, wanted)
    if page.after:
        raise Refused("QueryUnsupported", f"More than {MAX_ROWS} rows fulfil these conditions. Delete fewer at a time.")
    for found in page.records:
        try:
            records.delete(tx, call.caller, wanted.table, cast("records.Key", found.values[wanted.table.id_name]))
        except NotFound:
            continue  # it went with one before it


# The query


def _query(said: Members) -> Query:
    if any(said.get(name) for name in _NOT_BUILT) or "EntityName" not in said:
        raise Refused(
            "NotBuilt", "BulkDelete takes a QueryExpression with an EntityName and Criteria, and nothing else."
        )
    table = model.BY_LOGICAL.get(str(said["EntityName"]))
    if table is None:
        raise invalid(NAME, f"The entity with a name = '{str(said['EntityName'])[:100]}' was not found.")
    where = _filter(table, _object(said, "Criteria"), 0)
    if where is None:
        raise invalid(NAME, "Criteria has to hold conditions: without any, every row would go.")
    return Query(table, (table.primary_key,), where=where, page_size=MAX_ROWS)


def _filter(table: Table, said: Members, depth: int) -> Condition | None:
    if depth > MAX_DEPTH:
        raise invalid(NAME, f"Filters may be nested {MAX_DEPTH} deep.")
    parts = [_condition(table, one) for one in _objects(said, "Conditions")]
    inner = (_filter(table, one, depth + 1) for one in _objects(said, "Filters"))
    parts += [one for one in inner if one is not None]
    together = {"And": And, "Or": Or, "0": And, "1": Or}.get(str(said.get("FilterOperator", "And")))
    if together is None:
        raise invalid(NAME, "FilterOperator has to be And, or Or.")
    return together(tuple(parts)) if parts else None


def _condition(table: Table, said: Members) -> Condition:
    name, operator = str(said.get("AttributeName")), str(said.get("Operator"))
    column = table.by_logical.get(name)
    if column is None:
        raise unknown_property(table, name)
    if said.get("EntityName") not in {None, "", table.logical}:
        raise Refused("NotBuilt", "Conditions on other tables are not built into BulkDelete.")
    if operator not in _OPERATORS:
        raise Refused("NotBuilt", f"The operator '{operator[:50]}' is not one of {', '.join(_OPERATORS)}.")
    values = [value_of(table, column, _bare(one)) for one in _list(said, "Values")]
    return _OPERATORS[operator](column, values)


def _compared(operator: Operator) -> Callable[[Column, Sequence[Value]], Condition]:
    return lambda column, values: Compare(operator, At(column), Literal(_only(values)))


def _in(column: Column, values: Sequence[Value]) -> Condition:
    return In(At(column), tuple(values))


def _is_null(column: Column, _: Sequence[Value]) -> Condition:
    return Compare(Operator.EQ, At(column), Literal(None))


def _not(one: Callable[[Column, Sequence[Value]], Condition]) -> Callable[[Column, Sequence[Value]], Condition]:
    return lambda column, values: Not(one(column, values))


_OPERATORS: Mapping[str, Callable[[Column, Sequence[Value]], Condition]] = MappingProxyType(
    {
        "Equal": _compared(Operator.EQ), "NotEqual": _compared(Operator.NE), "GreaterThan": _compared(Operator.GT),
        "GreaterEqual": _compared(Operator.GE), "LessThan": _compared(Operator.LT), "LessEqual": _compared(Operator.LE),
        "Like": _compared(Operator.LIKE), "NotLike": _not(_compared(Operator.LIKE)),
        "BeginsWith": _compared(Operator.STARTS_WITH), "EndsWith": _compared(Operator.ENDS_WITH),
        "Contains": _compared(Operator.CONTAINS), "In": _in, "NotIn": _not(_in), "Null": _is_null,
        "NotNull": _not(_is_null),
    }
)  # fmt: skip
"""ConditionOperator of the SDKs, as far as it is built."""


# JSON of an unknown shape


def _bare(item: Item) -> Item:
    """A value, alone or as {"Value": ..., "Type": "System.Guid"}."""
    return cast("Members", item).get("Value") if isinstance(item, Mapping) else item


def _only(values: Sequence[Value]) -> Value:
    if len(values) != 1:
        raise invalid(NAME, "This operator takes exactly one value.")
    return values[0]


def _objects(said: Members, name: str) -> list[Members]:
    found = _list(said, name)
    if not all(isinstance(one, Mapping) for one in found):
        raise invalid(NAME, f"'{name}' has to be a list of objects.")
    return cast("list[Members]", found)


def _object(said: Members, name: str) -> Members:
    found = said.get(name)
    if not isinstance(found, Mapping):
        raise invalid(NAME, f"'{name}' has to be an object.")
    return cast("Members", found)


def _list(said: Members, name: str) -> list[Item]:
    found = said.get(name) or []
    if not isinstance(found, list):
        raise invalid(NAME, f"'{name}' has to be a list.")
    return found
