"""Promise 8: no secret, card number or personal datum reaches a log, whatever happens and however much is logged."""

import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx

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
        return {
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
