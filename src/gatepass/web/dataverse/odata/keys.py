"""Which row a key names: `(guid)`, `(accountid=guid)`, or the parts of an alternate key, `(name='x',code=5)`."""

from collections.abc import Mapping
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.web.dataverse.odata import expands, literals, parser, typed
from gatepass.web.dataverse.odata.scope import NAMESPACE


def parse_key(table: Table, text: str) -> UUID | Mapping[str, Value]:
    """What stands between the parentheses: the id, or the values of an alternate key by logical name.

    A lookup in a key goes by its property (`_x_value`) or its logical name. Raises Refused (KeyInvalid).
    """
    try:
        parts = [_part(piece) for piece, _ in expands.split(text, ",")]
        if len(parts) == 1 and not parts[0][0]:
            return _bare(table, parts[0][1])
        return _named(table, parts)
    except Refused as error:
        raise error if error.code == "KeyInvalid" else invalid(table) from None
    except (ValueError, OverflowError):
        raise invalid(table) from None


def invalid(table: Table) -> Refused:
    """As Microsoft.OData words it (dataverse-web-api.md section 7)."""
    name = f"{NAMESPACE}.{table.logical}"
    return Refused(
        "KeyInvalid",
        f"The key in the request URI is not valid for resource '{name}'. Ensure that the names and number of key "
        f"properties match the declared or alternate key properties for the resource '{name}'.",
    )


def _named(table: Table, parts: list[tuple[str, str]]) -> UUID | Mapping[str, Value]:
    if len(parts) == 1 and parts[0][0] == table.id_name:
        return _bare(table, parts[0][1])
    found = {(column := _column(table, name)).logical or "": _value(column, text) for name, text in parts}
    if len(found) < len(parts) or set(found) not in [set(key.columns) for key in table.keys]:
        raise invalid(table)
    return found


def _bare(table: Table, text: str) -> UUID:
    bare = text.strip()
    if len(bare) != 36:
        raise invalid(table)
    return literals.guid(bare)


def _column(table: Table, name: str) -> Column:
    column = table.by_wire.get(name) or table.by_logical.get(name)
    if column is None:
        raise invalid(table)
    return column


def _value(column: Column, text: str) -> Value:
    found = parser.parse_value(text)
    if found is None or isinstance(found, tuple):
        raise ValueError(text)
    return typed.fit(found, typed.type_of(column))


def _part(text: str) -> tuple[str, str]:
    """`name='x'` -> its name and its literal; a literal alone has no name."""
    name, equals, value = text.partition("=")
    return (name.strip(), value.strip()) if equals and not name.strip().startswith("'") else ("", text.strip())
