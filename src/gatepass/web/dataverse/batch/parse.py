"""The body of a $batch -> its requests in order, alone or in change sets (dataverse-web-api.md section 5).

Liberal in what both clients write: bare or quoted boundaries, LF alone, raw spaces in addresses, headers that end at the
boundary. Strict where a half-read body could half-happen: each multipart must have its closing line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gatepass.domain.errors import Refused

MAX_REQUESTS = 1000
"""Of one batch, those in change sets counted one by one."""
MAX_ADDRESS_CHARS = 64 * 1024
"""Of a request inside; the whole point of a batch of one GET is an address that is too long for HTTP."""
MAX_HEADERS = 100
"""Lines before the body of one part."""

READING = frozenset({"GET", "HEAD"})
OUTER_IDENTITY = frozenset({"authorization", "mscrmcallerid", "callerobjectid", "cookie"})
"""Who calls, the outer request says; inside these count for nothing."""

_boundary = re.compile(r"boundary\s*=\s*(?:\"([^\"]+)\"|([^\";,\s]+))", re.IGNORECASE)
_service = re.compile(r"/?api/data/(v9\.\d+)/(.*)\Z", re.IGNORECASE | re.DOTALL)
_content_id = re.compile(r"[A-Za-z0-9._~-]{1,64}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is what follows `/api/data/v9.x/`, `$1` at its head not yet replaced; None: it is not ours."""

    method: str
    address: str
    """As it was written."""
    path: str | None
    query: str
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    version: str = ""
    """v9.1, say; empty when the address does not tell."""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Requests that all happen, or none."""

    requests: Sequence[Request]


Part = Request | ChangeSet


def parse(content_type: str, body: bytes) -> list[Part]:
    """The parts in order. Raises Refused (BatchMalformed, AddressTooLong): then nothing of the batch may happen."""
    boundary = boundary_of(content_type)
    if boundary is None:
        raise _malformed("The Content-Type has to be multipart/mixed with a boundary.")
    parts = [_part(text) for text in _split(body, boundary)]
    if sum(len(part.requests) if isinstance(part, ChangeSet) else 1 for part in parts) > MAX_REQUESTS:
        raise _malformed(f"A batch may hold at most {MAX_REQUESTS} requests.")
    return parts


def boundary_of(content_type: str) -> str | None:
    """The boundary of a multipart/mixed; None when it is something else."""
    kind, _, parameters = content_type.partition(";")
    found = _boundary.search(parameters)
    if kind.strip().lower() != "multipart/mixed" or not found:
        return None
    return found.group(1) or found.group(2)


def _split(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the boundary's lines; what stands before the first and behind the last is nothing."""
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    marks = list(line.finditer(body))
    last = next((place for place, mark in enumerate(marks) if mark.group(1)), None)
    if last is None:
        raise _malformed(f"The closing line --{boundary[:100]}-- is missing.")
    if last > MAX_REQUESTS:
        raise _malformed(f"A batch may hold at most {MAX_REQUESTS} requests.")
    return [body[marks[place].end() : marks[place + 1].start()] for place in range(last)]


def _part(text: bytes) -> Part:
    headers, inner = _headers(text)
    boundary = boundary_of(headers.get("content-type", ""))
    if boundary is None:
        return _request(headers, inner)
    return _change_set([_inside(one) for one in _split(text, boundary)])


def _inside(text: bytes) -> Request:
    headers, inner = _headers(text)
    if boundary_of(headers.get("content-type", "")):
        raise _malformed("A change set cannot hold another one.")
    return _request(headers, inner)


def _change_set(requests: Sequence[Request]) -> ChangeSet:
    if any(one.method in READING for one in requests):
        raise _malformed("A GET cannot be part of a change set.")
    names = [one.content_id for one in requests if one.content_id]
    if len(names) != len(set(names)):
        raise _malformed("Each Content-ID may stand in a change set only once.")
    return ChangeSet(requests)


def _request(part: Mapping[str, str], text: bytes) -> Request:
    if part.get("content-type", "application/http").partition(";")[0].strip().lower() != "application/http":
        raise _malformed("Each part has to be application/http, or a change set.")
    line, _, rest = text.lstrip().partition(b"\n")
    method, address = _request_line(_text(line))
    headers, body = _headers(b"\n" + rest)
    version, path, query = _address(address)
    if path is not None and path.strip("/").lower() in {"$batch", "%24batch"}:
        raise _malformed("A batch cannot hold another one.")
    name = part.get("content-id") or headers.get("content-id", "")
    if name and not _content_id.fullmatch(name):
        raise _malformed("A Content-ID is made of letters and digits.")
    own = {key: value for key, value in headers.items() if key not in OUTER_IDENTITY}
    return Request(method, address, path, query, own, body.strip(b"\r\n"), version, name)


def _request_line(line: str) -> tuple[str, str]:
    """`GET /contacts?$filter=a eq 1 HTTP/1.1`: the method is the first word, the protocol the last, if it is there."""
    method, _, address = line.strip().partition(" ")
    head, _, protocol = address.rpartition(" ")
    if protocol.upper().startswith("HTTP/"):
        address = head
    address = address.strip()
    if not method.isalpha() or not method.isascii() or not address:
        raise _malformed(f"'{line[:100]}' is no request line.")
    if len(address) > MAX_ADDRESS_CHARS:
        raise Refused("AddressTooLong", f"An address inside a batch may have {MAX_ADDRESS_CHARS} characters.")
    return method.upper(), address


def _address(address: str) -> tuple[str, str | None, str]:
    """Version, path and query of an absolute, rooted or relative address."""
    start, _, query = address.partition("?")
    if re.match(r"https?://", start, re.IGNORECASE):
        try:
            start = urlsplit(start).path or "/"
        except ValueError:
            return "", None, query
    found = _service.match(start)
    if found:
        return found.group(1).lower(), found.group(2), query
    start = start[1:] if start.startswith("/$") else start
    return "", None if start.startswith("/") else start, query


def _headers(text: bytes) -> tuple[dict[str, str], bytes]:
    """Header lines up to an empty one, or to the end; and what follows. `text` begins with the end of the line before."""
    found: dict[str, str] = {}
    start = _next_line(text, 0)
    for _ in range(MAX_HEADERS):
        end = _next_line(text, start)
        line, start = text[start:end], end
        if not line.strip():
            return found, text[start:]
        name, colon, value = _text(line).partition(":")
        if not colon:
            raise _malformed(f"'{name.strip()[:100]}' is no header.")
        found[name.strip().lower()] = value.strip()
    raise _malformed(f"A part may have {MAX_HEADERS} headers.")


def _next_line(text: bytes, start: int) -> int:
    """Where the line behind this one begins; the end of the text when there is none."""
    return (text.find(b"\n", start) + 1) or len(text)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise _malformed("Headers and addresses have to be UTF-8.") from None


def _malformed(what: str) -> Refused:
    return Refused("BatchMalformed", f"The batch cannot be read, and nothing of it was done. {what}")
