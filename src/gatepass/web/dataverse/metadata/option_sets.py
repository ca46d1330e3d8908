"""Choices as option sets: those of columns, and the global ones."""

from functools import cache

from gatepass import model
from gatepass.model.columns import Choice, Column, Kind, Option
from gatepass.model.table import Table
from gatepass.web.dataverse.metadata.labels import INTRODUCED, NAMESPACE, Node, fixed, label, metadata_id


def option_set_of(table: Table, column: Column) -> Node:
    """What the OptionSet member of a column holds."""
    if column.kind is Kind.BOOLEAN:
        return _boolean(table, column)
    if column.kind is Kind.CHOICE:
        return global_option_set(column.choice)
    name = f"{table.logical}_{column.logical}"
    make = _state_option if column.kind is Kind.STATE else _status_option
    options = [make(table, one) for one in column.choice.options]
    return _set(name, column.label, column.kind.type_code, options, is_global=False)


def global_option_set(choice: Choice) -> Node:
    """Choices are global: a name stands for the same options on every table."""
    return _set(choice.name, _words(choice.name), "Picklist", [_option(one) for one in choice.options], is_global=True)


@cache
def global_option_sets() -> tuple[Node, ...]:
    """Every choice that a column of the wire has, by name."""
    return tuple(global_option_set(one) for one in choices())


def choices() -> list[Choice]:
    """The same as the model declares them."""
    columns = [column for table in model.TABLES for column in table.shown if column.kind is Kind.CHOICE]
    named = {column.choice.name: column.choice for column in columns}
    return [named[name] for name in sorted(named)]


def _set(name: str, text: str, type_code: str, options: list[Node], *, is_global: bool) -> Node:
    return {
        **_head(name, text, type_code, is_global=is_global),
        "@odata.type": f"#{NAMESPACE}.OptionSetMetadata",
        "ParentOptionSetName": None,
        "Options": options,
    }


def _boolean(table: Table, column: Column) -> Node:
    no, yes = column.choice.options
    name = f"{table.logical}_{column.logical}"
    return {
        **_head(name, column.label, "Boolean", is_global=False),
        "@odata.type": f"#{NAMESPACE}.BooleanOptionSetMetadata",
        "TrueOption": _option(yes),
        "FalseOption": _option(no),
    }


def _head(name: str, text: str, type_code: str, *, is_global: bool) -> Node:
    return {
        "MetadataId": metadata_id("optionset", name),
        "HasChanged": None,
        "IsCustomOptionSet": True,
        "IsGlobal": is_global,
        "IsManaged": True,
        "IsCustomizable": fixed(False, "iscustomizable"),
        "Name": name,
        "ExternalTypeName": None,
        "DisplayName": label(text),
        "Description": label(""),
        "OptionSetType": type_code,
        "IntroducedVersion": INTRODUCED,
    }


def _option(option: Option) -> Node:
    return {
        "Value": option.value,
        "Color": None,
        "IsManaged": True,
        "ExternalValue": None,
        "ParentValues": [],
        "Tag": None,
        "IsHidden": False,
        "MetadataId": None,
        "HasChanged": None,
        "Label": label(option.label),
        "Description": label(""),
    }


def _state_option(table: Table, option: Option) -> Node:
    return {
        "@odata.type": f"#{NAMESPACE}.StateOptionMetadata",
        **_option(option),
        "DefaultStatus": default_status(table, option.value),
        "InvariantName": option.label,
    }


def _status_option(_table: Table, option: Option) -> Node:
    return {
        "@odata.type": f"#{NAMESPACE}.StatusOptionMetadata",
        **_option(option),
        "State": option.state,
        "TransitionData": None,
    }


def default_status(table: Table, state: int) -> int | None:
    """The reason that a row gets when only its state is set: the first of that state."""
    reasons = next((one.choice.options for one in table.shown if one.kind is Kind.STATUS), ())
    return next((one.value for one in reasons if one.state == state), None)


def _words(name: str) -> str:
    return name.split("_", 1)[-1].capitalize()
