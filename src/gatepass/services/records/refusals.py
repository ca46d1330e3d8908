"""The refusals of the Web API's writes, each with its documented text (dataverse-web-api.md, section 7)."""

from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.model.columns import Column
from gatepass.model.table import Table


def missing(table: Table, record_id: UUID) -> NotFound:
    """There is no such record."""
    return NotFound("RecordMissing", f"{table.logical} With Id = {record_id} Does Not Exist")


def key_missing(table: Table) -> NotFound:
    """An alternate key finds nothing."""
    return NotFound("KeyMissing", f"A record with the specified key values does not exist in {table.logical} entity")


def stale() -> Conflict:
    """Somebody else has changed the record since."""
    return Conflict(
        "VersionStale", "The version of the existing record doesn't match the RowVersion property provided."
    )


def exists() -> Conflict:
    """The id is taken."""
    return Conflict("RecordExists", "A record with matching key values already exists.")


def taken(table: Table, column: Column) -> Conflict:
    """Another record has this value of a unique column."""
    return Conflict(
        "KeyTaken",
        f"Entity Key violated. A record of '{table.logical}' with this value of '{column.logical}' already exists: "
        "the key must be unique.",
    )


def in_use(table: Table, record_id: UUID, source: Table) -> Conflict:
    """Something points to the record."""
    return Conflict(
        "RecordInUse",
        f"The {table.logical} with id {record_id} cannot be deleted because it is associated with another record: "
        f"a {source.logical}. Delete that first, or point it elsewhere.",
    )


def unknown(table: Table, name: str) -> Refused:
    """The table has no such column."""
    return Refused(
        "PayloadInvalid",
        f"Error identified in Payload provided by the user for Entity :'{table.set_name}'. Invalid property '{name}' was "
        f"found in entity 'Microsoft.Dynamics.CRM.{table.logical}'.",
        field=name,
    )


def invalid(table: Table, column: Column, what: str) -> Refused:
    """A value of the wrong type."""
    return Refused(
        "ValueInvalid",
        f"Error identified in Payload provided by the user for Entity :'{table.set_name}'. '{column.logical}' {what}.",
        field=column.logical,
    )


def needed(table: Table, column: Column) -> Refused:
    """A required value is not given, or null."""
    return Refused(
        "ValueMissing",
        f"Attribute '{column.logical}' of '{table.logical}' cannot be null. Give it a value.",
        field=column.logical,
    )


def too_long(table: Table, column: Column) -> Refused:
    """More characters than the column holds."""
    return Refused(
        "TextTooLong",
        f"A validation error occurred.  The length of the '{column.logical}' attribute of the '{table.logical}' entity "
        f"exceeded the maximum allowed length of '{column.length}'.",
        field=column.logical,
    )


def no_option(table: Table, column: Column, value: object) -> Refused:
    """No option of the choice."""
    accepted = ", ".join(str(one.value) for one in column.choice.options)
    return Refused(
        "OptionInvalid",
        f"The value '{value}' of '{column.logical}' on record of type '{table.logical}' is outside the valid range. "
        f"Accepted Values: {accepted}",
        field=column.logical,
    )


def out_of_range(table: Table, column: Column, low: object, high: object) -> Refused:
    """A number that the column does not take."""
    return Refused(
        "NumberOutOfRange",
        f"A validation error occurred. The value of '{column.logical}' on record of type '{table.logical}' is outside "
        f"the valid range: from {low} to {high}.",
        field=column.logical,
    )


def broken(message: str, column: str | None = None) -> Refused:
    """A rule of ours; the message names the way out. `column`: the logical name of what has to be put right."""
    return Refused("RuleBroken", message, field=column)
