"""Whatever is sent, the answer is a clear refusal in Dataverse's shape, and quick: never a 5xx, never silence."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from gatepass import app, config, model
from gatepass.services import access
from tests.conftest import DATABASES, fresh_database
from tests.running import environment, fill
from tests.torture.options import FUZZED, drawn

TOKEN = "a-token-for-a-fuzzer"
BASE = "/api/data/v9.2/"
NAMES = [name for table in model.TABLES for name in (table.set_name, table.logical, *table.by_logical, *table.lookups)]
WORDS = [
    "eq", "ne", "gt", "le", "and", "or", "not", "(", ")", "'", "''", "null", "true", "1", "-1", "1e999", "99999999999999999999",
    "0.1", "2026-01-01", "2026-01-01T00:00:00Z", "contains(", "startswith(", ",", "any(x:", "all(x:x/", "/", "$count", "$it", "@p1",
    "Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=[", "Microsoft.Dynamics.CRM.Today(PropertyName='createdon')",
    "asc", "desc", ";", "$select=", "$expand=", "$filter=", "groupby((", "aggregate(", "with sum as", "%", "\x00", "é", "𝄞", "\ud7ff",
    "{", "}", "[", "]", '"', "\\", "--", "/*", "0d9f7a52-2f0a-4f4e-8f0e-3f5ad1c0aa02", "SELECT", "FROM", "WHERE", "JOIN", "<fetch>",
]  # fmt: skip
OPTIONS = [
    "$select", "$filter", "$orderby", "$top", "$count", "$expand", "$apply", "$skiptoken", "$skip", "fetchXml", "sql", "@p1", "$search",
]  # fmt: skip
ADDRESSES = [
    "{set}", "{set}({id})", "{set}({col}='x')", "{set}({id})/{nav}", "{set}({id})/{nav}/$ref", "{set}({id})/{col}", "{set}/$count",
    "EntityDefinitions", "EntityDefinitions(LogicalName='{table}')", "EntityDefinitions(LogicalName='{table}')/Attributes",
    "RelationshipDefinitions", "$metadata", "WhoAmI", "WhoAmI()", "RetrieveTotalRecordCount(EntityNames=@p1)", "$batch",
    "{set}/Microsoft.Dynamics.CRM.CreateMultiple", "BulkDelete", "msevtmgt_finalizeregistrationpayment", "{junk}", "{set}({junk})",
    "RetrieveMetadataChanges(Query=@p1)", "{set}({id})/Microsoft.Dynamics.CRM.{junk}", "GlobalOptionSetDefinitions",
]  # fmt: skip
METHODS = ["GET"] * 6 + ["POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"]
HEADER_VALUES = [
    "*",
    'W/"1"',
    "return=representation",
    "odata.maxpagesize=-1",
    "null",
    'odata.include-annotations="*"',
    "é",
]
SLOW_S = 5.0
"""Beyond it a refusal is no refusal. These machines are noisy; nothing here takes a tenth of it alone."""


TRIES = 3
"""Of a slow one: it is the machine unless all of them are slow."""


@pytest_asyncio.fixture(params=DATABASES)
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The application itself, with no socket in between."""
    url = fresh_database(request.param, tmp_path, request)
    variables = environment(url, "http://door", "http://sandbox.invalid") | {
        "GATEPASS_API_REQUESTS": "0",
        "GATEPASS_API_SECONDS": "0",
    }
    installation = app.installation(config.read(variables, data_dir=tmp_path))
    await installation.store.write(lambda tx: fill(tx, "http://door"))
    await installation.store.write(lambda tx: access.add_program(tx, "fuzzer", "administrator", TOKEN))
    transport = httpx.ASGITransport(app.web(installation, with_worker=False), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers, timeout=60) as client:
        yield client
    await installation.close()


@pytest.mark.timeout(60 + FUZZED // 50)
async def test_no_address_and_no_body_breaks_it(door: httpx.AsyncClient, request: pytest.FixtureRequest) -> None:
    dice = drawn(f"fuzz {request.node.callspec.id}")
    slowest = 0.0
    for _ in range(FUZZED // 2):
        method, address, body, headers = _drawn(dice)
        for _again in range(TRIES):
            began = time.monotonic()
            answer = await door.request(method, address, content=body, headers=headers)
            took = time.monotonic() - began
            if took < SLOW_S:
                break
        slowest = max(slowest, took)
        assert answer.status_code < 500 or answer.status_code == 501, (method, address, body, headers, answer.text)
        assert slowest < SLOW_S, (method, address, body)
        if answer.status_code >= 400 and method != "HEAD" and "multipart" not in answer.headers["content-type"]:
            assert set(answer.json()["error"]) >= {"code", "message"}, (method, address, answer.text)


@pytest.mark.parametrize(
    "filter_",
    [
        "(" * 20_000 + "name eq 'x'" + ")" * 20_000, "not " * 8_000 + "(name eq 'x')", "name eq 'x' or " * 2_000 + "name eq 'y'",
        "contains(" * 3_000 + "name", "name eq '" + "x" * 32_000, "contact_customer_accounts/any(x:" * 500 + "x/name eq 'x'" + ")" * 500,
        "name eq 'x' " * 2_500, "-" * 30_000 + "1 eq 1", "a/" * 15_000 + "b eq 1",
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
async def test_deep_and_long_filters_are_refused_quickly(door: httpx.AsyncClient, filter_: str) -> None:
    began = time.monotonic()

    asked = quote(filter_[:30_000], safe="()/:'")
    answer = await door.get(f"{BASE}accounts?$filter={asked}")

    assert answer.status_code in {200, 400, 414}, answer.text
    assert time.monotonic() - began < SLOW_S


def _drawn(dice: Random) -> tuple[str, str, bytes, dict[str, str]]:
    method, address = dice.choice(METHODS), BASE + _address(dice)
    options = "&".join(
        f"{dice.choice(OPTIONS)}={quote(_soup(dice), safe=dice.choice(['', '()', '/$']))}"
        for _ in range(dice.randint(0, 3))
    )
    body = b"" if method == "GET" else _body(dice)
    kinds = [
        "application/json",
        "text/plain",
        "multipart/mixed; boundary=b",
        "multipart/mixed",
        "application/json; charset=utf-8",
    ]
    headers = {"Content-Type": dice.choice(kinds)}
    for name in ("Prefer", "If-Match", "If-None-Match", "MSCRMCallerID"):
        if dice.random() < 0.1:
            headers[name] = dice.choice(HEADER_VALUES)
    sent = {name: value.encode("latin-1", "replace") for name, value in headers.items()}
    return method, f"{address}?{options}" if options else address, body, sent  # type: ignore[return-value]


def _address(dice: Random) -> str:
    table = dice.choice(model.TABLES)
    parts = {
        "set": table.set_name, "table": table.logical, "id": str(UUID(int=dice.getrandbits(128))), "junk": quote(_soup(dice)),
        "nav": dice.choice([*table.lookups, "contact_customer_accounts"]), "col": dice.choice(list(table.by_logical)),
    }  # fmt: skip
    return dice.choice(ADDRESSES).format(**parts)


def _soup(dice: Random) -> str:
    """Words that mean something, in an order that seldom does."""
    if dice.random() < 0.15:
        return "".join(
            chr(dice.choice([dice.randint(0, 127), dice.randint(128, 0xD7FF)])) for _ in range(dice.randint(0, 30))
        )
    glue = dice.choice([" ", ""])
    return glue.join(dice.choice([*WORDS, dice.choice(NAMES)]) for _ in range(dice.randint(0, 12)))


def _body(dice: Random) -> bytes:
    table = dice.choice(model.TABLES)
    if dice.random() < 0.3:
        return _soup(dice).encode("utf-8", "replace")
    names = [*table.by_logical, *(f"{name}@odata.bind" for name in table.lookups), _soup(dice)]
    members = ", ".join(f"{_text(dice.choice(names))}: {_json(dice, 3)}" for _ in range(dice.randint(0, 5)))
    return (b"{" + members.encode("utf-8", "replace") + b"}")[: dice.choice([10**6, 10**6, 30])]


def _text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\x00", "\\u0000") + '"'


def _json(dice: Random, depth: int) -> str:
    kinds = [
        "null",
        "true",
        "1",
        "-1",
        "1e400",
        "0.123456789012345678901",
        "99999999999999999999",
        _text(_soup(dice)),
        '"2026-01-01"',
    ]
    if depth:
        kinds += [
            f"[{_json(dice, depth - 1)}]",
            f'{{"a": {_json(dice, depth - 1)}}}',
            '"/accounts(0d9f7a52-2f0a-4f4e-8f0e-3f5ad1c0aa02)"',
        ]
    return dice.choice(kinds)
