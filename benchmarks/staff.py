"""Every page of the staff app over many purchases: how long it takes and how heavy it is, beside a page that asks for nothing."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection
from random import Random
from urllib.parse import urlencode

from benchmarks.bench import Bench
from benchmarks.by_hand import seconds
from benchmarks.history import fill_desk, id_of, purchase_id
from benchmarks.report import Measurement
from benchmarks.system import System, cpu_s, running
from gatepass.domain.purchase import order_reference
from gatepass.services import access, passwords
from gatepass.services.figures import PERIODS
from gatepass.services.views import OwnViews
from gatepass.store import Store
from gatepass.web.staff.door import HOME, SIGN_IN
from gatepass.web.staff.routes import PAGES

EMAIL, PASSWORD = "bench@contoso.example", "plum kettle orbit harbour"
TRIVIAL = "/staff/confirm"
"""A form without a question to the database but who is there."""
FAR = 400
"""Pages behind the first one."""
TIMES, WARM_UP = 30, 3
PATIENCE_S = 120.0
MOST_BYTES, MOST_P95_MS = 150_000, 100.0
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
ELSEWHERE = frozenset({"/staff/sign-in/elsewhere", "/staff/sign-in/back", "/staff/providers/{provider_id}/check"})
"""What these take is what another service takes."""


def staff(bench: Bench) -> None:
    """Each page and each filter of a list, on `bench.purchases` purchases; a second look at one is as dear as the first."""
    url = bench.database.fresh()
    filled = seconds(lambda: fill_desk(url, bench.purchases))
    bench.report.add(Measurement("staff_fill", bench.database.name, p50_ms=round(filled * 1000)))
    _let_in(url)
    with running(url, bench.folder(), "--no-worker") as system, closing(Reader(system.port)) as reader:
        trivial = _spent(reader, TRIVIAL)
        for name, address in addresses(reader, system, bench.purchases):
            line = _measured(bench, reader, name, address, system.pid)
            bench.report.add(line.beside(1000 / trivial[len(trivial) // 2], TRIVIAL))


def _let_in(url: str) -> None:
    store = Store.open(url)
    try:
        store.write_now(lambda tx: access.add_staff(tx, EMAIL, "Bench", passwords.hashed(PASSWORD), "administrator"))
    finally:
        store.close()


class Reader:
    """Somebody signed in, on one connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._http = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self._http.request("POST", "/staff/sign-in", urlencode({"email": EMAIL, "password": PASSWORD}), FORM)
        answer = self._http.getresponse()
        answer.read()
        self._cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]

    def get(self, address: str) -> bytes:
        """The page. Raises RuntimeError when there is none."""
        self._http.request("GET", address, headers={"Cookie": self._cookie})
        answer = self._http.getresponse()
        said = answer.read()
        # Who is signed in already is sent on from the pages where one signs in; nowhere else.
        if answer.status not in {200, 204, 404} and answer.headers["Location"] not in {HOME, SIGN_IN}:
            raise RuntimeError(f"GET {address}: {answer.status} {said[:300]!r}")
        return said

    def close(self) -> None:
        self._http.close()


def addresses(reader: Reader, system: System, purchases: int) -> Iterator[tuple[str, str]]:
    """Every page there is, by its name, and every way to ask the lists."""
    about = _about(reader, system, purchases)
    for page in PAGES:
        if page.method == "GET" and page.path not in ELSEWHERE:
            yield page.path, re.sub(r"\{(\w+)\}", lambda found: about[found[1]], page.path)
    for name, asked in (*_purchases(purchases), *_audit(purchases), *_figures(about)):
        yield name, asked
    for name in ("/staff/purchases", "/staff/purchases?state=completed", "/staff/audit"):
        yield f"{name} far", _far(reader, name)


def _about(reader: Reader, system: System, purchases: int) -> Mapping[str, str]:
    """What stands for the names in an address. A provider, a site and a person are found where the lists lead."""

    def first(path: str) -> str:
        found = re.search(rf'{path}/([0-9a-f-]{{36}})"', reader.get(path).decode())
        assert found, path
        return found[1]

    return {
        "event_id": str(id_of("event", 0)), "pass_id": str(id_of("pass", 0)), "purchase_id": str(purchase_id(purchases)),
        "provider_id": first("/staff/providers"), "site_id": first("/staff/sites"), "user_id": first("/staff/people"),
        "token": "unknown", "question_id": str(id_of("event", 0)),
    }  # fmt: skip


def _purchases(purchases: int) -> Iterator[tuple[str, str]]:
    number = Random(7).randint(1, purchases)
    big, small = id_of("event", 0), id_of("event", 7)
    texts = {
        "mail": f"ada{number}@example.org", "no mail": "nobody@example.org", "name": f"name{number // 10 * 10 + 1}",
        "often name": "byron", "first and last name": "ada byron", "no name": "zzz", "letter": "n",
        "reference": f"pi_{number * 2}", "no reference": "pi_unknown", "id": str(purchase_id(number)),
        "order": order_reference(purchase_id(number)), "no order": "GP-ZZZZ-ZZZZ",
    }  # fmt: skip
    for name, text in texts.items():
        yield f"/staff/purchases?q= {name}", f"/staff/purchases?{urlencode({'q': text})}"
        yield f"/staff/purchases?q=&event= {name}", f"/staff/purchases?{urlencode({'q': text, 'event': small})}"
    for state in OwnViews().states:
        for event, since in (("", ""), (big, ""), (small, ""), ("", "30"), (small, "7")):
            asked = urlencode({"state": state, "event": event, "since": since})
            which = "big" if event == big else "small" if event else ""
            yield f"/staff/purchases?state={state}&event={which}&since={since}", f"/staff/purchases?{asked}"


def _audit(purchases: int) -> Iterator[tuple[str, str]]:
    for name, value in (
        ("actor", "anna7"), ("actor", "nobody"), ("action", "purchase"), ("action", "nothing"), ("subject", "purchase:"),
        ("subject", "event:"), ("subject", f"purchase:{purchase_id(purchases)}"), ("since", "2026-01-01"),
        ("until", "2020-01-01"),
    ):  # fmt: skip
        yield f"/staff/audit?{name}={value[:9]}", f"/staff/audit?{urlencode({name: value})}"
    both = {"actor": "anna7", "subject": "event:", "action": "event"}
    yield "/staff/audit?actor=&subject=&action=", f"/staff/audit?{urlencode(both)}"


def _figures(about: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for scope in ("/staff/figures", f"/staff/events/{about['event_id']}/figures"):
        for period in PERIODS:
            yield f"{scope[:13]}…figures?period={period}", f"{scope}?period={period}"


def _far(reader: Reader, address: str) -> str:
    """The address of the page so far behind, by the links of those before."""
    for _ in range(FAR):
        found = re.search(r'href="([^"]+)" rel="next"', reader.get(address).decode())
        if found is None:
            break
        address = found[1].replace("&amp;", "&")
    return address


def _spent(reader: Reader, address: str) -> list[float]:
    """Milliseconds of each look, sorted."""
    for _ in range(WARM_UP):
        reader.get(address)
    return sorted(seconds(lambda: reader.get(address)) * 1000 for _ in range(TIMES))


def _measured(bench: Bench, reader: Reader, name: str, address: str, pid: int) -> Measurement:
    began = cpu_s(pid)
    spent, size = _spent(reader, address), len(reader.get(address))
    cpu_us = round((cpu_s(pid) - began) * 1e6 / (TIMES + WARM_UP + 1))
    half, most = spent[len(spent) // 2], spent[int(len(spent) * 0.95)]
    return Measurement(
        f"staff {name}", bench.database.name, 1, round(1000 / half, 1), p50_ms=round(half, 1), p95_ms=round(most, 1),
        cpu_us=cpu_us, bytes=size, errors=int(most > MOST_P95_MS or size > MOST_BYTES),
    )  # fmt: skip
