"""What a Dataverse table is. One declaration: SQL, $metadata, EntityDefinitions, queries and writes derive from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from gatepass.model.columns import Column, Kind


class Access(Enum):
    """What callers from outside may do with the rows, if they have the privilege."""

    OPEN = "open"
    """Create, change, delete, under the rules of the table."""
    KEPT = "kept"
    """Rows come from our own flows; those columns may be changed that are settable always."""
    READ = "read"
    """Nothing: state and money move only through the actions."""


class Ownership(Enum):
    """OwnershipTypes of the metadata."""

    USER = "UserOwned"
    ORGANIZATION = "OrganizationOwned"
    NONE = "None"


@dataclass(frozen=True, slots=True)
class Key:
    """An alternate key: logical names of its columns."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """One table. `name` is ours and that of the SQL table; `face_of` names the SQL table that it shows a side of."""

    name: str
    logical: str
    set_name: str
    schema: str
    label: str
    labels: str
    primary_name: str
    """Logical name of the column that people know a row by."""
    columns: tuple[Column, ...]
    access: Access = Access.OPEN
    ownership: Ownership = Ownership.USER
    keys: tuple[Key, ...] = ()
    face_of: str = ""
    only_with: str = ""
    """For a face: it has only the rows in which this stored column has a value."""
    code: int = 10000
    """ObjectTypeCode."""
    description: str = ""

    def __repr__(self) -> str:
        return f"<{self.logical}>"

    @property
    def sql(self) -> str:
        """The SQL table that holds the rows."""
        return self.face_of or self.name

    @property
    def id_name(self) -> str:
        """Logical name of the primary key, such as msevtmgt_passid."""
        return self.primary_key.logical or ""

    @cached_property
    def primary_key(self) -> Column:
        return next(one for one in self.columns if one.kind is Kind.ID and one.name == "id")

    @cached_property
    def shown(self) -> Sequence[Column]:
        """The columns that exist on the wire."""
        return [one for one in self.columns if one.logical is not None]

    @cached_property
    def by_logical(self) -> dict[str, Column]:
        """Columns by logical name (`msevtmgt_eventid`)."""
        return {one.logical: one for one in self.shown if one.logical}

    @cached_property
    def by_wire(self) -> dict[str, Column]:
        """Columns by the property of the wire (`_msevtmgt_eventid_value`)."""
        return {one.wire: one for one in self.shown}

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by our name (`event_id`), those that exist on the wire."""
        return {one.name: one for one in self.shown}

    def named(self, **values: object) -> dict[str, object]:
        """Values by our names of the columns, as values by logical name."""
        return {self.by_name[name].logical or "": value for name, value in values.items()}

    @cached_property
    def lookups(self) -> dict[str, Column]:
        """Lookups by navigation property, in its real case. One that may point to several tables has none here."""
        return {one.navigation: one for one in self.shown if one.kind is Kind.LOOKUP and one.navigation}

    @cached_property
    def currency(self) -> Column | None:
        """The stored column with the ISO code that the row's money is in."""
        return next((one for one in self.shown if one.target_column == "iso_code"), None)


@dataclass(frozen=True, slots=True)
class ManyToMany:
    """An N:N relationship with its own SQL table; `intersect` is its logical name and `set_name` its entity set."""

    schema: str
    intersect: str
    first: str
    second: str

    @property
    def set_name(self) -> str:
        return f"{self.intersect}set"

    @property
    def first_column(self) -> str:
        """The SQL column that points to the first table; on the wire the same."""
        return f"{self.first}id"

    @property
    def second_column(self) -> str:
        return f"{self.second}id"
