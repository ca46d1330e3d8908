"""Every way in which a client writes a batch is understood; what is no batch is refused as a whole."""

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.batch.parse import ChangeSet, Part, Request, parse
from tests.dataverse.clients import Asked, Item, dwa_body, sdk_body

ROOT = "https://ev.example/api/data/v9.2/"
RECORD = "contacts(5b0c6c1e-7b51-4d0e-9f30-0a6f7d9b1c01)"

GOLDEN_SDK = (
    b"--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"POST https://ev.example/api/data/v9.2/contacts HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n\r\n"
    b'{"firstname": "Ada", "lastname": "S\xc3\xb6hne"}\r\n'
    b'--batch_1\r\nContent-Type: multipart/mixed; boundary="changeset_1"\r\n\r\n'
    b"--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
    b"POST https://ev.example/api/data/v9.2/contacts HTTP/1.1\r\nContent-Type: application/json; type=entry\r\n\r\n"
    b'{"lastname":"L"}\r\n'
    b"--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 2\r\n\r\n"
    b"PATCH $1 HTTP/1.1\r\nContent-Type: application/json; type=entry\r\nIf-Match: *\r\n\r\n"
    b'{"firstname":"F"}\r\n'
    b"--changeset_1--\r\n\r\n"
    b"--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"GET https://ev.example/api/data/v9.2/contacts?$select=fullname&$filter=lastname eq 'O''Hara' and "
    b"contains(firstname, 'a')&$top=3 HTTP/1.1\r\n"
    b'Prefer: odata.maxpagesize=10,odata.include-annotations="*"\r\n\r\n'
    b"--batch_1--\r\n"
)
"""Bytes that the SDK wrote, with short names for its boundaries."""

GOLDEN_DWA = (
    b"\r\n--dwa_batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"GET http://127.0.0.1:35619/api/data/v9.2/contacts?$select=fullname&$filter=firstname%20eq%20'O''Hara%20%26%20"
    b"S%C3%B6hne'&$top=3 HTTP/1.1\r\nAccept: application/json\r\n"
    b"\r\n--dwa_batch_1\r\nContent-Type: multipart/mixed;boundary=changeset_1\r\n"
    b"\r\n--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
    b"POST http://127.0.0.1:35619/api/data/v9.2/contacts HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
    b'{"firstname":"Ada","lastname":"S\\u00f6hne"}\r\n'
    b"\r\n--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 100003\r\n"
    b"\r\nDELETE http://127.0.0.1:35619/api/data/v9.2/" + RECORD.encode() + b" HTTP/1.1\r\n"
    b"Content-Type: application/json\r\n"
    b"\r\n--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 100004\r\n"
    b"\r\nPUT $1/firstname HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
    b'{"value":"C"}\r\n'
    b"\r\n--changeset_1--\r\n"
    b"\r\n--dwa_batch_1--\r\n"
)
"""Bytes that dynamics-web-api wrote, likewise."""


def test_the_bytes_of_the_python_sdk() -> None:
    create, (first, second), read = _parsed('multipart/mixed; boundary="batch_1"', GOLDEN_SDK)

    assert (create.method, create.path, create.version) == ("POST", "contacts", "v9.2")
    assert json.loads(create.body) == {"firstname": "Ada", "lastname": "Söhne"}
    assert (first.content_id, second.content_id, second.path) == ("1", "2", "$1")
    assert second.headers == {"content-type": "application/json; type=entry", "if-match": "*"}
    assert read.query == "$select=fullname&$filter=lastname eq 'O''Hara' and contains(firstname, 'a')&$top=3"
    assert read.headers["prefer"] == 'odata.maxpagesize=10,odata.include-annotations="*"'


def test_the_bytes_of_dynamics_web_api() -> None:
    read, (create, delete, put) = _parsed("multipart/mixed;boundary=dwa_batch_1", GOLDEN_DWA)

    assert (read.method, read.path, read.body) == ("GET", "contacts", b"")
    assert read.query.endswith("S%C3%B6hne'&$top=3")
    assert json.loads(create.body) == {"firstname": "Ada", "lastname": "Söhne"}
    assert (delete.method, delete.path, delete.body, delete.content_id) == ("DELETE", RECORD, b"", "100003")
    assert (put.method, put.path, put.body) == ("PUT", "$1/firstname", b'{"value":"C"}')


@pytest.mark.parametrize("golden", [GOLDEN_SDK, GOLDEN_DWA])
def test_line_feeds_alone_are_enough(golden: bytes) -> None:
    boundary = re.search(rb"--(\S*batch_1)", golden)
    assert boundary
    kind = f"multipart/mixed; boundary={boundary.group(1).decode()}"
    assert parse(kind, golden.replace(b"\r\n", b"\n")) == parse(kind, golden)


ADDRESSES = {
    f"{ROOT}contacts": ("contacts", "v9.2", ""),
    "http://other.example:8080/api/data/v9.1/contacts?$top=1": ("contacts", "v9.1", "$top=1"),
    "/api/data/v9.2/contacts": ("contacts", "v9.2", ""),
    "/API/data/V9.0/contacts": ("contacts", "v9.0", ""),
    "contacts?$filter=a eq 'b?c'": ("contacts", "", "$filter=a eq 'b?c'"),
    "$1": ("$1", "", ""),
    "/$1/lastname": ("$1/lastname", "", ""),
    "/other": (None, "", ""),
    "https://[broken/api": (None, "", ""),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_may_be_absolute_rooted_or_relative(address: str) -> None:
    (found,) = _parsed("multipart/mixed; boundary=batch_1", sdk_body([Asked("GET", address)]))

    assert isinstance(found, Request)
    assert (found.path, found.version, found.query) == ADDRESSES[address]


def test_who_calls_is_not_said_inside() -> None:
    headers = (("Authorization", "Bearer x"), ("MSCRMCallerID", "y"), ("X-Own", "z"))
    (found,) = _parsed("multipart/mixed; boundary=batch_1", sdk_body([Asked("GET", "contacts", None, headers)]))

    assert found.headers == {"x-own": "z"}


PART = b"Content-Type: application/http\r\n\r\nGET contacts HTTP/1.1\r\n\r\n"
CHANGES = b'--b\r\nContent-Type: multipart/mixed; boundary="c"\r\n\r\n%s--c--\r\n--b--'
NO_BATCH: dict[str, tuple[str, bytes]] = {
    "no multipart": ("application/json", b"{}"),
    "no boundary": ("multipart/mixed", b"--b--"),
    "another boundary": ("multipart/mixed; boundary=a", b"--b\r\n" + PART + b"--b--"),
    "nothing": ("multipart/mixed; boundary=b", b""),
    "cut off": ("multipart/mixed; boundary=b", b"--b\r\n" + PART),
    "cut off in a change set": ("multipart/mixed; boundary=b", (CHANGES % PART).replace(b"--c--", b"")),
    "a GET in a change set": ("multipart/mixed; boundary=b", CHANGES % (b"--c\r\n" + PART)),
    "a part of another kind": ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--"),
    "no request line": ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: application/http\r\n\r\n--b--"),
    "half a request line": ("multipart/mixed; boundary=b", b"--b\r\n\r\nGET\r\n--b--"),
    "no header": ("multipart/mixed; boundary=b", b"--b\r\n\r\nGET contacts\r\nwhat\r\n\r\n--b--"),
    "not UTF-8": ("multipart/mixed; boundary=b", b"--b\r\n\r\nGET contacts?\xff\r\n--b--"),
    "a batch in a batch": ("multipart/mixed; boundary=b", b"--b\r\n\r\nPOST /api/data/v9.2/$batch\r\n\r\n{}\r\n--b--"),
    "a Content-ID with a brace": ("multipart/mixed; boundary=b", b"--b\r\nContent-ID: {\r\n\r\nPOST a\r\n\r\n--b--"),
    "a thousand headers": ("multipart/mixed; boundary=b", b"--b\r\n" + b"a: b\r\n" * 1000 + b"\r\nGET a\r\n--b--"),
    "an address of 70 kB": ("multipart/mixed; boundary=b", b"--b\r\n\r\nGET a?" + b" " * 70_000 + b"b\r\n--b--"),
    "1,001 requests": ("multipart/mixed; boundary=b", b"--b\r\n\r\nGET a\r\n" * 1001 + b"--b--"),
}


@pytest.mark.parametrize("what", NO_BATCH)
def test_what_is_no_batch_is_refused_as_a_whole(what: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(*NO_BATCH[what])
    assert refused.value.code in {"BatchMalformed", "AddressTooLong"}


def test_a_thousand_requests_are_enough() -> None:
    assert len(parse("multipart/mixed; boundary=b", b"--b\r\n\r\nGET a\r\n" * 1000 + b"--b--")) == 1000


def test_a_content_id_stands_in_a_change_set_once() -> None:
    twice = [Asked("POST", "contacts", "{}", (), "1"), Asked("POST", "contacts", "{}", (), "1")]
    with pytest.raises(Refused, match="Content-ID"):
        parse("multipart/mixed; boundary=batch_1", sdk_body([twice]))


_words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20)
_bodies = st.dictionaries(_words, _words | st.integers() | st.none(), max_size=3).map(json.dumps)
_queries = st.sampled_from(["", "?$filter=a eq 'b c'", "?$select=a,b&$top=3", "?$filter=name eq '--batch_1--'"])
_writes = st.builds(
    lambda method, body: Asked(method, f"{ROOT}{RECORD}", body, (("If-Match", "*"),)),
    st.sampled_from(["POST", "PATCH", "PUT"]), _bodies,
) | st.just(Asked("DELETE", f"{ROOT}{RECORD}"))  # fmt: skip
_reads = st.builds(lambda query: Asked("GET", f"{ROOT}contacts{query}"), _queries)
_change_sets = st.lists(_writes, min_size=1, max_size=4).map(
    lambda writes: [one._replace(content_id=str(place)) for place, one in enumerate(writes, 1)]
)
BATCHES: st.SearchStrategy[list[Item]] = st.lists(_reads | _writes | _change_sets, min_size=1, max_size=6)


@given(BATCHES)
def test_what_either_client_writes_comes_back_as_it_was(items: list[Item]) -> None:
    for found in (
        parse("multipart/mixed; boundary=batch_1", sdk_body(items)),
        parse("multipart/mixed;boundary=dwa_batch_1", dwa_body(items)),
    ):
        assert [_plain(part) for part in found] == [_asked(item) for item in items]


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"--b", b"--b--", b"\r\n", b"\n", b"GET a", b"a: b"])).map(b"".join)
)
def test_bytes_of_any_kind_are_parsed_or_refused(body: bytes) -> None:
    with contextlib.suppress(Refused):
        parse("multipart/mixed; boundary=b", body)


def _parsed(kind: str, body: bytes) -> list[Request | list[Request]]:
    return [part if isinstance(part, Request) else list(part.requests) for part in parse(kind, body)]


def _plain(part: Part) -> object:
    if isinstance(part, ChangeSet):
        return [_plain(one) for one in part.requests]
    body = json.loads(part.body) if part.body else None
    return part.method, part.path, part.query, body, part.headers.get("if-match"), part.content_id


def _asked(item: Item) -> object:
    if not isinstance(item, Asked):
        return [_asked(one) for one in item]
    path, _, query = item.url.removeprefix(ROOT).partition("?")
    body = json.loads(item.body) if item.body is not None else None
    return item.method, path, query, body, dict(item.headers).get("If-Match"), item.content_id
