"""What the names in a FetchXML query stand for: the entity, its link-entities by alias, and the columns of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import Refused
from gatepass.model.query import At
from gatepass.model.table import Table
from gatepass.web.dataverse.fetchxml.xml import Element

_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when: for eq-userid and for this-month. `now` is UTC."""

    user_id: UUID
    now: datetime


@dataclass(frozen=True, slots=True)
class Source:
    """An entity or link-entity: `name` is its alias in the text, `alias` the one in the tree."""

    element: Element
    table: Table
    name: str
    alias: str
    pair: Mapping[str, At] = field(default_factory=dict[str, At])
    """The columns of an intersect table, as the primary keys that they point to. Else empty."""

    def at(self, name: str) -> At:
        """A column by its logical name, in any case. Raises Refused (PropertyUnknown)."""
        column = self.table.by_logical.get(name.lower())
        found = self.pair.get(name.lower()) if self.pair else At(column, self.alias) if column else None
        if found is None:
            raise unknown_column(self.table, name)
        return found


class Sources:
    """The links of a query by alias, as far as they can be seen from one place of it."""

    def __init__(self, *visible: Source) -> None:
        self._named = {source.name.lower(): source for source in visible}

    def add(self, source: Source) -> None:
        """Raises Refused (QuerySyntax) when its alias is taken."""
        if source.name.lower() in self._named:
            raise Refused("QuerySyntax", f"The alias '{source.name}' is used more than once.")
        self._named[source.name.lower()] = source

    def with_one(self, source: Source) -> "Sources":
        """These and another."""
        more = Sources(*self._named.values())
        more.add(source)
        return more

    def find(self, alias: str) -> Source:
        """Raises Refused (QuerySyntax) when no link that can be seen has this alias."""
        found = self._named.get(alias.lower())
        if found is None:
            raise Refused("QuerySyntax", f"No link-entity that can be named here has the alias '{alias[:100]}'.")
        return found


def valid_alias(alias: str) -> str:
    """Raises Refused (QuerySyntax)."""
    if not _ALIAS.fullmatch(alias):
        raise Refused("QuerySyntax", f"The alias '{alias[:100]}' has to be letters, digits and underscores.")
    return alias


def table_of(element: Element) -> Table:
    """The table that an entity or link-entity names. Raises Refused."""
    name = required(element, "name").lower()
    table = model.BY_LOGICAL.get(name)
    if table is None:
        raise Refused("PropertyUnknown", f"The entity with a name = '{name[:100]}' was not found in the MetadataCache.")
    return table


def required(element: Element, name: str) -> str:
    """An attribute that has to be there."""
    value = element.get(name)
    if not value:
        raise Refused("QuerySyntax", f"The element '{element.tag}' needs the attribute '{name}'.")
    return value


def flag(element: Element, name: str) -> bool:
    """true, 1 and yes are yes."""
    return (element.get(name) or "").strip().lower() in {"true", "1", "yes"}


def unknown_column(table: Table, name: str) -> Refused:
    """In Dataverse's words."""
    return Refused(
        "PropertyUnknown",
        f"'{table.logical}' entity doesn't contain attribute with Name = '{name[:100]}' and NameMapping = 'Logical'.",
    )
