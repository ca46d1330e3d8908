"""The functions and actions that $metadata declares, with the types of their answers. Types are written as in CSDL."""

from dataclasses import dataclass

GUID, TEXT, INT32, INT64, YES_NO = "Edm.Guid", "Edm.String", "Edm.Int32", "Edm.Int64", "Edm.Boolean"
RECORDS = "Collection(mscrm.crmbaseentity)"

Members = tuple[tuple[str, str], ...]
"""Names with their types."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A function or an action. Bound: its first parameter is the entity set that it is called on."""

    name: str
    parameters: Members = ()
    returns: str | None = None
    is_function: bool = True
    bound: bool = False


def _text_list(*names: str) -> Members:
    return tuple((name, TEXT) for name in names)


_PROPERTY = ("PropertyName", TEXT)
_VALUES = ("PropertyValues", f"Collection({TEXT})")
_FINALIZE = (("msevtmgt_purchaseid", TEXT), ("msevtmgt_paymentstatus", INT32))
_BULK_DELETE = (
    ("QuerySet", "Collection(mscrm.QueryExpression)"), ("JobName", TEXT), ("SendEmailNotification", YES_NO),
    ("RecurrencePattern", TEXT), ("StartDateTime", "Edm.DateTimeOffset"),
)  # fmt: skip
_MANY = (("entityset", RECORDS), ("Targets", RECORDS))
_ORGANIZATION = (
    ("OrganizationId", GUID),
    *_text_list(
        "FriendlyName", "OrganizationVersion", "EnvironmentId", "Geo", "TenantId", "UrlName", "UniqueName", "State"
    ),
    ("Endpoints", "mscrm.EndpointCollection"),
)  # fmt: skip


def _by_key(values: str) -> Members:
    """A dictionary, as Dataverse writes one."""
    return (
        ("Count", INT32),
        ("IsReadOnly", YES_NO),
        ("Keys", f"Collection({TEXT})"),
        ("Values", f"Collection({values})"),
    )


CALLS = (
    Declared("WhoAmI", returns="mscrm.WhoAmIResponse"),
    Declared("RetrieveVersion", returns="mscrm.RetrieveVersionResponse"),
    Declared("RetrieveCurrentOrganization", (("AccessType", "mscrm.EndpointAccessType"),), "mscrm.RetrieveCurrentOrganizationResponse"),
    Declared("RetrieveTotalRecordCount", (("EntityNames", f"Collection({TEXT})"),), "mscrm.RetrieveTotalRecordCountResponse"),
    Declared("RetrieveMetadataChanges", (("Query", "mscrm.EntityQueryExpression"),), "mscrm.RetrieveMetadataChangesResponse"),
    Declared("In", (_PROPERTY, _VALUES), YES_NO),
    Declared("NotIn", (_PROPERTY, _VALUES), YES_NO),
    Declared("msevtmgt_finalizeregistrationpayment", _FINALIZE, is_function=False),
    Declared("BulkDelete", _BULK_DELETE, "mscrm.BulkDeleteResponse", is_function=False),
    Declared("CreateMultiple", _MANY, "mscrm.CreateMultipleResponse", is_function=False, bound=True),
    Declared("UpdateMultiple", _MANY, is_function=False, bound=True),
    Declared("UpsertMultiple", _MANY, is_function=False, bound=True),
)  # fmt: skip

COMPLEX_TYPES: tuple[tuple[str, Members], ...] = (
    ("WhoAmIResponse", (("BusinessUnitId", GUID), ("UserId", GUID), ("OrganizationId", GUID))),
    ("RetrieveVersionResponse", (("Version", TEXT),)),
    ("RetrieveCurrentOrganizationResponse", (("Detail", "mscrm.OrganizationDetail"),)),
    ("OrganizationDetail", _ORGANIZATION),
    ("EndpointCollection", _by_key(TEXT)),
    ("RetrieveTotalRecordCountResponse", (("EntityRecordCountCollection", "mscrm.EntityRecordCountCollection"),)),
    ("EntityRecordCountCollection", _by_key(INT64)),
    ("RetrieveMetadataChangesResponse", (("EntityMetadata", "Collection(mscrm.ComplexEntityMetadata)"), ("ServerVersionStamp", TEXT))),
    ("BulkDeleteResponse", (("JobId", GUID),)),
    ("CreateMultipleResponse", (("Ids", f"Collection({GUID})"),)),
)  # fmt: skip
OPEN_TYPES = ("ComplexEntityMetadata", "EntityQueryExpression", "QueryExpression")
"""Complex types whose members are not spelled out here: see the metadata answers themselves."""

ENUMS: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    ("AttributeTypeCode", (
        ("Boolean", 0), ("Customer", 1), ("DateTime", 2), ("Decimal", 3), ("Double", 4), ("Integer", 5), ("Lookup", 6),
        ("Memo", 7), ("Money", 8), ("Owner", 9), ("PartyList", 10), ("Picklist", 11), ("State", 12), ("Status", 13),
        ("String", 14), ("Uniqueidentifier", 15), ("CalendarRules", 16), ("Virtual", 17), ("BigInt", 18),
        ("ManagedProperty", 19), ("EntityName", 20),
    )),
    ("AttributeRequiredLevel", (("None", 0), ("SystemRequired", 1), ("ApplicationRequired", 2), ("Recommended", 3))),
    ("RelationshipType", (("OneToManyRelationship", 0), ("ManyToManyRelationship", 1))),
    ("OwnershipTypes", (("None", 0), ("UserOwned", 1), ("TeamOwned", 2), ("BusinessOwned", 4), ("OrganizationOwned", 8))),
    ("OptionSetType", (("Picklist", 0), ("State", 1), ("Status", 2), ("Boolean", 3))),
    ("EndpointAccessType", (("Default", 0), ("Internet", 1), ("Intranet", 2))),
)  # fmt: skip
"""Those that filters and parameters name."""
