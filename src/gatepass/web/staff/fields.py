"""Forms of declared tables: each field comes from its column (label, kind, choices, length), never from a second list.

`fields` shows a row, `values` reads what was typed. Form names are our names of the columns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import InvalidOperation
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gatepass import model
from gatepass.domain.errors import GatepassError, Refused
from gatepass.domain.money import amount_of, decimals_of
from gatepass.model.columns import Column, Kind
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.store.values import WITHOUT_CURRENCY, amount, word

Options = Sequence[tuple[str, str]]
"""(what is posted, what people read)."""
INPUTS: Mapping[Kind, str] = {
    Kind.TEXT: "text", Kind.MEMO: "memo", Kind.LIST: "memo", Kind.INTEGER: "number", Kind.MONEY: "money",
    Kind.BOOLEAN: "flag", Kind.CHOICE: "choice", Kind.LOOKUP: "choice", Kind.LOCAL: "moment", Kind.MOMENT: "moment",
}  # fmt: skip
_MINUTE = "%Y-%m-%dT%H:%M"
MAX_NUMBER_CHARS = 12
_WORDS = frozenset({Kind.TEXT, Kind.MEMO, Kind.LIST})


@dataclass(frozen=True, slots=True)
class Form:
    """What a page asks of a table. `names`: our names of the columns, in the order of the page."""

    table: Table
    names: Sequence[str]
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where a page has better words than the declaration."""
    hints: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Mapping[str, Options] = field(default_factory=dict[str, Options])
    """Of lookups: the records that can be chosen."""
    suggestions: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Of texts: values that a browser offers."""
    currency: str | None = None
    zone: str = "UTC"
    """Of moments, as typed."""

    @property
    def columns(self) -> Sequence[Column]:
        """The columns of the page."""
        found = {column.name: column for column in self.table.columns if column.stored}
        return [found[name] for name in self.names]


@dataclass(frozen=True, slots=True)
class Field:
    """One field as a template shows it."""

    name: str
    label: str
    input: str
    value: str
    required: bool
    maxlength: int
    hint: str
    options: Options = ()
    suggestions: Sequence[str] = ()
    minimum: int | None = None
    maximum: int | None = None


def fields(form: Form, row: Mapping[str, Any], typed: Mapping[str, str] | None = None) -> list[Field]:
    """The fields of a form, filled from a row, or with what was typed and refused."""
    return [_field(form, column, _shown(form, column, row, typed)) for column in form.columns]


def blank(form: Form) -> dict[str, Any]:
    """The row of a new record: the defaults of its columns."""
    return {column.name: _default(column) for column in form.columns}


def values(form: Form, given: Mapping[str, str]) -> dict[str, Value]:
    """What was typed, for `services.records`: by logical name. Raises Refused with the field that is wrong."""
    return {
        column.logical: _read(form, column, given.get(column.name, "")) for column in form.columns if column.logical
    }


def for_people(error: GatepassError, table: Table) -> GatepassError:
    """The same refusal in the words of a form: our names as fields, labels in its sentence."""
    column = table.by_logical.get(error.field or "")
    error.field = column.name if column else error.field
    error.message = _STALE if error.code == "VersionStale" else _plain(error.message, table)
    return error


_STALE = "Somebody else has changed this since you opened it. Look at it as it is now, and do it again."


def _plain(message: str, table: Table) -> str:
    """With labels in the place of logical names, the longest first: one name may begin another."""
    labels = {name: one.label for one in table.shown for name in (one.logical, one.navigation) if name}
    labels |= {one.logical: one.label.lower() for one in model.TABLES}
    for name in sorted(labels, key=len, reverse=True):
        message = message.replace(f"'{name}'", f"“{labels[name]}”").replace(name, f"“{labels[name]}”")
    return message


# Showing


def _shown(form: Form, column: Column, row: Mapping[str, Any], typed: Mapping[str, str] | None) -> str:
    return _text_of(form, column, row.get(column.name)) if typed is None else typed.get(column.name, "")


def _text_of(form: Form, column: Column, value: Any) -> str:
    """A stored value as a form writes it."""
    if value is None:
        return ""
    show = _SHOW.get(column.kind)
    return show(form, column, value) if show else str(value)


def _option_shown(_form: Form, column: Column, value: Any) -> str:
    return next((str(one.value) for one in column.choice if value in (one.value, one.stored)), "")


_SHOW: Mapping[Kind, Callable[[Form, Column, Any], str]] = {
    Kind.MONEY: lambda form, _, value: str(amount(value, form.currency)),
    Kind.BOOLEAN: lambda _form, _, value: "on" if value else "",
    Kind.LOCAL: lambda _form, _, value: value.strftime(_MINUTE),
    Kind.MOMENT: lambda form, _, value: value.astimezone(ZoneInfo(form.zone)).strftime(_MINUTE),
    Kind.LIST: lambda _form, _, value: "\n".join(value),
    Kind.CHOICE: _option_shown,
}


def _field(form: Form, column: Column, value: str) -> Field:
    return Field(
        name=column.name,
        label=form.labels.get(column.name, column.label),
        input="choice" if column.name in form.options else INPUTS[column.kind],
        value=value,
        required=_needed(column),
        maxlength=column.length or MAX_NUMBER_CHARS,
        hint=form.hints.get(column.name, ""),
        options=_options(form, column, value),
        suggestions=form.suggestions.get(column.name, ()),
        minimum=column.minimum,
        maximum=column.maximum,
    )


def _needed(column: Column) -> bool:
    """Whether a form insists; an empty text that has a default is that default."""
    return column.required and column.kind is not Kind.BOOLEAN and column.default != ""


def _options(form: Form, column: Column, value: str) -> Options:
    if column.kind is Kind.LOOKUP or column.name in form.options:
        found = list(form.options.get(column.name, ()))
    elif column.kind is Kind.CHOICE:
        found = [(str(one.value), one.label) for one in column.choice]
    else:
        return ()
    return found if _needed(column) and value else [("", "–"), *found]


def _default(column: Column) -> Any:
    return (
        word(column, column.default)
        if column.kind is Kind.CHOICE and isinstance(column.default, int)
        else column.default
    )


# Reading


def _read(form: Form, column: Column, text: str) -> Value:
    if column.kind is Kind.BOOLEAN:
        return text == "on"
    text = text.replace("\r\n", "\n").strip()
    if not text:
        return _nothing(form, column)
    if column.kind in _WORDS and column.length and len(text) > column.length:
        raise _wrong(form, column, "TextTooLong", f"has {len(text)} characters. Write at most {column.length}.")
    try:
        return _parsed(form, column, text)
    except _SkippedTime:
        raise _wrong(
            form, column, "ValueInvalid", "does not exist: clocks go forward that night. Take the hour after it."
        ) from None
    except (ValueError, InvalidOperation, OverflowError):
        raise _wrong(form, column, "ValueInvalid", _SHOULD_BE[column.kind]) from None


def _nothing(form: Form, column: Column) -> Value:
    if _needed(column):
        raise _wrong(form, column, "ValueMissing", "is missing. Fill it in.")
    return "" if column.required and column.kind in {Kind.TEXT, Kind.MEMO} else None


def _parsed(form: Form, column: Column, text: str) -> Value:
    parse = _PARSE.get(column.kind)
    return parse(form, text) if parse else text


class _SkippedTime(ValueError):
    """No clock of the zone ever shows it."""


def _moment(form: Form, text: str) -> datetime:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(form.zone))
    moment = local.astimezone(UTC)
    if moment.astimezone(local.tzinfo) != local:
        raise _SkippedTime
    return moment


_PARSE: Mapping[Kind, Callable[[Form, str], Value]] = {
    Kind.INTEGER: lambda _, text: int(text),
    Kind.CHOICE: lambda _, text: int(text),
    Kind.MONEY: lambda form, text: amount_of(text, decimals_of(form.currency) if form.currency else WITHOUT_CURRENCY),
    Kind.LOOKUP: lambda _, text: UUID(text),
    Kind.LOCAL: lambda _, text: datetime.fromisoformat(text).replace(tzinfo=None),
    Kind.MOMENT: _moment,
}
_SHOULD_BE: Mapping[Kind, str] = {
    Kind.INTEGER: "is no whole number, such as 400.", Kind.MONEY: "is no amount, such as 120.50 or 1500.",
    Kind.LOCAL: "is no date and time, such as 2027-06-10 09:00.", Kind.MOMENT: "is no date and time, such as 2027-06-10 09:00.",
    Kind.LOOKUP: "is none of the choices.", Kind.CHOICE: "is none of the choices.",
}  # fmt: skip


def _wrong(form: Form, column: Column, code: str, says: str) -> Refused:
    return Refused(code, f"“{form.labels.get(column.name, column.label)}” {says}", field=column.name)


def version_of(given: Mapping[str, str]) -> int | None:
    """The version that the page showed; None: the form does not say."""
    text = given.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < MAX_NUMBER_CHARS else None


def in_zone(form: Form, zone: str) -> Form:
    """The same form with moments in another zone."""
    return replace(form, zone=zone)
