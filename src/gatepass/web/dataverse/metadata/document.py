"""docs/dataverse-tables.md: every table with its columns, written from the model.

python -m gatepass.web.dataverse.metadata.document > docs/dataverse-tables.md
"""

import sys
from collections.abc import Iterator

from gatepass import model
from gatepass.model.columns import Choice, Column, Kind
from gatepass.model.navigation import navigations
from gatepass.model.query import Linked, ToMany, ToOne
from gatepass.model.table import Access, Table
from gatepass.web.dataverse.metadata.attributes import may_create, may_update, required_level, type_code
from gatepass.web.dataverse.metadata.option_sets import choices

HEAD = """# Tables of the Web API

Written from the model by `python -m gatepass.web.dataverse.metadata.document > docs/dataverse-tables.md`; a test keeps it true.

## The same over the wire

| call | answers |
| --- | --- |
| `GET /api/data/v9.x/` | the entity sets |
| `GET $metadata` | types, functions and actions as CSDL 4.0 (XML) |
| `GET EntityDefinitions`, `EntityDefinitions(LogicalName='contact')` or by MetadataId | tables, or one |
| `EntityDefinitions(...)/Attributes`, `.../Attributes(LogicalName='x')` | columns of a table, or one |
| `.../Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata` | columns of one type; `$expand=OptionSet,GlobalOptionSet` |
| `.../Keys`, `.../ManyToOneRelationships`, `.../OneToManyRelationships`, `.../ManyToManyRelationships` | what else a table has |
| `GET RelationshipDefinitions`, `GlobalOptionSetDefinitions` | relationships and choices |
| `GET RetrieveMetadataChanges(Query=@p1)?@p1={...}` | tables and columns by an EntityQueryExpression |

`$select`, `$expand`, `$filter`, `$top` and `$count` work on definitions, `$orderby` does not, as in Dataverse; texts compare with
regard to case. A MetadataId is made from the name, so it is the same in every installation. The schema is fixed: whoever posts,
changes or deletes a definition gets 403, `0x80040220`.

## How to read the tables

*Set*: when a caller from outside may give the column. *create*: once, with the row; *always*: also later; *-*: never, it comes from
our own flows or is computed. **Bold** columns must be given. A lookup reads as `_<column>_value`, and is set by
`<navigation property>@odata.bind`; its navigation property stands behind the arrow.
"""
ACCESS = {
    Access.OPEN: "Rows are created, changed and deleted by callers, under the rules of the table.",
    Access.KEPT: "Rows belong to our own flows; callers may give what *Set* says.",
    Access.READ: "Read only.",
}


def text() -> str:
    """The whole document."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield from _overview()
    for table in sorted(model.TABLES, key=lambda one: one.logical):
        yield from _table(table)
    yield from _choices()


def _overview() -> Iterator[str]:
    yield "| table | entity set | key | alternate keys |"
    yield "| --- | --- | --- | --- |"
    for table in sorted(model.TABLES, key=lambda one: one.logical):
        keys = ", ".join(" + ".join(f"`{name}`" for name in key.columns) for key in table.keys)
        yield f"| [{table.logical}](#{table.logical}) | `{table.set_name}` | `{table.id_name}` | {keys} |"
    yield ""


def _table(table: Table) -> Iterator[str]:
    yield f"## {table.logical}\n"
    yield f"{table.label}, entity set `{table.set_name}`. {ACCESS[table.access]}\n"
    yield "| column | type | set | label |"
    yield "| --- | --- | --- | --- |"
    yield from (_column(table, one) for one in table.shown)
    yield ""
    collections = [_way(name, way) for name, way in navigations(table).items() if not isinstance(way, ToOne)]
    if collections:
        yield f"Collections: {', '.join(collections)}.\n"


def _column(table: Table, column: Column) -> str:
    mark = "**" if required_level(table, column) == "ApplicationRequired" else ""
    return f"| {mark}`{column.logical}`{mark} | {_type(column)} | {_set(table, column)} | {column.label} |"


def _type(column: Column) -> str:
    name = type_code(column)
    if column.kind in {Kind.TEXT, Kind.MEMO, Kind.LIST}:
        return f"{name}, {column.length}"
    if column.kind is Kind.CHOICE:
        return f"{name}, [{column.choice.name}](#{column.choice.name})"
    if column.kind in {Kind.STATE, Kind.STATUS}:
        return f"{name}: {_options(column.choice)}"
    if column.kind is Kind.LOOKUP:
        targets = ", ".join(f"[{one}](#{one})" for one in column.targets)
        return f"{name} to {targets} → `{column.navigation}`"
    return f"{name}, no zone" if column.kind is Kind.LOCAL else name


def _set(table: Table, column: Column) -> str:
    if may_create(table, column):
        return "always" if may_update(table, column) else "create"
    return "change" if may_update(table, column) else "-"


def _way(name: str, way: ToMany | Linked) -> str:
    target = way.source if isinstance(way, ToMany) else way.target
    return f"`{name}` of [{target.logical}](#{target.logical})"


def _choices() -> Iterator[str]:
    yield "# Choices\n"
    for choice in choices():
        yield f"## {choice.name}\n"
        yield f"{_options(choice)}\n"


def _options(choice: Choice) -> str:
    return ", ".join(f"{one.value} {one.label}" for one in choice.options)


if __name__ == "__main__":
    sys.stdout.write(text())
