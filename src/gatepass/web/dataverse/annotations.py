"""Which annotations a caller asked for, by `Prefer: odata.include-annotations`; without it there are none."""

from dataclasses import dataclass

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"
TOTAL_EXCEEDED = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"
PREFERENCE = "odata.include-annotations"


@dataclass(frozen=True, slots=True)
class Annotations:
    """`patterns`: exact names, `*`, or a beginning and a `*`."""

    patterns: tuple[str, ...] = ()

    @classmethod
    def asked(cls, preference: str) -> "Annotations":
        """From the preference's value, such as `*` or `OData.Community.Display.V1.FormattedValue,Microsoft.*`."""
        return cls(tuple(part.strip() for part in preference.split(",") if part.strip()))

    def __contains__(self, name: str) -> bool:
        return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in self.patterns)

    def __bool__(self) -> bool:
        return bool(self.patterns)


NONE = Annotations()
