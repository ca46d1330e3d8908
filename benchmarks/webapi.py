"""A client of the Web API on one connection that is kept open, and bodies that write many records."""

from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

from benchmarks.system import TOKEN

ROOT = "/api/data/v9.2/"
JSON, BATCH = "application/json", "multipart/mixed; boundary=batch"
PATIENCE_S = 120.0
Record = Mapping[str, Any]


class Client:
    """Raises RuntimeError for anything but success."""

    def __init__(self, port: int) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self._own = {"Authorization": f"Bearer {TOKEN}", "Accept": JSON}

    def get(self, address: str, **headers: str) -> bytes:
        """An address below the root, or a whole one out of an answer."""
        return self._answer("GET", address, None, headers)

    def post(self, address: str, body: bytes, kind: str = JSON) -> bytes:
        """A body of this type."""
        return self._answer("POST", address, body, {"Content-Type": kind})

    def close(self) -> None:
        self._http.close()

    def _answer(self, method: str, address: str, body: bytes | None, headers: dict[str, str]) -> bytes:
        parts = urlsplit(address)
        at = f"{parts.path}?{parts.query}" if parts.netloc else ROOT + address
        self._http.request(method, at, body, self._own | headers)
        answer = self._http.getresponse()
        said = answer.read()
        if answer.status not in {200, 204}:
            raise RuntimeError(f"{method} {at}: {answer.status} {said[:300]!r}")
        return said


def multiple(records: Sequence[Record]) -> bytes:
    """The body of CreateMultiple and its like."""
    return msgspec.json.encode({"Targets": records})


def change_set(set_name: str, records: Sequence[Record]) -> bytes:
    """A batch that makes these records, all or none."""
    parts = [_creation(set_name, number, one) for number, one in enumerate(records, 1)]
    head = "--batch\r\nContent-Type: multipart/mixed; boundary=changes\r\n\r\n"
    return f"{head}{''.join(parts)}--changes--\r\n--batch--\r\n".encode()


def _creation(set_name: str, number: int, record: Record) -> str:
    head = f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {number}"
    post = f"POST {ROOT}{set_name} HTTP/1.1\r\nContent-Type: application/json"
    return f"--changes\r\n{head}\r\n\r\n{post}\r\n\r\n{msgspec.json.encode(record).decode()}\r\n"
