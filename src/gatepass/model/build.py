"""The words that tables are declared with. Defaults follow Dataverse: a column's SQL name is its logical name without the prefix."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gatepass.model.columns import Choice, Column, Constant, Difference, Kind, Mapped, Option, Same, Set, Source

SYSTEM_USER = UUID("00000000-0000-7000-8000-000000000001")
"""Owner of what our own flows make."""
BUSINESS_UNIT = UUID("00000000-0000-7000-8000-000000000002")
"""The root business unit; there is no other."""

ACTIVE_INACTIVE = Choice("statecode", (Option(0, "Active"), Option(1, "Inactive")))
ACTIVE_REASONS = Choice("statuscode", (Option(1, "Active", state=0), Option(2, "Inactive", state=1)))
YES_NO = Choice("", (Option(0, "No"), Option(1, "Yes")))
NOW = "now"
"""The default of a moment: when the row is written."""
PREFIXES = ("msevtmgt_", "gatepass_")


def key(logical: str, *, settable: Set = Set.CREATE) -> Column:
    """The primary key. A caller may choose it for a new row, unless said otherwise."""
    return Column("id", logical, Kind.ID, "Identifier", required=True, settable=settable)


def column(kind: Kind, logical: str | None, label: str = "", *, sql: str = "", **more: Any) -> Column:
    """Any column; `sql` where our name differs."""
    return Column(sql or _bare(logical), logical, kind, label or _bare(logical).capitalize(), **more)


def text(logical: str | None, length: int, label: str = "", **more: Any) -> Column:
    """Text of at most `length` characters; long ones are memos on the wire."""
    return column(Kind.TEXT, logical, label, length=length, **more)


def memo(logical: str | None, length: int, label: str = "", **more: Any) -> Column:
    """Text of several lines."""
    return column(Kind.MEMO, logical, label, length=length, **more)


def integer(logical: str | None, label: str = "", **more: Any) -> Column:
    """A whole number of 32 bits."""
    return column(Kind.INTEGER, logical, label, **more)


def flag(
    logical: str | None, label: str = "", *, default: bool | None = False, filled: bool = True, **more: Any
) -> Column:
    """Yes or no."""
    return column(
        Kind.BOOLEAN, logical, label, default=default, choice=YES_NO, required=True, filled=filled, **more
    )  # fmt: skip


def money(logical: str | None, label: str = "", **more: Any) -> Column:
    """An amount in the row's currency."""
    return column(Kind.MONEY, logical, label, **more)


def moment(logical: str | None, label: str = "", **more: Any) -> Column:
    """A moment, UTC."""
    return column(Kind.MOMENT, logical, label, **more)


def local(logical: str | None, label: str = "", **more: Any) -> Column:
    """A local time with no zone."""
    return column(Kind.LOCAL, logical, label, **more)


def choice(logical: str, options: Choice, label: str = "", **more: Any) -> Column:
    """One of the values of an option set."""
    return column(Kind.CHOICE, logical, label, choice=options, **more)


def lookup(
    logical: str, target: str, label: str = "", *, navigation: str = "", sql: str = "", index: bool = True, **more: Any
) -> Column:
    """A reference to a row of another table; the navigation property is `navigation`, or the logical name."""
    bare = _bare(logical).removesuffix("id")
    return Column(
        sql or f"{bare}_id", logical, Kind.LOOKUP, label or bare.capitalize(), targets=(target,),
        navigation=navigation or logical, index=index, **more,
    )  # fmt: skip


def currency(*, required: bool = True, relationship: str = "", source: Source | None = None, **more: Any) -> Column:
    """The ISO code of the row's money, on the wire a lookup to transactioncurrency."""
    return Column(
        "currency", "transactioncurrencyid", Kind.LOOKUP, "Currency", length=3, required=required, source=source,
        targets=("transactioncurrency",), target_column="iso_code", navigation="transactioncurrencyid",
        relationship=relationship, **more,
    )  # fmt: skip


def constant(kind: Kind, logical: str, value: object, label: str = "", **more: Any) -> Column:
    """The same in every row; read-only."""
    return column(kind, logical, label, source=Constant(value), settable=Set.NEVER, **more)


def same(kind: Kind, logical: str, as_column: str, label: str = "", **more: Any) -> Column:
    """Another column of the row under a second name; read-only."""
    return column(kind, logical, label, source=Same(as_column), settable=Set.NEVER, **more)


def difference(logical: str, of: str, minus: tuple[str, ...], label: str = "") -> Column:
    """A number that is left; read-only."""
    return column(Kind.INTEGER, logical, label, source=Difference(of, minus), settable=Set.NEVER)


def mapped(
    kind: Kind, logical: str, of: str, values: Mapping[str, object], label: str = "", *, otherwise: object = None,
    options: Choice = YES_NO,
) -> Column:  # fmt: skip
    """What the words of a stored column mean to Dataverse; read-only."""
    return column(kind, logical, label, source=Mapped(of, values, otherwise), settable=Set.NEVER, choice=options)


def ours(name: str, kind: Kind, **more: Any) -> Column:
    """A column that the wire never shows."""
    return Column(name, None, kind, **more)


def standard(
    *, states: Choice = ACTIVE_INACTIVE, reasons: Choice = ACTIVE_REASONS, owned: bool = True
) -> tuple[Column, ...]:
    """The columns that Dataverse gives every table."""
    return (
        column(Kind.MOMENT, "createdon", "Created On", sql="created", required=True, default=NOW, settable=Set.NEVER),
        column(Kind.MOMENT, "modifiedon", "Modified On", sql="changed", default=NOW, settable=Set.NEVER),
        version(),
        column(Kind.STATE, "statecode", "Status", sql="state", required=True, default=0, filled=True, choice=states),
        column(
            Kind.STATUS,
            "statuscode",
            "Status Reason",
            sql="reason",
            required=True,
            default=1,
            filled=True,
            choice=reasons,
        ),
        _user("createdby", "created_by", "Created By", Set.NEVER),
        _user("modifiedby", "changed_by", "Modified By", Set.NEVER),
        *((_user("ownerid", "owner", "Owner", Set.ALWAYS), *_business_unit()) if owned else ()),
    )


def kept(changed: str = "changed", *, state: Column | None = None, reason: Column | None = None) -> tuple[Column, ...]:
    """The same for a table whose rows our own flows make: `created` and `changed` are columns of it already."""
    return (
        column(Kind.MOMENT, "createdon", "Created On", sql="created", required=True, settable=Set.NEVER),
        *_modified(changed),
        version(),
        state or constant(Kind.STATE, "statecode", 0, "Status", choice=ACTIVE_INACTIVE),
        reason or constant(Kind.STATUS, "statuscode", 1, "Status Reason", choice=ACTIVE_REASONS),
        *(_constant_user(name, label) for name, label in _USERS),
        *_business_unit(),
    )


def _modified(changed: str) -> tuple[Column, ...]:
    if changed == "changed":
        return (column(Kind.MOMENT, "modifiedon", "Modified On", sql=changed, required=True, settable=Set.NEVER),)
    return (same(Kind.MOMENT, "modifiedon", changed, "Modified On"),)


_USERS = (("createdby", "Created By"), ("modifiedby", "Modified By"), ("ownerid", "Owner"))


def version() -> Column:
    """Counts the changes of a row: its etag. Counting seats is no change."""
    return Column(
        "version",
        "versionnumber",
        Kind.BIGINT,
        "Version Number",
        required=True,
        default=1,
        filled=True,
        settable=Set.NEVER,
    )


def _user(logical: str, sql: str, label: str, settable: Set) -> Column:
    return lookup(
        logical, "systemuser", label, sql=sql, settable=settable, index=False, loose=True, required=True, filled=True,
        default=SYSTEM_USER,
    )  # fmt: skip


def _constant_user(logical: str, label: str) -> Column:
    return constant(Kind.LOOKUP, logical, SYSTEM_USER, label, targets=("systemuser",), navigation=logical)


def _business_unit() -> tuple[Column, ...]:
    return (
        constant(
            Kind.LOOKUP, "owningbusinessunit", BUSINESS_UNIT, "Owning Business Unit", targets=("businessunit",),
            navigation="owningbusinessunit",
        ),
    )  # fmt: skip


def _bare(logical: str | None) -> str:
    for prefix in PREFIXES:
        if logical and logical.startswith(prefix):
            return logical.removeprefix(prefix)
    return logical or ""
