# ruff: noqa: E501
"""Every sort of column: shown, filtered, sorted and grouped by, through a link as well. Nothing breaks on either database."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import pytest

from gatepass import model
from gatepass.domain.errors import GatepassError
from gatepass.model.columns import Column, Kind
from gatepass.model.table import Table
from gatepass.web.dataverse.fetchxml.fetch import fetch_query
from gatepass.web.dataverse.fetchxml.scope import Asker
from gatepass.web.dataverse.joining import MAX_ORDERS
from tests.dataverse.calling import WebApi, api
from tests.dataverse.test_query_texts import OPERATORS

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASKER = Asker(UUID(int=1), datetime(2026, 3, 31, 10, tzinfo=UTC))
VALUES = ("1", "2026-01-31", "00000000-0000-7000-8000-000000000001", "100000000")


def _telling() -> list[Table]:
    """Tables that together have every sort of column."""
    found: list[Table] = []
    seen: set[object] = set()
    for table in model.TABLES:
        sorts = {(one.kind, type(one.source), any(option.stored for option in one.choice)) for one in table.shown}
        if not sorts <= seen or table.face_of:
            found.append(table)
        seen |= sorts
    return found


@pytest.mark.parametrize("table", _telling(), ids=lambda table: table.logical)
async def test_every_column_can_be_asked_for(api: WebApi, table: Table) -> None:
    texts = [
        f'<fetch top="1"><entity name="{table.logical}"><all-attributes/>{_links(table)}</entity></fetch>',
        *_fetches(table),
    ]
    for text in texts:
        answer = await api.get(
            f"{table.set_name}?fetchXml={quote(text, safe='')}", prefer='odata.include-annotations="*"'
        )
        assert answer.status_code == 200, f"{text} {answer.text}"


def _links(table: Table) -> str:
    return "".join(
        f'<link-entity name="{lookup.targets[0]}" from="{model.BY_LOGICAL[lookup.targets[0]].id_name}" to="{lookup.logical}" alias="l{at}" link-type="outer"><all-attributes/></link-entity>'
        for at, lookup in enumerate(list(table.lookups.values())[:3])
    )


def _fetches(table: Table) -> Iterator[str]:
    """All columns in a few fetches: shown and sorted, distinct, grouped by, aggregated."""
    columns = [column for column in table.shown if column.kind is not Kind.LIST]
    begin, end = f'<entity name="{table.logical}">', "</entity></fetch>"
    shown = "".join(f'<attribute name="{one.logical}"/>' for one in columns)
    for at in range(0, len(columns), 4):
        orders = _orders(columns[at : at + 4])
        conditions = "".join(text for one in columns[at : at + 4] for text in _conditions(table, one))
        yield f'<fetch count="1">{begin}{shown}{orders}<filter type="or">{conditions}</filter>{end}'
    yield f'<fetch distinct="true" count="1">{begin}{shown}{_orders(columns[:MAX_ORDERS])}{end}'
    groups = "".join(
        f'<attribute name="{one.logical}" alias="g{at}" groupby="true"/>' for at, one in enumerate(columns)
    )
    yield f'<fetch aggregate="true">{begin}{groups}<attribute name="{table.id_name}" alias="n" aggregate="count"/>{end}'
    yield f'<fetch aggregate="true">{begin}{"".join(_aggregates(columns))}{end}'


def _orders(columns: Sequence[Column]) -> str:
    return "".join(f'<order attribute="{one.logical}" descending="{one.kind is Kind.TEXT}"/>' for one in columns)


def _aggregates(columns: Sequence[Column]) -> Iterator[str]:
    """Those that each type of column takes; dates in parts."""
    for at, column in enumerate(columns):
        words = ["countcolumn"]
        if column.kind in {Kind.INTEGER, Kind.MONEY, Kind.DECIMAL, Kind.BIGINT}:
            words += ["sum", "avg", "min", "max"]
        if column.kind in {Kind.MOMENT, Kind.LOCAL}:
            words += ["min", "max"]
            for part in ("day", "week", "month", "quarter", "year", "fiscal-period"):
                yield f'<attribute name="{column.logical}" alias="{part.replace("-", "_")}{at}" groupby="true" dategrouping="{part}"/>'
        for word in words:
            yield f'<attribute name="{column.logical}" alias="{word}{at}" aggregate="{word}" distinct="true"/>'


def _conditions(table: Table, column: Column) -> Iterator[str]:
    """Those that this type of column takes."""
    for operator in OPERATORS:
        for value in VALUES:
            values = (
                f"<value>{value}</value><value>{value}</value>" if "between" in operator else f"<value>{value}</value>"
            )
            text = f'<condition attribute="{column.logical}" operator="{operator}">{values}</condition>'
            try:
                fetch_query(
                    table, f'<fetch><entity name="{table.logical}"><filter>{text}</filter></entity></fetch>', ASKER
                )
            except GatepassError:
                continue
            yield text
            break
