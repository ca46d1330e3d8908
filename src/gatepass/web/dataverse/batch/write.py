"""The answers of a $batch as one multipart body, byte by byte as both clients take it apart (dataverse-web-api.md section 5).

dynamics-web-api takes the first line for the delimiter, the first `{` to the last `}` of a part for its JSON, and any
part with `--changesetresponse_` in it for a change set; the Python SDK cuts parts into lines wherever Unicode knows one.
So: no preamble, no braces outside JSON, and JSON in ASCII.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

from gatepass.web.dataverse.call import Reply

END = b"\r\n"
_CHANGE_SET = "--changesetresponse_"
_not_ascii = re.compile(r"[^\x00-\x7f]")
_not_in_a_phrase = re.compile(r"[^A-Za-z ]")
_not_in_a_header = re.compile(r"[^\x21-\x7e ]|[{}]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request got. `content_id` as the request gave it, or empty."""

    reply: Reply
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSetAnswer:
    """What a change set got: an answer per request, or the only answer of the one that failed."""

    answers: Sequence[Answer]


def write(answers: Sequence[Answer | ChangeSetAnswer], *, new_name: Callable[[], object] = uuid4) -> tuple[str, bytes]:
    """Content-Type and body."""
    boundary = f"batchresponse_{new_name()}"
    parts = [_change_set(one, new_name) if isinstance(one, ChangeSetAnswer) else _part(one) for one in answers]
    return f"multipart/mixed; boundary={boundary}", _joined(boundary, parts)


def _joined(boundary: str, parts: Sequence[bytes]) -> bytes:
    opening, closing = f"--{boundary}\r\n".encode(), f"--{boundary}--\r\n".encode()
    return b"".join([*(opening + part + END for part in parts), closing])


def _change_set(answer: ChangeSetAnswer, new_name: Callable[[], object]) -> bytes:
    """One header line and not one more: dynamics-web-api drops exactly one."""
    boundary = f"changesetresponse_{new_name()}"
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    return head + _joined(boundary, [_part(one) for one in answer.answers])


def _part(answer: Answer) -> bytes:
    reply = answer.reply
    outer = {"Content-Type": "application/http", "Content-Transfer-Encoding": "binary"}
    if answer.content_id:
        outer["Content-ID"] = answer.content_id
    inner = {"OData-Version": "4.0", **reply.headers}
    status = f"HTTP/1.1 {reply.status} {phrase(reply.status)}\r\n".encode()
    return _lines(outer) + END + status + _lines(inner) + END + _body(reply)


def phrase(status: int) -> str:
    """The reason phrase, in letters and spaces: a client's pattern takes nothing else."""
    try:
        return _not_in_a_phrase.sub(" ", HTTPStatus(status).phrase)
    except ValueError:
        return "Unknown"


def _lines(headers: Mapping[str, str]) -> bytes:
    return b"".join(f"{name}: {_header_value(value)}\r\n".encode() for name, value in headers.items())


def _header_value(value: str) -> str:
    return _not_in_a_header.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), value)


def _body(reply: Reply) -> bytes:
    kind = next((value for name, value in reply.headers.items() if name.lower() == "content-type"), "")
    if "json" not in kind:
        return reply.body
    body = reply.body
    if not body.isascii():
        body = _not_ascii.sub(_escaped, body.decode()).encode()
    # It can stand there only inside a text; written this way it means the same.
    return body.replace(_CHANGE_SET.encode(), _CHANGE_SET.replace("-", "\\u002d").encode())


def _escaped(found: re.Match[str]) -> str:
    """As JSON escapes a character: its UTF-16 units."""
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
