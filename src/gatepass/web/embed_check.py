"""Reads a site's Content-Security-Policy: what of the embedded form it lets through, and the line to add (w3.org/TR/CSP3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gatepass.languages import later

# What the form needs -> the directives that decide it, the most special first.
_NEEDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "script-src": (("script-src-elem", "script-src", "default-src"), later("the script of the form")),
    "connect-src": (("connect-src", "default-src"), later("asking what is on sale, and registering")),
    "frame-src": (("frame-src", "child-src", "default-src"), later("the payment step within the page; without it, a link opens it")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One need; `line` is what to write where it is not met."""

    directive: str
    what: str
    fine: bool
    line: str


def findings(policy: str, address: str) -> list[Finding]:
    """Of the header's value, or of the whole header line. `address`: where the form is served."""
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    told = _directives(policy)
    return [_finding(name, deciding, what, told, origin) for name, (deciding, what) in _NEEDS.items()]


def _finding(
    name: str, deciding: tuple[str, ...], what: str, told: Mapping[str, list[str]], origin: str
) -> Finding:  # fmt: skip
    counts = next((one for one in deciding if one in told), None)
    sources = told[counts] if counts else ["*"]
    fine = any(_allows(source, origin) for source in sources)
    kept = [source for source in sources if source.lower() != "'none'"] if counts else []
    return Finding(name, what, fine, " ".join([counts if counts in deciding[:-1] and counts else name, *kept, origin]))


def _directives(policy: str) -> dict[str, list[str]]:
    """The first of a name counts, as in browsers."""
    text = policy.strip()
    if text.lower().startswith("content-security-policy"):
        text = text.partition(":")[2]
    found: dict[str, list[str]] = {}
    for directive in text.split(";"):
        name, *sources = directive.split() or [""]
        if name:
            found.setdefault(name.lower(), sources)
    return found


def _allows(source: str, origin: str) -> bool:
    """Whether one source expression lets an origin in."""
    wanted, source = urlsplit(origin), source.lower()
    if source in {"*", f"{wanted.scheme}:"}:
        return True
    scheme, _, rest = source.rpartition("://")
    host, _, port = rest.split("/")[0].partition(":")
    if scheme and scheme != wanted.scheme:
        return False
    own = wanted.hostname or ""
    same_host = own.endswith(host[1:]) if host.startswith("*.") else own == host
    default = {"https": "443", "http": "80"}[wanted.scheme]
    return bool(host) and same_host and (port == "*" or (port or default) == str(wanted.port or default))
