"""Where two records are tied by a navigation property, or untied."""

from uuid import UUID

from gatepass.domain.errors import NotFound
from gatepass.model.columns import Column
from gatepass.model.navigation import navigations
from gatepass.model.query import Linked, Navigation, ToMany, ToOne
from gatepass.model.table import Table
from gatepass.services.access import Caller
from gatepass.services.records import audit, refusals, rules
from gatepass.services.records.privileges import Right, require
from gatepass.services.records.writing import update
from gatepass.store import WriteTx, rows


def associate(
    tx: WriteTx, caller: Caller, table: Table, record_id: UUID, navigation: str, other_id: UUID
) -> None:  # fmt: skip
    """Tie a record to another one; again changes nothing. Raises NotFound (either record, or the navigation), Refused."""
    way = _way(table, navigation)
    if isinstance(way, Linked):
        _link(tx, caller, table, way, record_id, other_id, tie=True)
    elif isinstance(way, ToOne):
        update(tx, caller, table, record_id, {_logical(way.lookup): other_id})
    else:
        _check_there(tx, table, record_id)
        update(tx, caller, way.source, other_id, {_logical(way.lookup): record_id})


def disassociate(
    tx: WriteTx, caller: Caller, table: Table, record_id: UUID, navigation: str, other_id: UUID | None = None
) -> None:
    """Untie them; `other_id` may be left out where the navigation leads to one record."""
    way = _way(table, navigation)
    if isinstance(way, ToOne):
        _untie_one(tx, caller, table, way, record_id, other_id)
        return
    if other_id is None:
        raise refusals.broken(f"'{navigation}' leads to many records: say which one is to be untied.")
    if isinstance(way, Linked):
        _link(tx, caller, table, way, record_id, other_id, tie=False)
    else:
        _untie_many(tx, caller, table, way, record_id, other_id)


def _untie_one(tx: WriteTx, caller: Caller, table: Table, way: ToOne, record_id: UUID, other_id: UUID | None) -> None:
    before = rows.find(tx, table, record_id)
    if before and other_id and way.lookup.target_column == "id" and before[way.lookup.name] != other_id:
        raise refusals.missing(way.target, other_id)
    update(tx, caller, table, record_id, {_logical(way.lookup): None})


def _untie_many(tx: WriteTx, caller: Caller, table: Table, way: ToMany, record_id: UUID, other_id: UUID) -> None:
    _check_there(tx, table, record_id)
    other = rows.find(tx, way.source, other_id)
    if other is None or other[way.lookup.name] != record_id:
        raise refusals.missing(way.source, other_id)
    update(tx, caller, way.source, other_id, {_logical(way.lookup): None})


def _link(
    tx: WriteTx, caller: Caller, table: Table, way: Linked, record_id: UUID, other_id: UUID, *, tie: bool
) -> None:
    for one, at in ((table, record_id), (way.target, other_id)):
        require(caller, Right.WRITE, one)
        rules.check_access(one)
        _check_there(tx, one, at)
    first, second = (record_id, other_id) if way.first else (other_id, record_id)
    if tie:
        rules.check_link(tx, way.relationship, first, second)
        rows.link(tx, way.relationship, first, second)
    else:
        rows.unlink(tx, way.relationship, first, second)
    word = "associate" if tie else "disassociate"
    audit.write_down_link(tx, caller, table, record_id, word, f"{way.target.name}:{other_id}")


def _way(table: Table, navigation: str) -> Navigation:
    try:
        return navigations(table)[navigation]
    except KeyError:
        raise NotFound("SegmentUnknown", f"Resource not found for the segment '{navigation}'.") from None


def _check_there(tx: WriteTx, table: Table, record_id: UUID) -> None:
    if rows.stay(tx, table, record_id) is None:
        raise refusals.missing(table, record_id)


def _logical(lookup: Column) -> str:
    assert lookup.logical is not None
    return lookup.logical
