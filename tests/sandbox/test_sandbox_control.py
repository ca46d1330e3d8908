"""The control API refuses what it cannot do, stores nothing then, and never breaks; strangers may not use it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.sandbox.app import SandboxConfig, create_app
from tests.sandbox.conftest import KEY, SECRET, Sandbox

TEN_YEARS_S = 10 * 366 * 24 * 3600


@pytest.mark.parametrize("limit", ["abc", "", "-1", "0", "1e3", "9" * 400, "١"])
async def test_a_limit_that_is_no_number_is_refused(sandbox: Sandbox, limit: str) -> None:
    _refused(await sandbox.raw.get("/_sandbox/deliveries", params={"limit": limit}), "limit")


@pytest.mark.parametrize(
    ("call", "body", "member"),
    [
        ("advance", {"seconds": -5}, "seconds"),
        ("advance", {"seconds": 1e300}, "seconds"),
        ("advance", {"seconds": TEN_YEARS_S + 1}, "seconds"),
        ("advance", {"seconds": "1"}, "seconds"),
        ("advance", {}, "seconds"),
        ("advance", {"seconds": 1, "minutes": 1}, "minutes"),
        ("events", {"type": "x", "object": {}}, "type"),
        ("events", {"type": "charge.refunded", "object": {}}, "object.object"),
        ("events", {"type": "charge.refunded", "object": {"object": "charge", "id": 7}}, "object.id"),
        ("flush", {"times": 10**9}, "times"),
        ("redeliver", {"event": "evt_1", "times": 0}, "times"),
        ("pay", {"session": 7}, "session"),
        ("pay", {"session": "cs_test_1", "card": 4242}, "card"),
        ("settle_async", {}, "session"),
        ("faults", {"deliveries": {"delay_s": 1e300}}, "deliveries.delay_s"),
        ("faults", {"deliveries": {"times": 10**9}}, "deliveries.times"),
        ("faults", {"api": {"hang_s": -1}}, "api.hang_s"),
        ("faults", {"clock": {"skew_s": 10**12}}, "clock.skew_s"),
        ("faults", {"refunds": {"outcome": "maybe"}}, "refunds.outcome"),
        ("refunds", {}, "payment"),
        ("refunds", {"payment": "pi_1", "amount": 0}, "amount"),
        ("disputes", {"payment": "pi_1", "reason": "mood"}, "reason"),
        ("disputes/dp_1", {"result": "drawn"}, "result"),
    ],
)
async def test_a_wrong_member_is_named_and_nothing_is_stored(
    sandbox: Sandbox, call: str, body: Any, member: str
) -> None:
    before = await sandbox.look("state")

    _refused(await sandbox.raw.post(f"/_sandbox/{call}", json=body), member)

    after = await sandbox.look("state")
    assert after["now"] - before["now"] < 60
    assert after | {"now": 0} == before | {"now": 0}
    await sandbox.session()


async def test_the_clock_stays_within_a_century(sandbox: Sandbox) -> None:
    for _ in range(10):
        await sandbox.control("advance", seconds=TEN_YEARS_S)
    _refused(await sandbox.raw.post("/_sandbox/advance", json={"seconds": TEN_YEARS_S}), "seconds")
    await sandbox.pay(await sandbox.session())


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_at": "x"}, {"expires_at": -1}, {"expires_at": 10**300}, {"expires_at": None}, {"id": "cs_test_2"},
        {"object": "charge"}, {"amount_total": "1"}, {"amount_total": 1.5}, {"payment_intent": {}}, {"status": None},
        {"currency": "xxx"}, {"metadata": {"a": 1}}, {"livemode": 1}, {"weather": "rain"}, {"line_items": []},
        {"payment_intent": "we_sandboxdefault"},
    ],
)  # fmt: skip
async def test_an_overwritten_object_stays_well_formed(sandbox: Sandbox, wrong: dict[str, Any]) -> None:
    session = await sandbox.session()
    answer = await sandbox.raw.post(f"/_sandbox/objects/{session.id}", json={"customer_email": "a@example.com"} | wrong)
    _refused(answer, next(iter(wrong)))
    kept = await sandbox.reread(session)
    assert (kept.expires_at, kept.customer_email) == (session.expires_at, None)


async def test_a_number_that_is_no_card_is_declined_as_on_the_page(sandbox: Sandbox) -> None:
    answer = await sandbox.pay(await sandbox.session(), "xx")
    assert (answer["status"], answer["code"]) == ("declined", "incorrect_number")


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[", b"null", b"[]", b"[" * 5000, b'{"seconds":1e999}'])
async def test_a_body_that_is_no_object_is_refused(sandbox: Sandbox, raw: bytes) -> None:
    for call in ("advance", "events", "pay", "objects/we_sandboxdefault", "faults"):
        assert (await sandbox.raw.post(f"/_sandbox/{call}", content=raw)).status_code == 400


@pytest.mark.parametrize("deep", [900, 5000])
async def test_a_body_too_deep_to_keep_is_refused(sandbox: Sandbox, deep: int) -> None:
    nested = b'{"type":"a.b","object":{"object":"a","id":"b","c":' + b"[" * deep + b"]" * deep + b"}}"
    assert (await sandbox.raw.post("/_sandbox/events", content=nested)).status_code < 500


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "[::1", "", "10.0.0.1:80"])
async def test_another_host_name_is_refused(sandbox: Sandbox, host: str) -> None:
    for method, call in (("GET", "ledger"), ("POST", "reset_faults"), ("POST", "panel")):
        answer = await sandbox.raw.request(method, f"/_sandbox/{call}", headers={"Host": host})
        assert answer.status_code == 403, call


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8080"])
async def test_the_loopback_has_several_names(sandbox: Sandbox, host: str) -> None:
    origin = {"Host": host, "Origin": f"http://{host}"}
    assert (await sandbox.raw.get("/_sandbox/state", headers={"Host": host})).status_code == 200
    assert (await sandbox.raw.post("/_sandbox/reset_faults", headers=origin)).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", ""])
async def test_a_page_of_somebody_else_may_not_post(sandbox: Sandbox, origin: str) -> None:
    for call in ("reset_faults", "panel"):
        assert (await sandbox.raw.post(f"/_sandbox/{call}", headers={"Origin": origin})).status_code == 403
    assert (await sandbox.raw.get("/_sandbox/state", headers={"Origin": origin})).status_code == 200


async def test_the_panel_may_post_and_says_when_a_number_is_none(sandbox: Sandbox) -> None:
    page = await sandbox.raw.get("/")
    assert page.headers["Referrer-Policy"] == "same-origin"  # else the browser names no origin
    own = {"Origin": sandbox.config.base_url}
    form = {"do": "deliveries", "times": "2"}
    assert (await sandbox.raw.post("/_sandbox/panel", data=form, headers=own)).status_code == 303
    for wrong in ({"times": "many"}, {"times": "-1"}, {"delay_s": "nan"}, {"mode": "maybe"}):
        assert (await sandbox.raw.post("/_sandbox/panel", data=form | wrong, headers=own)).status_code == 400
    assert (await sandbox.look("faults"))["deliveries"]["times"] == 2


class Web:
    """The sandbox without a socket, called from what is not async. What it fails at is raised here."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient) -> None:
        self._runner = runner
        self._client = client

    def get(self, url: str) -> httpx.Response:
        return self._runner.run(self._client.get(url))

    def post(self, url: str, **more: Any) -> httpx.Response:
        return self._runner.run(self._client.post(url, **more))


@contextmanager
def _web(config: SandboxConfig) -> Iterator[Web]:
    app = create_app(config)
    headers = {"Authorization": f"Bearer {config.secret_key}"}
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=config.base_url, headers=headers)
    lifespan = app.router.lifespan_context(app)
    with asyncio.Runner() as runner:
        runner.run(lifespan.__aenter__())  # type: ignore[arg-type]
        yield Web(runner, client)
        runner.run(lifespan.__aexit__(None, None, None))  # type: ignore[arg-type]
        runner.run(client.aclose())


CALLS = ["faults", "reset_faults", "flush", "redeliver", "pay", "settle_async", "advance", "events", "objects"]
CALLS += ["tamper", "refunds", "disputes", "refund", "dispute"]
# Those that are about one object, and the path before its id.
ABOUT = {"objects": "objects", "tamper": "tamper", "refund": "refunds", "dispute": "disputes"}
NAMES = [
    "session",
    "card",
    "email",
    "name",
    "three_ds",
    "times",
    "shuffled",
    "again",
    "event",
    "seconds",
    "type",
    "object",
    "deliveries",
    "api",
    "mode",
    "delay_s",
    "status",
    "expires_at",
    "amount_total",
    "payment_status",
    "payment_intent",
    "currency",
    "metadata",
    "created",
    "id",
    "url",
    "customer_email",
    "latest_charge",
    "amount_received",
    "success_url",
    "payment_link",
    "active",
    "restrictions",
    "payment",
    "amount",
    "outcome",
    "result",
    "reason",
    "inquiry",
    "livemode",
]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KNOWN = st.sampled_from(
    ["cs", "pi", "evt", "plink", "4000002500003155", "AT611904300234573201", "a.b", "fail", "hold", "processing",
     "requires_action", "open", "complete", "won", "lost", "escalated", "succeeded", "failed",
     "eur", "usd", 0, 1, 5000, 10**9, 10**18, 10**40]
)  # fmt: skip
VALUE = st.recursive(
    PLAIN | KNOWN, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(NAMES), v, max_size=4)
)
BODY = st.dictionaries(st.sampled_from(NAMES), VALUE, max_size=4)
SHAPED = st.one_of(
    st.tuples(st.just("pay"), st.fixed_dictionaries({"session": KNOWN, "card": KNOWN})),
    st.tuples(st.sampled_from(["settle_async", "flush"]), st.fixed_dictionaries({"session": KNOWN})),
    st.tuples(st.just("advance"), st.fixed_dictionaries({"seconds": KNOWN})),
    st.tuples(st.just("events"), st.fixed_dictionaries({"type": st.just("a.b"), "object": BODY | st.just({})})),
    st.tuples(st.sampled_from(["refunds", "disputes"]), st.fixed_dictionaries({"payment": KNOWN})),
    st.tuples(st.sampled_from(["refund", "dispute"]), st.fixed_dictionaries({"result": KNOWN})),
    st.tuples(
        st.sampled_from(["objects", "tamper"]),
        st.dictionaries(st.sampled_from(NAMES), PLAIN | KNOWN, min_size=1, max_size=1),
    ),
)
STEP = st.tuples(st.sampled_from(CALLS), BODY) | SHAPED


def test_nothing_breaks_the_control_api(tmp_path: Path) -> None:
    """Whatever is sent, in whatever order: never a 5xx, and afterwards the sandbox can still sell."""
    quiet = SandboxConfig(tmp_path / "sandbox.db", "http://127.0.0.1", KEY, SECRET)
    with _web(quiet) as web:
        known = {"cs": _session(web), "plink": _link(web)}
        web.post("/_sandbox/pay", json={"session": _session(web)})
        known["pi"] = next(row["intent"] for row in web.get("/_sandbox/ledger").json() if row["intent"])
        opened = web.post("/_sandbox/disputes", json={"payment": known["pi"], "inquiry": True, "amount": 500})
        known["dp"] = opened.raise_for_status().json()["id"]
        known["re"] = web.post("/_sandbox/refunds", json={"payment": known["pi"], "amount": 5}).json()["id"]
        known["evt"] = web.get("/v1/events").json()["data"][0]["id"]

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(steps=st.lists(STEP, min_size=1, max_size=6), target=st.sampled_from(sorted(known)))
        def fuzz(steps: list[tuple[str, Any]], target: str) -> None:
            here = known | ({"cs": _session(web)})
            for call, body in steps:
                path = f"{ABOUT[call]}/{here[target]}" if call in ABOUT else call
                raw = json.dumps(_named(body, here)).encode("utf-8", "surrogatepass")
                answer = web.post(f"/_sandbox/{path}", content=raw)
                assert answer.status_code < 500, (path, raw, answer.text)
                assert answer.status_code < 400 or answer.json()["error"]["message"]
            for look in ("state", "ledger", "deliveries", "faults", "tamper"):
                assert web.get(f"/_sandbox/{look}").status_code == 200
            assert web.get("/").status_code == 200

        fuzz()
        web.post("/_sandbox/reset_faults")
        assert web.post("/_sandbox/pay", json={"session": _session(web)}).json()["status"] == "paid"


def _refused(answer: httpx.Response, member: str) -> None:
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == member
    assert member.rpartition(".")[2] in error["message"]


def _named(value: Any, known: dict[str, str]) -> Any:
    """With ids in place of the names of things."""
    if isinstance(value, dict):
        return {name: _named(one, known) for name, one in value.items()}
    if isinstance(value, list):
        return [_named(one, known) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


LINES = {
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "eur",
    "line_items[0][price_data][unit_amount]": "1200",
    "line_items[0][price_data][product_data][name]": "Pass",
}


def _session(web: "Web") -> str:
    # The faults of an earlier example would be met here.
    web.post("/_sandbox/reset_faults")
    given_ = {"mode": "payment", "success_url": "https://shop.example/thanks"} | LINES
    return str(web.post("/v1/checkout/sessions", data=given_).raise_for_status().json()["id"])


def _link(web: "Web") -> str:
    price = {"currency": "eur", "unit_amount": "1200", "product_data[name]": "Pass"}
    made = web.post("/v1/prices", data=price).raise_for_status().json()["id"]
    lines = {"line_items[0][price]": made, "line_items[0][quantity]": "1"}
    return str(web.post("/v1/payment_links", data=lines).raise_for_status().json()["id"])
