"""Reads XML that strangers wrote: elements and attributes, nothing else. No DTD, no entities, no depth without an end.

The parser is the standard library's expat. What makes XML dangerous (entities that grow, or that read files) needs a
document type declaration, and the first sign of one is a refusal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from gatepass.domain.errors import Refused

MAX_BYTES = 32 * 1024
MAX_DEPTH = 100


@dataclass(slots=True)
class Element:
    """One element, with its text when it holds nothing but text."""

    tag: str
    attributes: Mapping[str, str]
    children: list["Element"] = field(default_factory=list["Element"])
    text: str = ""

    def get(self, name: str) -> str | None:
        """An attribute; None when it is not there."""
        return self.attributes.get(name)

    def all(self, *tags: str) -> Iterator["Element"]:
        """The children of these names, in their order."""
        return (one for one in self.children if one.tag in tags)


def parse(text: str) -> Element:
    """The root element. Raises Refused (QuerySyntax) for what is no well-formed, plain XML of at most 32 KB."""
    raw = text.encode("utf-8", "replace")
    if len(raw) > MAX_BYTES:
        raise Refused("QuerySyntax", f"A FetchXML query holds at most {MAX_BYTES} bytes; this one has {len(raw)}.")
    builder = _Builder()
    try:
        builder.parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise Refused("QuerySyntax", f"Invalid XML: {error}.") from None
    return builder.root()


class _Builder:
    def __init__(self) -> None:
        self._open: list[Element] = []
        self._root: Element | None = None
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _no_doctype
        parser.EntityDeclHandler = _no_doctype

    def root(self) -> Element:
        assert self._root is not None
        return self._root

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise Refused("QuerySyntax", f"The XML is nested more than {MAX_DEPTH} elements deep.")
        element = Element(tag, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, tag: str) -> None:
        self._open.pop()

    def _text(self, data: str) -> None:
        self._open[-1].text += data


def _no_doctype(*parts: Any) -> None:
    raise Refused("QuerySyntax", "A FetchXML query has no document type and no entities of its own.")
