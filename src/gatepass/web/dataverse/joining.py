"""Joins of FetchXML and SQL: by which columns tables can be joined, and in which order their rows come."""

from collections.abc import Sequence
from dataclasses import replace

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Kind
from gatepass.model.query import At, Join, Order, Query
from gatepass.web.dataverse.literals import require_same_family

MAX_JOINS = 15
"""Dataverse's own limit of joins in a query."""
MAX_ORDERS = 10
"""Columns that one query is sorted by."""
MAX_FIELDS = 500
"""Columns that one query shows."""

_JOINABLE = frozenset({Kind.ID, Kind.LOOKUP, Kind.TEXT, Kind.INTEGER, Kind.BIGINT})


def require_few(order: Sequence[Order]) -> Sequence[Order]:
    """The order itself. Raises Refused when it has more columns than an index could ever serve."""
    if len(order) > MAX_ORDERS:
        raise Refused("QueryUnsupported", f"At most {MAX_ORDERS} columns can be ordered by.")
    return order


def require_joinable(left: Column, right: Column) -> None:
    """Raises Refused for columns of different types, or of types that no tables are joined by."""
    require_same_family(left, right)
    for each in (left, right):
        if each.kind not in _JOINABLE:
            raise Refused("QueryUnsupported", f"Tables cannot be joined by '{each.logical}'.")


def told_apart(query: Query) -> Query:
    """Where a join makes several rows of one, the order goes on to the joined ones: else pages would overlap."""
    many = [At(one.table.primary_key, one.alias) for one in query.joins if _is_many(one)]
    own = [At(query.table.primary_key)] if many else []
    wanted = [*query.order, *(Order(at) for at in [*own, *many])]
    # Sorting by a column again changes nothing: the first time counts.
    first = {one.by: one for one in reversed(wanted)}
    return replace(query, order=tuple(one for one in wanted if first[one.by] is one))


def _is_many(join: Join) -> bool:
    return join.link is not None or join.column is not join.table.primary_key
