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


_FINALIZE = (("msevtmgt_purchaseid", TEXT), ("msevtmgt_paymentstatus", INT32))
_PURCHASE = (("PurchaseId", TEXT),)
_DETAILS = (
    ("EventName", TEXT), ("PurchaseAmount", "Edm.Decimal"), *_text_list("CurrencyName", "ISOCurrencyCode", "CurrencySymbol"),
)  # fmt: skip
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


# What filters may say: Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=7)
_OF_VALUES = ("In", "NotIn", "Between", "NotBetween")
_OF_MOMENT = ("On", "NotOn", "OnOrAfter", "OnOrBefore")
_OF_NUMBER = (
    *(f"{word}X{unit}" for word in ("Last", "Next") for unit in ("Hours", "Days", "Weeks", "Months", "Years")),
    *(f"OlderThanX{unit}" for unit in ("Minutes", "Hours", "Days", "Weeks", "Months", "Years")),
)
_OF_NOTHING = (
    "Today", "Yesterday", "Tomorrow", "Last7Days", "Next7Days",
    *(f"{word}{unit}" for word in ("This", "Last", "Next") for unit in ("Week", "Month", "Year")),
    "EqualUserId", "NotEqualUserId", "EqualBusinessId", "NotEqualBusinessId",
)  # fmt: skip


def _tests(names: tuple[str, ...], *values: tuple[str, str]) -> tuple[Declared, ...]:
    return tuple(Declared(name, (("PropertyName", TEXT), *values), YES_NO) for name in names)


QUERY_FUNCTIONS = (
    *_tests(_OF_VALUES, ("PropertyValues", f"Collection({TEXT})")),
    *_tests(_OF_MOMENT, ("PropertyValue", TEXT)),
    *_tests(_OF_NUMBER, ("PropertyValue", INT64)),
    *_tests(_OF_NOTHING),
)
"""They stand in a $filter, not in an address."""

CALLS = (
    Declared("WhoAmI", returns="mscrm.WhoAmIResponse"),
    Declared("RetrieveVersion", returns="mscrm.RetrieveVersionResponse"),
    Declared("RetrieveCurrentOrganization", (("AccessType", "mscrm.EndpointAccessType"),), "mscrm.RetrieveCurrentOrganizationResponse"),
    Declared("RetrieveTotalRecordCount", (("EntityNames", f"Collection({TEXT})"),), "mscrm.RetrieveTotalRecordCountResponse"),
    Declared("RetrieveMetadataChanges", (("Query", "mscrm.EntityQueryExpression"),), "mscrm.RetrieveMetadataChangesResponse"),
    Declared("msevtmgt_finalizeregistrationpayment", _FINALIZE, is_function=False),
    Declared("msevtmgt_GetPurchaseDetailsAction", _PURCHASE, "mscrm.msevtmgt_GetPurchaseDetailsActionResponse", is_function=False),
    Declared("msevtmgt_ListDetailedPurchaseInfo", _PURCHASE, "mscrm.msevtmgt_ListDetailedPurchaseInfoResponse", is_function=False),
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
    ("msevtmgt_GetPurchaseDetailsActionResponse", _DETAILS),
    ("msevtmgt_ListDetailedPurchaseInfoResponse", (*_DETAILS, ("Attendees", "Collection(mscrm.msevtmgt_PurchaseAttendee)"))),
    ("msevtmgt_PurchaseAttendee", _text_list("FirstName", "LastName", "Email", "PassName")),
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
