"""Which ways lead from a table to others, by navigation property in its real case."""

from collections.abc import Mapping
from functools import cache

from gatepass import model
from gatepass.model.columns import Column, Kind
from gatepass.model.query import Linked, Navigation, ToMany, ToOne
from gatepass.model.table import Table


@cache
def navigations(table: Table) -> Mapping[str, Navigation]:
    """All navigation properties of a table, single-valued and collections."""
    found: dict[str, Navigation] = {}
    for name, lookup in table.lookups.items():
        found[name] = ToOne(name, lookup, model.BY_LOGICAL[lookup.targets[0]])
    for source in model.TABLES:
        for lookup in source.lookups.values():
            if table.logical in lookup.targets and lookup.source is None:
                found[relationship_of(source, lookup)] = ToMany(relationship_of(source, lookup), lookup, source)
    for link in model.MANY_TO_MANY:
        if table.logical in {link.first, link.second}:
            first = table.logical == link.first
            target = model.BY_LOGICAL[link.second if first else link.first]
            found[link.schema] = Linked(link.schema, link, first, target)
    return found


def relationship_of(table: Table, lookup: Column) -> str:
    """SchemaName of a lookup's relationship: also the collection's navigation property on the target."""
    assert lookup.kind is Kind.LOOKUP
    return lookup.relationship or f"{lookup.targets[0]}_{table.logical}_{lookup.logical}"
