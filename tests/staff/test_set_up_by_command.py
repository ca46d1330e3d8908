"""The same by command, as a deployment's script does it: twice makes nothing twice."""

import asyncio
import re
import shlex
from pathlib import Path
from uuid import UUID

from gatepass.services import switches
from tests import commands
from tests.running import STRIPE_KEY, Order, Running


async def test_from_nothing_to_the_first_paid_registration_by_commands(gatepass: Running) -> None:
    await gatepass.store.write(lambda tx: switches.put(tx, switches.PAYMENTS, to=False, actor="test"))
    event = (
        "event", "create", "Winter School", "--starts", "2027-12-01T09:00", "--ends", "2027-12-03T17:00", "--zone", "Europe/Berlin",
        "--provider", "Our Stripe",
    )  # fmt: skip
    script = [
        ("provider", "add", "Our Stripe"), event, ("pass", "add", "Winter School", "Full", "--price", "743", "--places", "30"),
        ("webapp", "add", "Shop", "--origin", "https://shop.example"), ("switch", "set", "payments", "on"),
    ]  # fmt: skip
    said = [await gatepass.command(*line) for line in script]
    assert [code for _, _, code in said] == [0] * len(script), said
    again = await asyncio.gather(*(gatepass.command(*line) for line in script[1:3]))
    assert list(again) == said[1:3]
    assert (await gatepass.command("event", "publish", "Winter School"))[2] == 0
    readable, pass_id = said[1][0].strip(), said[2][0].strip()
    token = said[3][0].split()[-1]
    answer = await gatepass.client.post(
        f"{gatepass.api}/events/{readable}/registrations",
        params={"emApplicationtoken": token},
        json={
            "attendees": [{"firstName": "Jane", "lastName": "Doe", "email": "jane@contoso.example", "passId": pass_id}]
        },
    )
    assert answer.json()["status"] == "Redirect", answer.text
    page = await gatepass.client.get(answer.json()["redirectUrl"])
    await gatepass.sandbox.pay(page.headers["location"])
    purchase_id = UUID(answer.json()["purchaseId"])
    await gatepass.until_status(Order(purchase_id, "Redirect", "", ""), "completed")
    await gatepass.check_promises()


def test_the_script_of_the_guide_works_on_an_empty_directory(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "setting-up.md").read_text()
    (script,) = re.findall(r"```\n(gatepass .*?)```", guide, re.S)
    settings = {"GATEPASS_DATA_DIR": str(tmp_path), "GATEPASS_STRIPE_SECRET_KEY": STRIPE_KEY}
    for line in script.splitlines():
        _gatepass, *words = shlex.split(line)
        run = commands.gatepass(*words, **settings)
        assert run.returncode == 0, (line, run.stderr)
