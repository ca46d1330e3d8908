"""How a link-entity and the entity around it hang together: by two columns, by a lookup, or by an N:N relationship."""

from collections.abc import Mapping
from types import MappingProxyType

from gatepass import model
from gatepass.domain.errors import Refused
from gatepass.model.query import And, At, Condition, Exists, Linked, Navigation, Not, ToMany, ToOne
from gatepass.model.table import ManyToMany
from gatepass.web.dataverse.fetchxml.scope import Source, required, unknown_column
from gatepass.web.dataverse.fetchxml.xml import Element
from gatepass.web.dataverse.joining import require_joinable

JOINED: Mapping[str, bool] = MappingProxyType({"inner": False, "natural": False, "outer": True})
"""Links whose columns count; True: rows without one stay."""
TESTED = frozenset({"exists", "in", "matchfirstrowusingcrossapply", "any", "not any", "all", "not all"})
"""Links that only ask whether there are rows."""

INTERSECTS: Mapping[str, ManyToMany] = MappingProxyType({link.intersect: link for link in model.MANY_TO_MANY})


def kind_of(element: Element) -> str:
    """The link-type: inner when none is given. Raises Refused for one that there is not."""
    kind = (element.get("link-type") or "inner").strip().lower()
    if kind not in JOINED and kind not in TESTED:
        raise Refused("QuerySyntax", f"There is no link-type '{kind[:100]}'.")
    return kind


def columns(source: Source, parent: Source) -> tuple[At, At]:
    """`from`, a column of the link-entity, and `to`, one of what is around it."""
    here = source.at(required(source.element, "from"))
    there = parent.at(required(source.element, "to"))
    require_joinable(here.column, there.column)
    return here, there


def navigation(source: Source, parent: Source) -> Navigation:
    """The relationship behind `from` and `to`. Raises Refused when they are not a lookup and what it points to."""
    here, there = columns(source, parent)
    if there.column is parent.table.primary_key and parent.table.logical in here.column.targets:
        return ToMany(here.column.relationship, here.column, source.table)
    if here.column is source.table.primary_key and source.table.logical in there.column.targets:
        return ToOne(there.column.navigation, there.column, source.table)
    raise Refused(
        "QueryUnsupported",
        f"A link of type '{kind_of(source.element)}' goes along a lookup; '{here.column.logical}' and "
        f"'{there.column.logical}' are none.",
    )


def pairs(parent: Source, element: Element, link: ManyToMany) -> Linked:
    """The N:N relationship of an intersect table. Raises Refused unless both columns are those of the parent's key."""
    first = parent.table.logical == link.first
    own = link.first_column if first else link.second_column
    if parent.table.logical not in {link.first, link.second} or required(element, "from").lower() != own:
        raise unknown_column(parent.table, required(element, "from"))
    if parent.at(required(element, "to")).column is not parent.table.primary_key:
        raise Refused("QuerySyntax", f"The intersect table '{link.intersect}' is linked to '{parent.table.id_name}'.")
    return Linked(link.schema, link, first, model.BY_LOGICAL[link.second if first else link.first])


def pair_columns(by: Linked, parent: Source, alias: str) -> Mapping[str, At]:
    """The two columns of an intersect table: each equals a primary key beside it."""
    link = by.relationship
    names = (link.first_column, link.second_column) if by.first else (link.second_column, link.first_column)
    return {names[0]: At(parent.table.primary_key, parent.alias), names[1]: At(by.target.primary_key, alias)}


def require_other_half(pair: Source, element: Element) -> None:
    """Inside an intersect table only the table on its other side can be linked. Raises Refused."""
    here, there = required(element, "from").lower(), pair.at(required(element, "to"))
    target = pair.table
    if required(element, "name").lower() != target.logical or here != target.id_name or there.alias != pair.alias:
        raise Refused("QueryUnsupported", f"Inside an intersect table only '{target.logical}' can be linked.")


def exists(kind: str, by: Navigation, where: Condition | None, alias: str, outer: str) -> Condition:
    """A test for related rows. "all" means, as documented, that there are rows and none of them meets the filter."""
    found = Exists(by, where, alias, outer)
    if kind == "not any":
        return Not(found)
    return And((Exists(by, None, alias, outer), Not(found))) if kind == "all" else found
