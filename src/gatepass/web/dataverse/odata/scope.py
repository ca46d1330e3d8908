"""Which columns a name means: those of the table, of rows reached by navigation paths, and of a lambda's variable.

A path over a lookup outside lambdas becomes a Join, whose alias is the path. Inside a lambda there is nothing to join
to, so it becomes an Exists around the comparison (`Hop`).
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column
from gatepass.model.navigation import navigations
from gatepass.model.query import ROOT, At, Join, Linked, Navigation, ToMany, ToOne
from gatepass.model.table import Table
from gatepass.web.dataverse.odata.tree import Path

MAX_JOINS = 15
"""Related tables in one query, as Dataverse's own limit of link entities."""
NAMESPACE = "Microsoft.Dynamics.CRM"


@dataclass(frozen=True, slots=True)
class Hop:
    """A step over a lookup inside a lambda."""

    navigation: ToOne
    alias: str
    outer: str


@dataclass(slots=True)
class Scope:
    """What names mean while one query is read; the joins that it needs gather here."""

    table: Table
    joins: dict[str, Join] = field(default_factory=dict[str, Join])
    variables: dict[str, tuple[str, Table]] = field(default_factory=dict[str, tuple[str, Table]])
    """A lambda's variable -> the alias and the table of its rows."""
    hops: list[Hop] = field(default_factory=list[Hop])
    """Of the comparison that is being read."""
    aliases: int = 0

    def column(self, path: Path) -> At:
        """The column at the end of a path. Raises Refused (PropertyUnknown, QueryUnsupported)."""
        alias, table = self._start(path)
        *steps, name = self._inside(path)
        for position, step in enumerate(steps):
            navigation = to_one(table, step)
            if position == len(steps) - 1 and (short := _own_lookup(navigation, name)):
                return At(short, alias)
            alias, table = self._over(alias, navigation), navigation.target
        return At(column_of(table, name), alias)

    def collection(self, path: Path) -> tuple[str, ToMany | Linked, Table]:
        """The collection at the end of a lambda's path: alias it starts from, navigation, table of its rows."""
        alias, table = self._start(path)
        *steps, name = self._inside(path)
        for step in steps:
            navigation = to_one(table, step)
            alias, table = self._over(alias, navigation), navigation.target
        found = navigation_of(table, name)
        if isinstance(found, ToOne):
            raise Refused("QuerySyntax", "Any/All may only be used following a collection.")
        return alias, found, related(found)

    def lookup(self, path: Path) -> At | None:
        """The lookup behind a path that ends at a single-valued navigation property; None when it ends elsewhere."""
        table = self._start(path)[1]
        *steps, name = self._inside(path)
        for step in steps:
            table = to_one(table, step).target
        found = navigations(table).get(name)
        if name in table.by_wire or not isinstance(found, ToOne):
            return None
        return self.column(Path((*path.segments[:-1], found.lookup.wire), path.at))

    @contextmanager
    def variable(self, name: str, table: Table) -> Generator[str]:
        """The alias of a lambda's rows, while its body is read."""
        shadowed, hops = self.variables.get(name), self.hops
        alias = self.new_alias(name)
        self.variables[name], self.hops = (alias, table), []
        yield alias
        self.hops = hops
        del self.variables[name]
        if shadowed:
            self.variables[name] = shadowed

    def new_alias(self, name: str) -> str:
        """An alias that no other part of the query has."""
        self.aliases += 1
        return f"{name}_{self.aliases}"

    def _inside(self, path: Path) -> tuple[str, ...]:
        first = path.segments[0]
        return path.segments[1:] if first == "$it" or first in self.variables else path.segments

    def _start(self, path: Path) -> tuple[str, Table]:
        if len(path.segments) == 1 and (path.segments[0] in self.variables or path.segments[0] == "$it"):
            raise Refused("QuerySyntax", f"'{path.segments[0]}' is a row; name one of its columns behind a slash.")
        return self.variables.get(path.segments[0], (ROOT, self.table))

    def _over(self, alias: str, navigation: ToOne) -> str:
        if any(alias == inner for inner, _ in self.variables.values()) or any(alias == hop.alias for hop in self.hops):
            hop = Hop(navigation, self.new_alias("hop"), alias)
            self.hops.append(hop)
            return hop.alias
        return self._joined(alias, navigation)

    def _joined(self, parent: str, navigation: ToOne) -> str:
        alias = f"{parent}/{navigation.name}" if parent else navigation.name
        if alias not in self.joins:
            if len(self.joins) == MAX_JOINS:
                raise Refused("QueryUnsupported", f"A query may reach at most {MAX_JOINS} related tables.")
            self.joins[alias] = Join(alias, navigation.target, target_column(navigation), parent, navigation.lookup)
        return alias


def column_of(table: Table, name: str) -> Column:
    """A column by its name on the wire. Raises Refused (PropertyUnknown)."""
    if name not in table.by_wire:
        raise unknown_property(table, name)
    return table.by_wire[name]


def navigation_of(table: Table, name: str) -> Navigation:
    """A navigation property in its real case. Raises Refused (PropertyUnknown, QuerySyntax)."""
    found = navigations(table).get(name)
    if found is not None:
        return found
    if name in table.by_wire:
        raise Refused(
            "QuerySyntax",
            f"Property '{name}' on type '{NAMESPACE}.{table.logical}' is not a navigation property or complex property. "
            "Only navigation properties can be expanded.",
        )
    raise unknown_property(table, name)


def to_one(table: Table, name: str) -> ToOne:
    """A single-valued navigation property. Raises Refused (PropertyUnknown, QuerySyntax)."""
    found = navigation_of(table, name)
    if not isinstance(found, ToOne):
        raise Refused(
            "QuerySyntax",
            f"The parent value for a property access of a property '{name}' is not a single value. "
            "Property access can only be applied to a single value.",
        )
    return found


def related(navigation: Navigation) -> Table:
    """The table that a navigation leads to."""
    return navigation.source if isinstance(navigation, ToMany) else navigation.target


def target_column(navigation: ToOne) -> Column:
    """The column of the target that the lookup's stored value is found in."""
    return next(one for one in navigation.target.columns if one.name == navigation.lookup.target_column)


def unknown_property(table: Table, name: str) -> Refused:
    """Names are case-sensitive (dataverse-web-api.md section 7)."""
    return Refused(
        "PropertyUnknown", f"Could not find a property named '{name[:200]}' on type '{NAMESPACE}.{table.logical}'."
    )


def _own_lookup(navigation: ToOne, name: str) -> Column | None:
    """`event/eventid` is the lookup itself: no join, when every value is known to have its row."""
    lookup = navigation.lookup
    own = name == navigation.target.id_name and lookup.target_column == "id" and not lookup.loose
    return lookup if own and lookup.stored else None
