"""The tables that a statement speaks of, by alias, and the columns they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa

from gatepass.model.columns import Column, Constant, Difference, Mapped, Same
from gatepass.model.query import ROOT, Operand
from gatepass.model.table import Table
from gatepass.store.tables import DECLARED
from gatepass.store.words import Unmoved

Sql = sa.ColumnElement[Any]
ALIASES_KEPT = 512


@dataclass(frozen=True, slots=True)
class Source:
    """One table of a statement: its declaration, and the SQL table under the alias that it has there."""

    table: Table
    sql: sa.FromClause

    def stored(self, name: str) -> Sql:
        """A column by its SQL name."""
        return self.sql.c[name]

    @property
    def id(self) -> Sql:
        return self.sql.c["id"]

    @property
    def currency(self) -> Sql:
        """The ISO code of the row's money, or null."""
        column = self.table.currency
        return self.held(column) if column else sa.null()

    def held(self, column: Column) -> Sql:
        """A column as SQL holds it: words for choices, ISO codes for currencies, minor units for money."""
        match column.source:
            case None:
                return self.stored(column.name)
            case Same(name) | Mapped(name):
                return self.stored(name)
            case Difference(name, minus):
                left = self.stored(name)
                for other in minus:
                    left = left - self.stored(other)
                return left
            case Constant(value):
                return sa.literal(value)

    @property
    def rows(self) -> Sql | None:
        """A face shows only some rows of its SQL table."""
        return self.stored(self.table.only_with).is_not(None) if self.table.only_with else None


class Scope:
    """Aliases of a query, and the SQL aliases they stand for: t0, t1, ... so that equal shapes are equal statements."""

    def __init__(self, table: Table) -> None:
        self._sources: dict[str, Source] = {}
        self._made = 0
        self.root = self.add(ROOT, table)

    def add(self, alias: str, table: Table) -> Source:
        """Another table by the query's own name for it. An inner one hides an outer one of the same name."""
        source = Source(table, _aliased(table.sql, self._made))
        self._made += 1
        self._sources[alias] = source
        return source

    def drop(self, alias: str, hidden: Source | None) -> None:
        """The end of an inner alias."""
        if hidden is None:
            del self._sources[alias]
        else:
            self._sources[alias] = hidden

    def find(self, alias: str) -> Source | None:
        return self._sources.get(alias)

    def known(self, operand: Operand) -> Any:
        """An operand that is something else here than in the table; None for most."""
        return None

    def __getitem__(self, alias: str) -> Source:
        return self._sources[alias]


@lru_cache(maxsize=ALIASES_KEPT)
def _aliased(name: str, number: int) -> sa.FromClause:
    return DECLARED[name].alias(f"t{number}")


def selected(columns: Sequence[Any]) -> sa.Select[Any]:
    """SELECT of these columns; of nothing but the rows themselves when there are none."""
    return cast("sa.Select[Any]", sa.select(*(columns or [sa.literal_column("1")])))


def is_currency(column: Column) -> bool:
    """True for a lookup that is stored as an ISO code."""
    return column.target_column == "iso_code"


@lru_cache(maxsize=ALIASES_KEPT)
def currencies() -> sa.FromClause:
    """The currencies under an alias that no query has."""
    return DECLARED["transactioncurrency"].alias("c")


def linked(left: Source, left_column: Column, right: Source, right_column: Column) -> Sql:
    """Both columns are the same: an ISO code meets the row of that currency."""
    one, other = _meeting(left, left_column, right_column), _meeting(right, right_column, left_column)
    return (Unmoved(one) if isinstance(one.type, sa.String) else one) == other


def _meeting(source: Source, column: Column, other: Column) -> Sql:
    if is_currency(other) and not is_currency(column) and source.table.sql == "transactioncurrency":
        return source.stored("iso_code")
    return source.held(column)
