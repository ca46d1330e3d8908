"""The options of each expansion as the caller wrote them: what the link to the rest of its rows needs."""

from collections.abc import Iterator, Mapping


def expand_options(text: str) -> Mapping[str, str]:
    """`a($select=b;$top=3),c` -> {"a": "$select=b&$top=3", "c": ""}. The text is known to be right: it was parsed before."""
    found: dict[str, str] = {}
    for part in _split(text, ","):
        name, _, rest = part.strip().partition("(")
        found[name.strip()] = "&".join(_split(rest.rstrip().removesuffix(")"), ";"))
    return found


def _split(text: str, at: str) -> Iterator[str]:
    """At separators outside quotes and parentheses."""
    depth, quoted, start = 0, False, 0
    for place, letter in enumerate(text):
        quoted ^= letter == "'"
        if not quoted:
            depth += (letter == "(") - (letter == ")")
        if letter == at and not quoted and depth == 0:
            yield text[start:place]
            start = place + 1
    if text[start:].strip():
        yield text[start:]
