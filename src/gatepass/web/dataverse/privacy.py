"""A query may look only at tables that its caller may read: those it shows, and those it filters, sorts or counts by."""

from collections.abc import Iterator

from gatepass.model.query import And, Condition, Exists, Navigation, Not, Or, Query, ToMany
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.services.access import Caller


def require_all(caller: Caller, query: Query) -> None:
    """Raises Refused (PrivilegeMissing) for the first table that this caller may not read."""
    for table in {one.logical: one for one in _tables(query)}.values():
        records.require(caller, records.Right.READ, table)


def _tables(query: Query) -> Iterator[Table]:
    yield query.table
    for join in query.joins:
        yield join.table
        yield from _looked_at(join.where)
    yield from _looked_at(query.where)
    yield from _looked_at(query.having)
    for expand in query.expand:
        yield from _tables(expand.query)


def _looked_at(condition: Condition | None) -> Iterator[Table]:
    if isinstance(condition, And | Or):
        for part in condition.parts:
            yield from _looked_at(part)
    elif isinstance(condition, Not):
        yield from _looked_at(condition.part)
    elif isinstance(condition, Exists):
        yield _target(condition.navigation)
        yield from _looked_at(condition.where)


def _target(navigation: Navigation) -> Table:
    return navigation.source if isinstance(navigation, ToMany) else navigation.target
