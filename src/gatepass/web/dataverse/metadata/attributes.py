"""Columns as AttributeMetadata (learn.microsoft.com, AttributeMetadata EntityType and those derived from it)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gatepass.model.columns import Column, Kind, Set
from gatepass.model.table import Access, Table
from gatepass.web.dataverse.metadata.labels import INTRODUCED, NAMESPACE, Json, Node, fixed, label, metadata_id
from gatepass.web.dataverse.metadata.option_sets import option_set_of

TYPES: Mapping[Kind, str] = MappingProxyType(
    {kind: f"{kind.type_code}AttributeMetadata" for kind in Kind}
    | {Kind.ID: "UniqueIdentifierAttributeMetadata"}
)  # fmt: skip
"""The metadata type of each kind of column, without the namespace."""
INT32, INT64 = 2**31, 2**63
MONEY_LIMIT = 922_337_203_685_477.0
"""What Dataverse accepts as an amount."""
WIRE_MONEY_DECIMALS, UTF16_BYTES = 4, 2
LAST_MOMENT, FIRST_MOMENT = "9999-12-30T23:59:59Z", "1753-01-01T00:00:00Z"


def attribute(table: Table, column: Column, number: int) -> Node:
    """One column; `number` counts within the table."""
    more = _MORE.get(column.kind)
    return {**_common(table, column, number), **(more(table, column) if more else {})}


def attribute_id(table: Table, column: Column) -> str:
    """Its MetadataId."""
    return metadata_id("attribute", f"{table.logical}.{column.logical}")


def schema_name(column: Column) -> str:
    """In real case where we know it: by the navigation property, or by the words of the label (`Created On`)."""
    logical = column.logical or ""
    candidates = (column.navigation, "".join(letter for letter in column.label if letter.isalnum()))
    return next((one for one in candidates if one.lower() == logical), logical)


def may_create(table: Table, column: Column) -> bool:
    """True when a creation from outside may give the column."""
    return table.access is not Access.READ and column.stored and column.settable is not Set.NEVER


def may_update(table: Table, column: Column) -> bool:
    """True when a change from outside may give the column."""
    return table.access is not Access.READ and column.stored and column.settable is Set.ALWAYS


def required_level(table: Table, column: Column) -> str:
    """SystemRequired: always filled by us. ApplicationRequired: a creation must give it."""
    if not column.required or column.kind is Kind.BOOLEAN:
        return "None"
    given = column.default is None and not column.filled and may_create(table, column) and column.name != "id"
    return "ApplicationRequired" if given else "SystemRequired"


def _common(table: Table, column: Column, number: int) -> Node:
    code = type_code(column)
    return {
        "@odata.type": f"#{NAMESPACE}.{TYPES[column.kind]}",
        "MetadataId": attribute_id(table, column),
        "HasChanged": None,
        "LogicalName": column.logical,
        "SchemaName": schema_name(column),
        "EntityLogicalName": table.logical,
        "AttributeType": code,
        "AttributeTypeName": {"Value": f"{code}Type"},
        "AttributeOf": None,
        "ColumnNumber": number,
        "DisplayName": label(column.label),
        "Description": label(""),
        "RequiredLevel": fixed(required_level(table, column), "canmodifyrequirementlevelsettings"),
        "IsPrimaryId": column is table.primary_key,
        "IsPrimaryName": column.logical == table.primary_name,
        "IsValidForCreate": may_create(table, column),
        "IsValidForUpdate": may_update(table, column),
        "IsValidForRead": True,
        "IsValidODataAttribute": True,
        "IsRetrievable": True,
        "IsFilterable": column.kind is not Kind.LIST,
        "IsSearchable": False,
        "IsLogical": not column.stored,
        "IsSecured": False,
        "IsCustomAttribute": "_" in (column.logical or ""),
        "SourceType": None if column.stored else 1,
        **_CONSTANT,
    }


_CONSTANT: Mapping[str, Json] = MappingProxyType(
    {
        "AutoNumberFormat": "",
        "CanBeSecuredForCreate": False,
        "CanBeSecuredForRead": False,
        "CanBeSecuredForUpdate": False,
        "CanModifyAdditionalSettings": fixed(False, "canmodifyadditionalsettings"),
        "CreatedOn": None,
        "DeprecatedVersion": None,
        "ExternalName": None,
        "InheritsFrom": None,
        "IntroducedVersion": INTRODUCED,
        "IsAuditEnabled": fixed(True, "canmodifyauditsettings"),
        "IsCustomizable": fixed(False, "iscustomizable"),
        "IsDataSourceSecret": False,
        "IsGlobalFilterEnabled": fixed(False, "canmodifyglobalfiltersettings"),
        "IsManaged": True,
        "IsRenameable": fixed(False, "isrenameable"),
        "IsRequiredForForm": False,
        "IsSortableEnabled": fixed(True, "canmodifyissortablesettings"),
        "IsValidForAdvancedFind": fixed(True, "canmodifysearchsettings"),
        "IsValidForForm": True,
        "IsValidForGrid": True,
        "LinkedAttributeId": None,
        "ModifiedOn": None,
        "Settings": [],
    }
)


def type_code(column: Column) -> str:
    """AttributeTypeCode. The owner of a row has one of its own."""
    return "Owner" if column.logical == "ownerid" else column.kind.type_code


def _text(_table: Table, column: Column) -> Node:
    return {
        "MaxLength": column.length,
        "DatabaseLength": column.length * UTF16_BYTES,
        "Format": "Text",
        "FormatName": {"Value": "Text"},
        "ImeMode": "Auto",
        "YomiOf": None,
        "IsLocalizable": False,
        "FormulaDefinition": "",
        "SourceTypeMask": 0,
    }


def _memo(_table: Table, column: Column) -> Node:
    return {
        "MaxLength": column.length,
        "Format": "TextArea",
        "FormatName": {"Value": "TextArea"},
        "ImeMode": "Auto",
        "IsLocalizable": False,
    }


def _integer(_table: Table, column: Column) -> Node:
    return {
        "MinValue": -INT32 if column.minimum is None else column.minimum,
        "MaxValue": INT32 - 1 if column.maximum is None else column.maximum,
        "Format": "None",
        "FormulaDefinition": "",
        "SourceTypeMask": 0,
    }


def _bigint(_table: Table, _column: Column) -> Node:
    return {"MinValue": -INT64, "MaxValue": INT64 - 1}


def _decimal(_table: Table, column: Column) -> Node:
    return {
        "MinValue": -100_000_000_000.0,
        "MaxValue": 100_000_000_000.0,
        "Precision": column.scale,
        "ImeMode": "Auto",
        "FormulaDefinition": "",
        "SourceTypeMask": 0,
    }


def _money(_table: Table, column: Column) -> Node:
    base = (column.logical or "").endswith("_base")
    return {
        "MinValue": 0.0 if column.minimum == 0 else -MONEY_LIMIT,
        "MaxValue": MONEY_LIMIT,
        "Precision": WIRE_MONEY_DECIMALS,
        "PrecisionSource": 2,
        "IsBaseCurrency": base,
        "CalculationOf": (column.logical or "").removesuffix("_base") if base else None,
        "ImeMode": "Auto",
        "FormulaDefinition": "",
        "SourceTypeMask": 0,
    }


def _moment(_table: Table, column: Column) -> Node:
    behavior = "UserLocal" if column.kind is Kind.MOMENT else "TimeZoneIndependent"
    return {
        "Format": "DateAndTime",
        "DateTimeBehavior": {"Value": behavior},
        "CanChangeDateTimeBehavior": fixed(False, "canmodifybehavior"),
        "MinSupportedValue": FIRST_MOMENT,
        "MaxSupportedValue": LAST_MOMENT,
        "ImeMode": "Auto",
        "FormulaDefinition": "",
        "SourceTypeMask": 0,
    }


def _lookup(_table: Table, column: Column) -> Node:
    return {"Targets": list(column.targets), "Format": "None"}


def _boolean(table: Table, column: Column) -> Node:
    return {
        "DefaultValue": column.default is True,
        "FormulaDefinition": "",
        "SourceTypeMask": 0,
        "OptionSet": option_set_of(table, column),
        "GlobalOptionSet": None,
    }


def _choice(table: Table, column: Column) -> Node:
    options = option_set_of(table, column)
    return {
        "DefaultFormValue": column.default if isinstance(column.default, int) else -1,
        "FormulaDefinition": "",
        "SourceTypeMask": 0,
        "ParentPicklistLogicalName": None,
        "ChildPicklistLogicalNames": [],
        "OptionSet": options,
        "GlobalOptionSet": options,
    }


def _state(table: Table, column: Column) -> Node:
    return {"DefaultFormValue": -1, "OptionSet": option_set_of(table, column), "GlobalOptionSet": None}


_MORE: Mapping[Kind, Callable[[Table, Column], Node]] = MappingProxyType(
    {
        Kind.TEXT: _text, Kind.LIST: _text, Kind.MEMO: _memo, Kind.INTEGER: _integer, Kind.BIGINT: _bigint,
        Kind.DECIMAL: _decimal, Kind.MONEY: _money, Kind.MOMENT: _moment, Kind.LOCAL: _moment, Kind.LOOKUP: _lookup,
        Kind.BOOLEAN: _boolean, Kind.CHOICE: _choice, Kind.STATE: _state, Kind.STATUS: _state,
    }
)  # fmt: skip
