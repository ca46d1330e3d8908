"""Status and status reason of a record fit each other: a status alone brings its default reason with it."""

from gatepass.model.columns import Column, Kind
from gatepass.services.records import refusals, values
from gatepass.services.records.change import Change
from gatepass.store.values import word


def settle(change: Change) -> None:
    """Raises Refused when a reason does not belong to the status."""
    state, reason = (_stored(change, kind) for kind in (Kind.STATE, Kind.STATUS))
    if state is None or reason is None or not {state.name, reason.name} & change.given:
        return
    option = values.option_of(state, change.after[state.name])
    if option is None:
        return
    if reason.name not in change.given:
        change.after[reason.name] = _default(reason, option.value)
        return
    chosen = values.option_of(reason, change.after[reason.name])
    if chosen is None or chosen.state in {None, option.value}:
        return
    if state.name in change.given:
        raise refusals.broken(
            f"{chosen.value} is not a valid status code for state code {option.label} on "
            f"'{change.table.logical}'. Leave one of the two out, or send a pair that fits."
        )
    change.after[state.name] = chosen.state


def _stored(change: Change, kind: Kind) -> Column | None:
    return next((one for one in change.table.columns if one.kind is kind and one.stored), None)


def _default(reason: Column, state: int) -> object:
    """The first reason of a state."""
    found = next(one for one in reason.choice.options if one.state == state)
    return word(reason, found.value)
