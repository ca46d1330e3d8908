"""Promise 8 by places: unique secrets and people are pushed through every flow, and found only where they belong.

test_logs tells of the bad days; here is the rest: money back, disputes, set-up by page and by command, programs, webhooks.
"""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx

from tests import commands
from tests.test_cli import Demo, demo

CARD, DECLINED = "4242424242424242", "4000000000009995"
NOWHERE = "http://127.0.0.1:9"
PATIENCE_S = 30.0


@dataclass
class Canaries:
    """What was pushed through, by what it is; and the pages that a stranger or a member of staff read meanwhile."""

    mark: str
    secrets: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    """To an order: the provider is told where to send the buyer back."""
    people: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    colleagues: dict[str, str] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def by_kind(self) -> Mapping[str, Mapping[str, str]]:
        """As BELONGS names them."""
        return {
            "secrets": self.secrets, "links": self.links, "people": self.people, "colleagues": self.colleagues,
            "reasons": self.reasons,
        }  # fmt: skip


_CONTACT = {f"contact.{name}" for name in ("firstname", "lastname", "fullname", "emailaddress1")}
_ATTENDEE = {f"attendee.{name}" for name in ("first_name", "last_name", "email")}
BELONGS: Mapping[str, set[str]] = {
    "secrets": set(),
    "links": {"payment.return_url", "notification.body"},
    # What was mailed to whom, what an integrator was told who asked for it, the provider's own words, the proof for a bank,
    # and what staff or a program changed.
    "people": _CONTACT | _ATTENDEE | {
        "mail.recipient", "draft.typed", "webhook_message.body", "notification.body", "dispute.evidence", "audit.detail"
    },
    "colleagues": {
        "staff_user.email", "staff_user.name", "systemuser.internalemailaddress", "systemuser.fullname", "audit.detail"
    },
    "reasons": {"audit.detail", "refund.reason"},
}  # fmt: skip
"""Columns in which each kind may stand."""


def test_secrets_and_people_are_found_only_where_they_belong(tmp_path: Path) -> None:
    canaries = Canaries(uuid4().hex[:12])
    with demo(tmp_path, GATEPASS_LOG_LEVEL="debug") as running:
        _sets_up(running, canaries)
        _sells_and_gives_back(running, canaries)
        _is_disputed(running, canaries)
        _programs_ask(running, canaries)
        _until_told(running)
    data = tmp_path / "data"
    said = running.stdout.read_text().partition("\n")[2] + running.stderr.read_text()

    assert "webhook" in said
    for pushed in canaries.by_kind().values():
        for what, canary in pushed.items():
            assert canary not in said, f"{what} is in the log"
    for kind, pushed in canaries.by_kind().items():
        for what, canary in pushed.items():
            assert _places(data, canary) <= BELONGS[kind], what
    assert {what for what, canary in canaries.secrets.items() for page in canaries.read if canary in page} == set()
    assert _places(data, canaries.people["Disputed email"]) >= {"attendee.email", "dispute.evidence"}


def _sets_up(running: Demo, canaries: Canaries) -> None:
    """A provider's keys and its webhook, a site, an event, and a webhook of an integrator."""
    told = running.told
    with _signed_in(running) as boss:
        listed = boss.get("/staff/providers").text
        provider = re.findall(r"/staff/providers/[0-9a-f-]{36}", listed)[0]
        key = told["sandbox"]["stripe_secret_key"]
        wrong = f"sk_test_wrong{canaries.mark}"
        canaries.secrets |= {"wrong key": wrong, "typed key": f"pk_live_{canaries.mark}"}
        for value in (wrong, f"pk_live_{canaries.mark}", key):
            canaries.read.append(boss.post(f"{provider}/keys", data={"name": "secret_key", "secret_key": value}).text)
            canaries.read.append(boss.get(f"{provider}/check").text)
        assert boss.post(f"{provider}/webhook").status_code == 303
        canaries.read += [boss.get(provider).text, boss.get("/staff/audit").text]
        canaries.secrets["provider key"] = key
    hook = f"{NOWHERE}/hook-{canaries.mark}"
    canaries.secrets["integrator's secret"] = _command(running, "webhook", "add", hook, "--personal").split()[-1]
    canaries.secrets["API token"] = _command(running, "application", "token", "script").split()[-1]
    added = _command(running, "application", "add", "Program", "--role", "administrator")
    canaries.secrets["client secret"] = added.split()[-1]
    guest = f"cli.{canaries.mark}@example.org"
    canaries.colleagues["colleague"] = guest
    canaries.secrets["invitation"] = _command(running, "user", "add", guest).split()[-1].rpartition("/")[2]


def _sells_and_gives_back(running: Demo, canaries: Canaries) -> None:
    """Declined, paid, mailed again, corrected, refunded."""
    order = _bought(running, canaries, "Refunded")
    with _signed_in(running) as boss:
        page = f"/staff/purchases/{order}"
        reason = f"reason-{canaries.mark}"
        canaries.reasons["reason"] = reason
        assert boss.post(f"{page}/resend").status_code == 303
        ways = re.findall(rf"{page}/attendees/[0-9a-f-]{{36}}", boss.get(f"{page}/help").text)
        new = {
            "first_name": f"New{canaries.mark}",
            "last_name": f"Name{canaries.mark}",
            "email": f"new.{canaries.mark}@example.org",
        }
        canaries.people |= {f"corrected {name}": value for name, value in new.items()}
        assert boss.post(ways[0], data=new | {"reason": reason}).status_code == 303
        left = re.findall(r'name="left" value="(\d+)"', boss.get(f"{page}/refund").text)[0]
        answer = boss.post(f"{page}/refund", data={"what": "all", "reason": reason, "left": left, "sure": "yes"})
        assert answer.status_code == 303, answer.text
        canaries.read += [boss.get(page).text, boss.get("/staff/attention").text, boss.get("/staff/audit").text]
        canaries.read.append(boss.get(f"/staff/purchases?q={quote(new['email'])}").text)


def _is_disputed(running: Demo, canaries: Canaries) -> None:
    """The evidence tells of the buyer, for whoever may read it."""
    order = _bought(running, canaries, "Disputed")
    database = running.stdout.parent / "data" / "gatepass.db"
    ref = _sql(
        database,
        "select intent_ref from payment where intent_ref is not null and state = 'succeeded' order by id desc limit 1",
    )
    _control(running, "disputes", payment=ref[0][0])
    _until(lambda: bool(_sql(database, "select 1 from dispute where evidence is not null")))
    dispute = str(UUID(_sql(database, "select id from dispute")[0][0]))
    assert canaries.people["Disputed email"] in _command(running, "evidence", dispute)
    _command(running, "timeline", order)


def _bought(running: Demo, canaries: Canaries, what: str) -> str:
    """The id of an order that was declined first."""
    mark = f"{what.lower()}{canaries.mark}"
    person = {"firstName": f"F{mark}", "lastName": f"L{mark}", "email": f"{mark}@example.org"}
    canaries.people |= {f"{what} {name}": value for name, value in person.items()}
    order = running.register(**person)
    with httpx.Client(timeout=30) as web:
        page = web.get(order["redirectUrl"]).headers["location"]
        _control(running, "pay", session=page, card=DECLINED, email=person["email"])
        paid = _control(running, "pay", session=page, card=CARD, email=person["email"])
        back = web.get(paid["success_url"], follow_redirects=True)
        canaries.links[f"{what}: link of the order"] = str(back.url).partition("/orders/")[2].partition("/")[0]
        canaries.secrets[f"{what}: signature of the payment link"] = order["redirectUrl"].partition("signature=")[2]
        timeline = web.get(f"{back.url}/timeline")
        assert timeline.status_code == 200
    canaries.secrets |= {"card": CARD, "declined card": DECLINED}
    database = running.stdout.parent / "data" / "gatepass.db"
    done = f"select 1 from purchase where id = '{order['purchaseId'].replace('-', '')}' and status = 'completed'"
    _until(lambda: bool(_sql(database, done)))
    return order["purchaseId"]


def _programs_ask(running: Demo, canaries: Canaries) -> None:
    """By the Web API: tokens taken, people looked for, and refusals that name what was asked."""
    told = running.told["dataverse"]
    canaries.secrets |= {"demo's token": told["token"], "demo's client secret": told["client_secret"]}
    api = f"{told['url']}/api/data/v9.2"
    mail = canaries.people["Refunded email"]
    with httpx.Client(headers={"Authorization": f"Bearer {told['token']}"}, timeout=30) as web:
        found = web.get(f"{api}/contacts?$filter=" + quote(f"emailaddress1 eq '{mail}'"))
        assert mail in found.text
        for path in (
            f"contacts?$filter=nonsense eq '{mail}'",
            f"contacts({canaries.mark})",
            f"{mail}",
            "contacts?$top=x",
        ):
            assert web.get(f"{api}/{path}").status_code >= 400
        contact = {"firstname": "Api", "lastname": "Person", "emailaddress1": f"api.{canaries.mark}@example.org"}
        canaries.people["contact of a program"] = contact["emailaddress1"]
        assert web.post(f"{api}/contacts", json=contact).status_code == 204
        assert web.post(f"{api}/contacts", content=f'{{"emailaddress1": "{mail}"'.encode()).status_code == 400
        canaries.read.append(web.get(f"{api}/msevtmgt_eventpurchases?$top=50").text)
        canaries.read.append(web.get(f"{api}/webapplications?$top=50").text)
    wrong = f"wrong-{canaries.mark}"
    canaries.secrets["wrong client secret"] = wrong
    form = {"grant_type": "client_credentials", "client_id": told["client_id"], "client_secret": wrong}
    answer = httpx.post(
        f"{told['authority']}/{told['tenant_id']}/oauth2/v2.0/token", data=form | {"scope": f"{told['url']}/.default"}
    )
    assert answer.status_code in {400, 401}
    canaries.read.append(answer.text)


def _until_told(running: Demo) -> None:
    """The integrator does not answer: the log tells so, and its messages wait."""
    _until(lambda: "webhook" in running.stderr.read_text())


@contextmanager
def _signed_in(running: Demo) -> Iterator[httpx.Client]:
    staff = running.told["staff"]
    own = {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=running.told["base_url"], headers=own, timeout=30) as boss:
        answer = boss.post("/staff/sign-in", data={"email": staff["email"], "password": staff["password"]})
        assert answer.status_code == 303
        yield boss


def _control(running: Demo, what: str, **body: Any) -> Any:
    answer = httpx.post(f"{running.told['sandbox']['url']}/_sandbox/{what}", json=body, timeout=30)
    assert answer.is_success, answer.text
    return answer.json()


def _command(running: Demo, *arguments: str) -> str:
    """What it said to whoever ran it."""
    done = commands.gatepass(*arguments, "--data-dir", str(running.stdout.parent / "data"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _places(data: Path, canary: str) -> set[str]:
    """Columns of the database, as `table.column`, in which this text stands, as text or inside of bytes."""
    found = set[str]()
    with sqlite3.connect(data / "gatepass.db") as database:
        for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            for column in database.execute(f'pragma table_info("{table}")').fetchall():
                there = f'select 1 from "{table}" where instr(cast("{column[1]}" as blob), cast(? as blob)) limit 1'
                if database.execute(there, (canary,)).fetchone():
                    found.add(f"{table}.{column[1]}")
    return found


def _sql(database: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(database, timeout=20)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
