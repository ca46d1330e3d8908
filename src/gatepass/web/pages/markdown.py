"""An event's story: markdown as HTML. Raw HTML stays text, pictures are left out, links are http(s) or mail."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markupsafe import Markup

_HIGHEST = 2
"""The page itself has the only heading of the first level."""
_LINKS = ("https://", "http://", "mailto:")


def to_html(text: str) -> "Markup":
    """Safe to stand in a page of ours."""
    from markupsafe import Markup

    parser = _parser()
    tokens = parser.parse(text)
    _lower_headings(tokens)
    # Made by a renderer that escapes every text; raw HTML is switched off.
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).disable(["image", "html_block", "html_inline"])
    parser.validateLink = lambda url: url.lower().startswith(_LINKS)  # type: ignore[method-assign]
    return parser


def _lower_headings(tokens: Sequence["Token"]) -> None:
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + _HIGHEST - 1, 4)}"
