"""Rows of the data model, created, changed and deleted from outside: under the same rules as by our own flows."""

from gatepass.services.records.finding import Key
from gatepass.services.records.linking import associate, disassociate
from gatepass.services.records.privileges import Right, may, may_read, require
from gatepass.services.records.writing import Values, create, delete, update, upsert

__all__ = [
    "Key",
    "Right",
    "Values",
    "associate",
    "create",
    "delete",
    "disassociate",
    "may",
    "may_read",
    "require",
    "update",
    "upsert",
]
