"""From the options of a request to the query that they ask: query_of()."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.query import Condition, Expand, Query
from gatepass.model.table import Table
from gatepass.web.dataverse.odata import expands, orders, paging
from gatepass.web.dataverse.odata.apply import applied
from gatepass.web.dataverse.odata.conditions import filtered
from gatepass.web.dataverse.odata.expands import MAX_EXPANDS, Expanded
from gatepass.web.dataverse.odata.functions import Asking
from gatepass.web.dataverse.odata.parser import parse
from gatepass.web.dataverse.odata.scope import Scope, navigation_of, related

COLLECTION_OPTIONS = frozenset({"$filter", "$orderby", "$top", "$count", "$apply", "$skiptoken"})
KNOWN_OPTIONS = COLLECTION_OPTIONS | {"$select", "$expand", "$format"}
MAX_TOP = 2**31 - 1
JSON = "application/json"


def query_of(
    table: Table,
    options: Mapping[str, str],
    *,
    page_size: int | None = None,
    single: bool = False,
    caller: UUID | None = None,
    now: datetime | None = None,
) -> Query:
    """What $select, $filter, $orderby, $top, $count, $expand, $apply and $skiptoken ask of a table.

    `options` are decoded, with the parameter aliases (`@p1`) among them; what has no dollar sign is somebody else's.
    `single`: one row is asked for, so only $select and $expand can stand. `caller`: for EqualUserId.
    Raises Refused (QuerySyntax, QueryUnsupported, PropertyUnknown).
    """
    _check(options, single)
    asking = Asking(caller, now) if now else Asking(caller)
    reading = _Reading(asking, {name: value for name, value in options.items() if name.startswith("@")})
    query = reading.query(table, options, page_size=page_size)
    return paging.resumed(query, options["$skiptoken"]).query if "$skiptoken" in options else query


@dataclass(slots=True)
class _Reading:
    """One request being read: what holds for all its parts, and how many expands it has so far."""

    asking: Asking
    aliases: Mapping[str, str]
    expands: int = 0

    def query(self, table: Table, options: Mapping[str, str], *, page_size: int | None = None, level: int = 0) -> Query:
        scope = Scope(table)
        if "$apply" in options:
            return applied(scope, self.asking, options, top(options))
        where = self._where(scope, options.get("$filter"))
        order = orders.orderby(scope, options["$orderby"], self.aliases) if "$orderby" in options else ()
        return Query(
            table,
            columns=orders.select(table, options.get("$select", "")),
            joins=tuple(scope.joins.values()),
            where=where,
            order=order,
            expand=self._expands(table, options.get("$expand", ""), level),
            top=top(options),
            page_size=page_size,
            count=flag(options, "$count"),
        )

    def _where(self, scope: Scope, text: str | None) -> Condition | None:
        return None if text is None else filtered(scope, self.asking, parse(text, self.aliases))

    def _expands(self, table: Table, text: str, level: int) -> tuple[Expand, ...]:
        if not text.strip():
            return ()
        found = expands.parse_expand(text)
        self.expands += len(found)
        if self.expands > MAX_EXPANDS:
            raise Refused("QueryUnsupported", f"A query may hold at most {MAX_EXPANDS} $expand options.")
        if len({one.name for one in found}) < len(found):
            raise Refused("QueryUnsupported", "Each navigation property can stand in one $expand once.")
        return tuple(self._expand(table, one, level) for one in found)

    def _expand(self, table: Table, expanded: Expanded, level: int) -> Expand:
        expands.check_options(table, expanded, nested=level > 0)
        navigation = navigation_of(table, expanded.name)
        return Expand(navigation, self.query(related(navigation), expanded.options, level=level + 1))


def top(options: Mapping[str, str]) -> int | None:
    """$top. Raises Refused (QuerySyntax) for what is no whole number."""
    text = options.get("$top")
    if text is None:
        return None
    bare = text.strip()
    if not (bare.isascii() and bare.isdigit() and len(bare) <= 10 and int(bare) <= MAX_TOP):
        raise Refused(
            "QuerySyntax",
            f"Invalid value '{text[:100]}' for $top query option found. "
            "The $top query option requires a non-negative integer value.",
        )
    return int(bare)


def flag(options: Mapping[str, str], name: str) -> bool:
    """An option that is true or false; absent is false. Raises Refused (QuerySyntax)."""
    text = options.get(name, "false").strip()
    if text not in {"true", "false"}:
        raise Refused(
            "QuerySyntax",
            f"Invalid value '{text[:100]}' for {name} query option found. Valid values are 'true, false'.",
        )
    return text == "true"


def _check(options: Mapping[str, str], single: bool) -> None:
    for name in options:
        if name.startswith("$") and name not in KNOWN_OPTIONS:
            raise Refused("QueryUnsupported", f"The query parameter {name[:100]} is not supported")
        if single and name in COLLECTION_OPTIONS:
            raise Refused("QueryUnsupported", f"The query parameter {name} can be applied only to collections.")
    if (form := options.get("$format", JSON)).partition(";")[0].strip().lower() not in {"json", JSON}:
        raise Refused("MediaTypeWrong", f"Answers are JSON: '{form[:100]}' is not a $format that is given.")
