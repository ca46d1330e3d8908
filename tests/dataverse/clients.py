"""How the two real clients write a batch and take its answer apart, line for line.

From powerplatform-dataverse-client 1.1.0 (data/_batch_base.py) and dynamics-web-api 2.5.0 (convertToBatch, parseBatchResponse).
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request, as a client would write it."""

    method: str
    url: str
    body: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    content_id: str = ""


Item = Asked | Sequence[Asked]
"""A sequence is a change set."""


def sdk_body(items: Sequence[Item], boundary: str = "batch_1") -> bytes:
    """As the Python SDK writes it."""
    text = ""
    for item in items:
        if isinstance(item, Asked):
            text += _sdk_part(item, boundary)
        else:
            inner = "".join(_sdk_part(one, "changeset_1") for one in item) + "--changeset_1--\r\n"
            text += f'--{boundary}\r\nContent-Type: multipart/mixed; boundary="changeset_1"\r\n\r\n{inner}\r\n'
    return f"{text}--{boundary}--\r\n".encode()


def _sdk_part(asked: Asked, boundary: str) -> str:
    head = [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {asked.content_id}"] if asked.content_id else []
    lines = [f"{asked.method} {asked.url} HTTP/1.1"]
    lines += ["Content-Type: application/json; type=entry"] if asked.body is not None else []
    lines += [f"{name}: {value}" for name, value in asked.headers] + [""]
    lines += [asked.body] if asked.body is not None else []
    return "\r\n".join(head) + "\r\n\r\n" + "\r\n".join(lines) + "\r\n"


def dwa_body(items: Sequence[Item], boundary: str = "dwa_batch_1") -> bytes:
    """As dynamics-web-api writes it: a blank line first, headers that end at the boundary."""
    lines: list[str] = []
    for item in items:
        lines.append(f"\r\n--{boundary}")
        if isinstance(item, Asked):
            lines += _dwa_part(item)
            continue
        lines.append("Content-Type: multipart/mixed;boundary=changeset_1")
        for one in item:
            lines += ["\r\n--changeset_1", *_dwa_part(one)]
        lines.append("\r\n--changeset_1--")
    lines.append(f"\r\n--{boundary}--\r\n")
    return "\r\n".join(lines).encode()


def _dwa_part(asked: Asked) -> list[str]:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {asked.content_id}"] if asked.content_id else []
    lines.append(f"\r\n{asked.method} {asked.url} HTTP/1.1")
    lines.append("Accept: application/json" if asked.method == "GET" else "Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in asked.headers]
    # ASCII only, whatever is in it.
    lines += [f"\r\n{json.dumps(json.loads(asked.body))}"] if asked.body is not None else []
    return lines


class Read(NamedTuple):
    """What a client makes of one answer."""

    status: int
    content_id: str | None
    record_id: str | None
    data: Any


_GUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def sdk_read(content_type: str, body: bytes) -> list[Read]:
    """As the Python SDK takes an answer apart."""
    found: list[Read] = []
    for headers, text in _sdk_split(body.decode(), _sdk_boundary(content_type)):
        kind = headers.get("content-type", "")
        if "multipart/mixed" in kind:
            inner = _sdk_split(text, _sdk_boundary(kind))
            found += [_sdk_answer(one, its.get("content-id")) for its, one in inner]
        else:
            found.append(_sdk_answer(text, headers.get("content-id")))
    return found


def _sdk_boundary(content_type: str) -> str:
    match = re.search(r'boundary="?([^";,\s]+)"?', content_type, re.IGNORECASE)
    assert match, content_type
    return match.group(1)


def _sdk_split(text: str, boundary: str) -> list[tuple[dict[str, str], str]]:
    parts, current, inside = list[tuple[dict[str, str], str]](), list[str](), False
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.rstrip("\r") in {f"--{boundary}", f"--{boundary}--"}:
            if inside and current:
                parts.append(_sdk_mime("\n".join(current)))
                current = []
            inside = True
            if line.rstrip("\r").endswith("--"):
                break
        elif inside:
            current.append(line)
    return parts


def _sdk_mime(raw: str) -> tuple[dict[str, str], str]:
    head, _, body = raw.partition("\n\n")
    pairs = (line.partition(":") for line in head.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}, body.strip()


def _sdk_answer(text: str, content_id: str | None) -> Read:
    lines = text.replace("\r\n", "\n").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("HTTP/"))
    blank = next((place for place in range(start, len(lines)) if lines[place] == ""), len(lines) - 1)
    pairs = (line.partition(":") for line in lines[start + 1 : blank + 1] if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    match = re.search(_GUID, headers.get("odata-entityid", ""))
    said = "\n".join(lines[blank + 1 :]).strip()
    try:
        data = json.loads(said) if said else None
    except ValueError:
        data = None
    return Read(int(lines[start].split(" ", 2)[1]), content_id, match.group(0) if match else None, data)


def dwa_read(body: bytes) -> list[Read]:
    """As dynamics-web-api takes an answer apart. It does not look at Content-IDs."""
    text = body.decode()
    delimiter = text[: re.search(r"\r?\n", text).start()]  # type: ignore[union-attr]
    found: list[Read] = []
    for part in text.split(delimiter)[1:-1]:
        if "--changesetresponse_" not in part:
            found.append(_dwa_answer(part))
            continue
        inner = part.strip()
        ends = re.search(r"\r?\n", inner)
        assert ends
        found += dwa_read(inner[ends.start() + 1 :].strip().encode())
    return found


def _dwa_answer(part: str) -> Read:
    status = re.search(r"HTTP/?\s*[\d.]*\s+(\d{3})\s+([\w\s]*)$", part.replace("\r\n", "\n"), re.MULTILINE | re.ASCII)
    assert status, part
    first, last = part.find("{"), part.rfind("}")
    if first >= 0:
        return Read(int(status.group(1)), None, None, json.loads(part[first : last + 1]))
    if re.search("Content-Type: text/plain", part, re.IGNORECASE):
        word = re.search(r"\w+\Z", part.strip())
        return Read(int(status.group(1)), None, None, word.group() if word else None)
    line = re.search(r"OData-EntityId[^\r\n]+", part, re.IGNORECASE)
    match = re.search(rf"({_GUID})\)$", line.group()) if line else None
    return Read(int(status.group(1)), None, match.group(1) if match else None, None)
