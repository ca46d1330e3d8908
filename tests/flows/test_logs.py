"""Promise 8: no secret, card number or personal datum reaches a log, whatever happens and however much is logged."""

import json
import re
import sqlite3
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pyotp

from tests.running import signature
from tests.test_cli import Demo, demo

CARD, DECLINED = "4242424242424242", "4000000000009995"


def test_nothing_personal_and_no_secret_is_ever_logged(tmp_path: Path) -> None:
    mark = uuid4().hex[:12]
    with demo(tmp_path, GATEPASS_LOG_LEVEL="debug") as running:
        canaries = _live_through_everything(running, mark)
    said = running.stdout.read_text().partition("\n")[2] + running.stderr.read_text()

    # The log is on, and tells of what went wrong: else this would prove nothing.
    assert "notification.refused" in said
    assert "job.failed" in said
    for line in running.stderr.read_text().splitlines():
        assert json.loads(line)["event"]
    assert {what for what, canary in canaries.items() if canary in said} == set()


def _live_through_everything(running: Demo, mark: str) -> dict[str, str]:
    """Good days and bad ones; what must never be seen."""
    told = running.told
    sandbox, base = told["sandbox"]["url"], told["base_url"]
    buyer = {
        "firstName": f"First{mark}", "lastName": f"Last{mark}", "email": f"mail.{mark}@example.org",
        "responses": [{"id": "diet", "value": f"answer-{mark}"}],
    }  # fmt: skip
    with httpx.Client(timeout=30) as client:
        order = running.register(**buyer)
        client.post(f"{sandbox}/_sandbox/faults", json={"api": {"status": 500}})
        assert client.get(order["redirectUrl"]).status_code == 503
        client.post(f"{sandbox}/_sandbox/reset_faults")
        page = client.get(order["redirectUrl"]).headers["location"]
        client.post(f"{sandbox}/_sandbox/pay", json={"session": page, "card": DECLINED, "email": buyer["email"]})
        client.post(f"{sandbox}/_sandbox/faults", json={"api": {"status": 500}})
        paid = client.post(
            f"{sandbox}/_sandbox/pay", json={"session": page, "card": CARD, "email": buyer["email"]}
        ).json()
        _until_logged(running, "job.failed")
        client.post(f"{sandbox}/_sandbox/reset_faults")
        back = client.get(paid["success_url"], follow_redirects=True)
        assert back.status_code == 200
        _be_refused(client, running, mark, buyer["email"])
        return _let_somebody_in(running, mark) | {
            "mail": buyer["email"],
            "first name": buyer["firstName"],
            "last name": buyer["lastName"],
            "answer": f"answer-{mark}",
            "card": CARD,
            "declined card": DECLINED,
            "stripe key": told["sandbox"]["stripe_secret_key"],
            "webhook secret": told["sandbox"]["stripe_webhook_secret"],
            "application token": told["events_api"]["token"],
            "api token": told["dataverse"]["token"],
            "staff password": told["staff"]["password"],
            "wrong secret": f"secret-{mark}",
            "wrong password": f"password-{mark}",
            "order link": urlsplit(str(back.url)).path.rpartition("/")[2],
            "way back": urlsplit(paid["success_url"]).path.rpartition("/")[2],
            "link signature": parse_qs(urlsplit(order["redirectUrl"]).query)["signature"][0],
            "own key": (Path(told["mail_dir"]).parent / "secret.key").read_text().strip(),
            "mark": mark,
            "home": base + "/orders/",
        }


def _let_somebody_in(running: Demo, mark: str) -> dict[str, str]:
    """Invited, in with a second factor, refused, and with a new password; what must never be seen of it."""
    told, own = running.told, {"Sec-Fetch-Site": "same-origin"}
    guest, password = f"guest.{mark}@example.org", f"kettle {mark} harbour"
    with (
        httpx.Client(base_url=told["base_url"], headers=own) as boss,
        httpx.Client(base_url=told["base_url"], headers=own) as web,
    ):
        boss.post("/staff/sign-in", data={"email": told["staff"]["email"], "password": told["staff"]["password"]})
        invited = {"email": guest, "name": f"Name{mark}", "role": "finance", "reason": f"reason-{mark}"}
        assert boss.post("/staff/people", data=invited).status_code == 303
        invitation = _mailed_link(running, guest)
        assert web.post(invitation, data={"password": f"short-{mark}"[:11]}).status_code == 422
        assert web.post(invitation, data={"password": password}).status_code == 303
        web.post("/staff/sign-in", data={"email": guest, "password": password})
        secret = re.findall(r"<code>([A-Z2-7]{32})</code>", web.post("/staff/account/second-factor").text)[0]
        code = pyotp.TOTP(secret).now()
        codes = re.findall(
            r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}", web.post("/staff/account/second-factor/code", data={"code": code}).text
        )
        session = web.cookies["gatepass_staff"]
        pages = [
            web.post("/staff/confirm", data={"proof": f"proof-{mark}"}),
            web.post("/staff/sign-in/code", data={"code": codes[1]}),
            web.get("/staff/people"), web.get("/staff/audit"), boss.get("/staff/people"), boss.get("/staff/audit"),
            web.post("/staff/forgot", data={"email": guest}), web.post(invitation, data={"password": f"again {password}"}),
            web.get(f"/staff/link/token-{mark}"), web.get(f"/staff/sign-in/back?code=code-{mark}&state=state-{mark}"),
        ]  # fmt: skip
    canaries = {
        "guest": guest, "guest's password": password, "invitation": invitation.rpartition("/")[2], "app's secret": secret,
        "recovery code": codes[0], "session": session, "proof": f"proof-{mark}", "foreign code": f"code-{mark}",
    }  # fmt: skip
    # Not on pages either: an address is shown to those who administer it, a secret to nobody.

    shown = {what for what, canary in canaries.items() for page in pages if canary in page.text} - {"guest"}
    assert shown == set()
    with sqlite3.connect(Path(told["mail_dir"]).parent / "gatepass.db") as database:
        dump = "\n".join(database.iterdump())
    kept = {what for what, canary in canaries.items() if canary in dump or canary.encode().hex() in dump.lower()}
    assert kept == {"guest"}
    return canaries


def _mailed_link(running: Demo, email: str) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for path in Path(running.told["mail_dir"]).glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            if email in str(mail["to"]):
                return re.findall(r"http\S+/staff/link/\S+", mail.get_content())[0]
        time.sleep(0.05)
    raise AssertionError("no mail came")


def _be_refused(client: httpx.Client, running: Demo, mark: str, mail: str) -> None:
    told = running.told
    base, api = told["base_url"], told["events_api"]
    event = f"{api['endpoint']}events/{told['event']['readable_event_id']}"
    token = {"emApplicationtoken": api["token"]}
    client.get(f"{event}?emApplicationtoken=secret-{mark}")
    client.post(f"{event}/registrations", params=token, content=f'{{"attendees": "{mail}"'.encode())
    client.post(f"{event}/registrations", params=token, json={"attendees": [{"email": mail, "card": CARD}]})
    client.post(f"{event}-{mark}/registrations", params=token, json={"attendees": []})
    client.get(f"{base}/e/{mark}%00{mail}")
    client.get(f"{base}/orders/{mark}")
    client.get(f"{base}/GatewayRedirect/Return/{mark}")
    client.post(f"{base}/staff/sign-in", data={"email": mail, "password": f"password-{mark}"})
    running.finalize(str(uuid4()), f"secret-{mark}")
    running.finalize(mark)
    for secret in (f"secret-{mark}", told["sandbox"]["stripe_webhook_secret"]):
        body = json.dumps({"id": mark, "data": mail}).encode()
        signed = {"Stripe-Signature": signature(body, secret, 1)}
        assert client.post(f"{base}/GatewayEvents/HandleStripeEvent", content=body, headers=signed).status_code == 400


def _until_logged(running: Demo, what: str) -> None:
    deadline = time.monotonic() + 10
    while what not in running.stderr.read_text():
        assert time.monotonic() < deadline, f"{what} was never logged"
        time.sleep(0.05)
