"""Link-entities: joins where their columns count, tests for related rows where only their being there does.

An N:N relationship is written as two links, the intersect table and inside it the other table. Both are one join here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gatepass.domain.errors import Refused
from gatepass.model.query import And, Condition, Join
from gatepass.web.dataverse.fetchxml import related
from gatepass.web.dataverse.fetchxml.conditions import filter_of
from gatepass.web.dataverse.fetchxml.related import INTERSECTS, JOINED, TESTED, kind_of
from gatepass.web.dataverse.fetchxml.scope import Asker, Source, Sources, required, table_of, valid_alias
from gatepass.web.dataverse.fetchxml.xml import Element
from gatepass.web.dataverse.joining import MAX_JOINS


@dataclass(slots=True)
class Links:
    """Reads the links of one query, and the filters that stand in them."""

    asker: Asker
    names: Sources = field(default_factory=Sources)
    joins: list[Join] = field(default_factory=list[Join])
    where: list[Condition] = field(default_factory=list[Condition])
    """What has to hold beside the joins."""
    sources: list[Source] = field(default_factory=list[Source])
    """The root and what is joined to it, in the order of the document."""
    _count: int = 0

    def read(self, root: Source) -> None:
        """First all aliases, then the filters: a filter may name a link that comes after it. Raises Refused."""
        self.sources.append(root)
        tests = list(self._join_all(root))
        for source in self.sources:
            self._filter(source)
        self.where += [self.test(source, element, self.names) for source, element in tests]

    # Joins

    def _join_all(self, parent: Source) -> Iterator[tuple[Source, Element]]:
        """Joins what is joined, and gives out the links that are tests."""
        for element in parent.element.all("link-entity"):
            kind = kind_of(element)
            if kind in TESTED:
                yield parent, element
            else:
                yield from self._join_all(self._join(parent, element, JOINED[kind]))

    def _join(self, parent: Source, element: Element, outer: bool) -> Source:
        name = self._name(element)
        if parent.pair:
            return self._join_other_half(parent, element, name, outer)
        if (link := INTERSECTS.get(required(element, "name").lower())) is not None:
            by = related.pairs(parent, element, link)
            source = Source(element, by.target, name, name, related.pair_columns(by, parent, name))
            here, there = by.target.primary_key, parent.table.primary_key
            return self._added(source, Join(name, by.target, here, parent.alias, there, outer, link=link))
        source = Source(element, table_of(element), name, name)
        from_, to = related.columns(source, parent)
        return self._added(source, Join(name, source.table, from_.column, to.alias, to.column, outer))

    def _join_other_half(self, parent: Source, element: Element, name: str, outer: bool) -> Source:
        related.require_other_half(parent, element)
        at = self._index(parent)
        # A left join to the pairs and an inner one from there: the rows without a pair are gone.
        self.joins[at] = replace(self.joins[at], outer=self.joins[at].outer and outer)
        return self._added(Source(element, parent.table, name, parent.alias))

    def _added(self, source: Source, join: Join | None = None) -> Source:
        self.names.add(source)
        self.sources.append(source)
        if join:
            self.joins.append(join)
        return source

    def _index(self, source: Source) -> int:
        return next(at for at, join in enumerate(self.joins) if join.alias == source.alias)

    # Filters

    def _filter(self, source: Source) -> None:
        """The filters of an outer link say which of its rows are joined; all others, which rows there are."""
        at = self._index(source) if source.alias else None
        if at is None or not self.joins[at].outer:
            self.where += self._filters(source, self.names)
        elif parts := self._filters(source, Sources(source)):
            before = self.joins[at].where
            self.joins[at] = replace(self.joins[at], where=And((*((before,) if before else ()), *parts)))

    def _filters(self, source: Source, names: Sources) -> list[Condition]:
        return [filter_of(one, source, names, self.asker, self.test) for one in source.element.all("filter")]

    # Tests for rows

    def test(self, parent: Source, element: Element, names: Sources) -> Condition:
        """A link that only asks whether there are related rows. Raises Refused."""
        name, kind = self._name(element), kind_of(element)
        if any(element.all("attribute", "all-attributes")):
            raise Refused("QueryUnsupported", f"A link of type '{kind}' shows no columns.")
        if (link := INTERSECTS.get(required(element, "name").lower())) is not None:
            by = related.pairs(parent, element, link)
            source = Source(element, by.target, name, name, related.pair_columns(by, parent, name))
        else:
            source = Source(element, table_of(element), name, name)
            by = related.navigation(source, parent)
        parts = self._inside(source, names.with_one(source))
        return related.exists(kind, by, And(tuple(parts)) if parts else None, name, parent.alias)

    def _inside(self, source: Source, names: Sources) -> list[Condition]:
        parts = self._filters(source, names)
        for child in source.element.all("link-entity"):
            kind = kind_of(child)
            if kind == "outer":
                raise Refused("QueryUnsupported", "An outer link inside one that only tests for rows says nothing.")
            if source.pair and kind in {"inner", "natural"}:
                related.require_other_half(source, child)
                half = Source(child, source.table, self._name(child), source.alias)
                parts += self._inside(half, names.with_one(half))
            else:
                parts.append(self.test(source, child, names))
        return parts

    def _name(self, element: Element) -> str:
        """The alias of a link: its own, or one as the platform makes them (msevtmgt_pass1)."""
        self._count += 1
        if self._count > MAX_JOINS:
            raise Refused("QuerySyntax", f"A query has at most {MAX_JOINS} link-entities.")
        return valid_alias(element.get("alias") or f"{required(element, 'name').lower()}{self._count}")
