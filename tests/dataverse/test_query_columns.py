"""Every column of every table: shown, filtered, sorted and grouped by, through a link as well. Nothing breaks on either database."""

from collections.abc import Iterator
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
from tests.dataverse.calling import WebApi, api
from tests.dataverse.test_query_texts import OPERATORS

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASKER = Asker(UUID(int=1), datetime(2026, 3, 31, 10, tzinfo=UTC))
VALUES = ("1", "2026-01-31", "00000000-0000-7000-8000-000000000001", "100000000")


@pytest.mark.parametrize("table", model.TABLES, ids=lambda table: table.logical)
async def test_every_column_can_be_asked_for(api: WebApi, table: Table) -> None:
    texts = [f'<fetch top="1"><entity name="{table.logical}"><all-attributes/>{_links(table)}</entity></fetch>', *_fetches(table)]
    for text in texts:
        answer = await api.get(f"{table.set_name}?fetchXml={quote(text, safe='')}", prefer='odata.include-annotations="*"')
        assert answer.status_code == 200, f"{text} {answer.text}"


def _links(table: Table) -> str:
    return "".join(
        f'<link-entity name="{lookup.targets[0]}" from="{model.BY_LOGICAL[lookup.targets[0]].id_name}" to="{lookup.logical}" alias="l{at}" link-type="outer"><all-attributes/></link-entity>'
        for at, lookup in enumerate(list(table.lookups.values())[:3])
    )


def _fetches(table: Table) -> Iterator[str]:
    for column in table.shown:
        if column.kind is Kind.LIST:
            continue
        name = column.logical
        conditions = "".join(_conditions(table, column))
        begin, end = f'<entity name="{table.logical}">', "</entity></fetch>"
        yield f'<fetch count="1">{begin}<attribute name="{name}"/><order attribute="{name}" descending="true"/><filter type="or">{conditions}</filter>{end}'
        yield f'<fetch distinct="true" count="1">{begin}<attribute name="{name}"/><order attribute="{name}"/>{end}'
        yield f'<fetch aggregate="true">{begin}<attribute name="{name}" alias="g" groupby="true"/><attribute name="{name}" alias="n" aggregate="countcolumn" distinct="true"/>{end}'
        if column.kind in {Kind.INTEGER, Kind.MONEY, Kind.DECIMAL, Kind.BIGINT}:
            made = "".join(f'<attribute name="{name}" alias="{word}" aggregate="{word}"/>' for word in ("sum", "avg", "min", "max"))
            yield f'<fetch aggregate="true">{begin}{made}{end}'
        if column.kind in {Kind.MOMENT, Kind.LOCAL}:
            parts = ("day", "week", "month", "quarter", "year", "fiscal-period")
            made = "".join(f'<attribute name="{name}" alias="p{at}" groupby="true" dategrouping="{part}"/>' for at, part in enumerate(parts))
            yield f'<fetch aggregate="true">{begin}{made}<attribute name="{name}" alias="last" aggregate="max"/>{end}'


def _conditions(table: Table, column: Column) -> Iterator[str]:
    """Those that this type of column takes."""
    for operator in OPERATORS:
        for value in VALUES:
            values = f"<value>{value}</value><value>{value}</value>" if "between" in operator else f"<value>{value}</value>"
            text = f'<condition attribute="{column.logical}" operator="{operator}">{values}</condition>'
            try:
                fetch_query(table, f'<fetch><entity name="{table.logical}"><filter>{text}</filter></entity></fetch>', ASKER)
            except GatepassError:
                continue
            yield text
            break
