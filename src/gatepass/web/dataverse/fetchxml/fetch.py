"""From the text of a FetchXML query to the query that the store answers.

A fetch of plain columns asks for whole rows; with columns of links, aliases, distinct rows or aggregates it asks for a
table of named fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gatepass.domain.errors import Refused
from gatepass.model.query import PAGE_LIMIT, ROOT, And, At, Field, Operand, Order, Query
from gatepass.model.table import Table
from gatepass.web.dataverse.fetchxml import fields, paging
from gatepass.web.dataverse.fetchxml.links import Links
from gatepass.web.dataverse.fetchxml.scope import Asker, Source, flag, required
from gatepass.web.dataverse.fetchxml.xml import Element, parse
from gatepass.web.dataverse.joining import require_few, told_apart
from gatepass.web.dataverse.nesting import check_query

MAX_PAGE = 100_000
_IN_ENTITY = frozenset({"attribute", "all-attributes", "order", "filter", "link-entity"})


@dataclass(frozen=True, slots=True)
class Fetch:
    """A query, and which page of its answer it is."""

    query: Query
    page: int
    """From 1."""
    paged: bool
    """False with `top`: then there is no next page."""


def fetch_query(table: Table, text: str, asker: Asker) -> Fetch:
    """The query of a FetchXML text, asked of the entity set of `table`. Raises Refused."""
    root = parse(text)
    if root.tag != "fetch":
        raise Refused("QuerySyntax", f"A FetchXML query is a 'fetch', not '{root.tag[:100]}'.")
    entities = list(root.all("entity"))
    if len(entities) != 1:
        raise Refused("QuerySyntax", f"A fetch holds one entity, not {len(entities)}.")
    _require_known(entities[0])
    return _paged(root, _query(root, Source(entities[0], _same(table, entities[0]), ROOT, ROOT), asker))


def _same(table: Table, entity: Element) -> Table:
    name = required(entity, "name")
    if name.lower() != table.logical:
        raise Refused(
            "QuerySyntax", f"The fetch asks for '{name[:100]}', but '{table.set_name}' holds rows of '{table.logical}'."
        )
    return table


def _require_known(element: Element) -> None:
    for child in element.children:
        if child.tag not in _IN_ENTITY:
            raise Refused("QuerySyntax", f"The element '{element.tag}' cannot hold '{child.tag[:100]}'.")
        if child.tag == "link-entity":
            _require_known(child)


def _query(root: Element, source: Source, asker: Asker) -> Query:
    links = Links(asker)
    links.read(source)
    where = And(tuple(links.where)) if links.where else None
    counted = flag(root, "returntotalrecordcount")
    query = check_query(Query(source.table, joins=tuple(links.joins), where=where, count=counted))
    return _aggregated(query, links) if flag(root, "aggregate") else _plain(query, links, flag(root, "distinct"))


def _aggregated(query: Query, links: Links) -> Query:
    shown = fields.unique(one for source in links.sources for one in fields.aggregated(source))
    if not shown:
        raise Refused("QuerySyntax", "A fetch that aggregates needs an attribute.")
    group = tuple(one.operand for one in shown.values() if one.aggregation is None and one.operand)
    order = require_few(list(fields.orders(links.sources, links.names, shown)))
    return replace(query, fields=tuple(shown.values()), group=group, order=order, count=False)


def _plain(query: Query, links: Links, distinct: bool) -> Query:
    root, *others = links.sources
    own = fields.unique(fields.plain(root, root.element.all("attribute", "all-attributes")))
    if not own:
        own = fields.unique(fields.plain(root, iter([Element("all-attributes", {})])))
    linked = fields.unique(
        one for source in others for one in fields.plain(source, source.element.all("attribute", "all-attributes"))
    )
    shown = fields.unique(iter([*own.values(), *linked.values()]))
    asked = require_few(list(fields.orders(links.sources, links.names, shown)))
    query = replace(query, order=[Order(_operand(one.by, shown), one.descending) for one in asked])
    if distinct:
        return _distinct(query, shown)
    query = told_apart(query)
    if linked or any(name != _column(one).column.wire for name, one in own.items()):
        key = Field(query.table.id_name, At(query.table.primary_key))
        return replace(query, fields=tuple({key.name: key, **shown}.values()))
    everything = len(own) == len(query.table.shown)
    return replace(query, columns=() if everything else tuple(_column(one).column for one in own.values()))


def _distinct(query: Query, shown: Mapping[str, Field]) -> Query:
    """Rows that differ in what they show; what they are sorted by is shown as well."""
    operands = {field.operand for field in shown.values()}
    sorted_by = (one.by for one in query.order if isinstance(one.by, At) and one.by not in operands)
    more = {name: Field(name, at) for at in sorted_by if (name := fields.name_of(at)) not in shown}
    return replace(query, fields=(*shown.values(), *more.values()), distinct=True)


def _column(field: Field) -> At:
    assert isinstance(field.operand, At)
    return field.operand


def _operand(by: Operand | str, shown: Mapping[str, Field]) -> Operand:
    return _column(shown[by]) if isinstance(by, str) else by


# Pages


def _paged(root: Element, query: Query) -> Fetch:
    top, count, page = (_number(root, name, most) for name, most in _NUMBERS.items())
    if top is not None and (page is not None or count is not None):
        raise Refused("QuerySyntax", "The attribute 'top' cannot be used together with 'count' or 'page'.")
    if top is not None:
        return Fetch(replace(query, top=top), 1, paged=False)
    number, size = page or 1, count or PAGE_LIMIT
    after = paging.after_of(query, root.get("paging-cookie"), number)
    skip = 0 if after else (number - 1) * size
    return Fetch(replace(query, page_size=size, after=after, skip=skip), number, paged=True)


_NUMBERS = {"top": PAGE_LIMIT, "count": PAGE_LIMIT, "page": MAX_PAGE}


def _number(root: Element, name: str, most: int) -> int | None:
    text = root.get(name)
    if text is None or not text.strip():
        return None
    bare = text.strip()
    if not (bare.isascii() and bare.isdigit() and len(bare) < 10 and 0 < int(bare) <= most):
        raise Refused("QuerySyntax", f"The attribute '{name}' is a whole number from 1 to {most}, not '{text[:100]}'.")
    return int(bare)
