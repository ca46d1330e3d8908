"""Can money come, and would we hear of it: what `gatepass doctor` and `gatepass connect` find and mend."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from subprocess import CompletedProcess
from typing import Any

import pytest
import sqlalchemy as sa

from gatepass import app, doctor
from gatepass.config import Settings
from gatepass.model.build import SYSTEM_USER
from gatepass.providers.base import Check, Health, Part
from gatepass.providers.stripe.account import Endpoint, clock, mode, webhook
from gatepass.providers.stripe.client import API_VERSION
from gatepass.providers.stripe.notifications import OUR_EVENTS
from gatepass.services import connecting, connection
from gatepass.services.access import Caller, Role
from gatepass.services.connecting import SECRET_KEY
from gatepass.services.connection import Place
from gatepass.store import tables
from tests import commands
from tests.running import NOTIFY, STRIPE_KEY, Running

URL = "https://pass.example/GatewayEvents/HandleStripeEvent"
GOOD = Endpoint("we_1", URL, "enabled", sorted(OUR_EVENTS), API_VERSION)


async def test_a_registered_webhook_is_found_good_and_can_be_registered_again(gatepass: Running) -> None:
    """The sandbox's own endpoint asks for everything, in no version of its own: that is said, but breaks nothing."""
    loose = await _findings(gatepass)
    assert {one.what for one in loose} == set(Part)
    assert _worst(loose) is Health.WARNING
    assert {"sends more than is needed", "speaks API version"} <= _words(
        loose, "sends more than is needed", "speaks API version"
    )

    made = await _gatepass(gatepass, "connect", "stripe", "--register-webhook")
    again = await _gatepass(gatepass, "connect", "stripe", "--register-webhook")
    both = await _findings(gatepass)
    (old,) = [one["id"] for one in await _endpoints(gatepass) if one["api_version"] is None]
    await gatepass.client.delete(
        f"{gatepass.sandbox.url}/v1/webhook_endpoints/{old}", headers={"Authorization": f"Bearer {STRIPE_KEY}"}
    )

    assert made.stdout.count("whsec_") == 2
    assert "GATEPASS_STRIPE_WEBHOOK_SECRET=<the one before>,whsec_" in made.stdout
    assert (again.returncode, "whsec_" in again.stdout) == (0, False)
    assert _words(both, "2 endpoints send to")
    assert _worst(await _findings(gatepass)) is Health.FINE
    assert (await _gatepass(gatepass, "connect", "stripe")).returncode == 0


async def test_an_endpoint_that_is_switched_off_or_deaf_is_mended_by_registering_again(gatepass: Running) -> None:
    stripe = gatepass.installation.desk.providers["stripe"]
    assert await stripe.subscribe(f"{gatepass.base_url}{NOTIFY}")
    mine = next(one["id"] for one in await _endpoints(gatepass) if one["api_version"])
    await _change(gatepass, mine, {"disabled": "true", "enabled_events[0]": "refund.failed"})
    assert (mine, "disabled") in [(one["id"], one["status"]) for one in await _endpoints(gatepass)]

    assert await stripe.subscribe(f"{gatepass.base_url}{NOTIFY}") is None

    (mended,) = [one for one in await _endpoints(gatepass) if one["id"] == mine]
    assert (mended["status"], mended["enabled_events"]) == ("enabled", sorted(OUR_EVENTS))


async def test_without_a_webhook_it_is_said_how_soon_payments_are_found(gatepass: Running) -> None:
    for one in await _endpoints(gatepass):
        await _change(gatepass, one["id"], {"url": "https://elsewhere.example/"})

    pulling = await _findings(gatepass, pull_every=timedelta(seconds=30))
    silent = await _findings(gatepass)

    assert _worst(pulling) is Health.WARNING
    assert _words(pulling, "found by pulling within 30 s", "connect stripe --register-webhook")
    assert _worst(silent) is Health.BROKEN


async def test_a_key_that_is_not_accepted_and_a_provider_that_is_away_are_told_apart(gatepass: Running) -> None:
    settings = gatepass.installation.settings
    for changed, words in (
        (replace(settings, stripe_secret_key="sk_test_rolled"), "does not accept our key"),
        (replace(settings, stripe_api_base="http://127.0.0.1:1"), "Is this machine online"),
    ):
        told: list[str] = []
        code = await asyncio.to_thread(doctor.run, changed, told.append)
        assert code == 1
        assert any(line.startswith("BROKEN stripe key") and words in line for line in told), told
        assert any(line.startswith(("ok     promise 1", "ok     promise 2")) for line in told)


async def test_a_provider_that_hangs_does_not_hold_the_doctor_up(gatepass: Running) -> None:
    await gatepass.sandbox.control("faults", api={"hang_s": 7, "path_contains": "events"})
    loop = asyncio.get_running_loop()
    began = loop.time()

    found = await _findings(gatepass)

    assert loop.time() - began < connection.PATIENCE_S + 2
    assert _words(found, "does not answer within 5 s")
    await gatepass.sandbox.control("reset_faults")


async def test_a_clock_that_is_minutes_off_is_found_by_asking(gatepass: Running) -> None:
    await gatepass.sandbox.control("faults", clock={"skew_s": -400})

    (found,) = [one for one in await _findings(gatepass) if one.what is Part.CLOCK]

    assert (found.health, "ahead of Stripe's" in found.says) == (Health.BROKEN, True)
    await gatepass.sandbox.control("reset_faults")


async def test_doctor_shows_work_that_was_given_up(gatepass: Running) -> None:
    await gatepass.notify({"id": "evt_x", "type": "refund.failed", "data": {"object": {"id": "re_unknown"}}})
    await gatepass.until(gatepass.attention)

    said = await _gatepass(gatepass, "doctor")

    assert said.returncode == 1
    assert "ok     work: 0 jobs parked" in said.stdout
    assert "1 notifications quarantined" in said.stdout
    assert "gatepass replay --parked" in said.stdout


@pytest.mark.parametrize(
    ("ahead_s", "health"),
    [(0, Health.FINE), (-59, Health.FINE), (61, Health.WARNING), (-200, Health.WARNING), (301, Health.BROKEN)],
)
def test_a_clock_that_is_wrong_is_said_before_it_hurts(ahead_s: int, health: Health) -> None:
    now = datetime.now(UTC).replace(microsecond=0)

    (found,) = clock(format_datetime(now, usegmt=True), now.timestamp() + ahead_s)

    assert found.health is health
    assert f"{abs(ahead_s)} s {'ahead of' if ahead_s > 0 else 'behind'}" in found.says
    assert clock(None, now.timestamp()) == []


def test_a_key_of_one_mode_that_shows_the_other_is_broken() -> None:
    assert mode(found_live=True, live=False).health is Health.BROKEN
    assert mode(found_live=True, live=True).health is Health.FINE
    assert mode(found_live=False, live=True).health is Health.FINE


@pytest.mark.parametrize(
    ("endpoints", "listening", "health", "words"),
    [
        ([GOOD], True, Health.FINE, "we_1 sends all"),
        ([], True, Health.BROKEN, "no endpoint"),
        ([GOOD], False, Health.BROKEN, "GATEPASS_STRIPE_WEBHOOK_SECRET is not set"),
        ([Endpoint("we_2", URL, "disabled", sorted(OUR_EVENTS), API_VERSION)], True, Health.BROKEN, "is disabled"),
        ([Endpoint("we_2", URL, "enabled", ["refund.failed"], API_VERSION)], True, Health.BROKEN, "charge.refunded"),
        ([Endpoint("we_2", URL, "enabled", [*OUR_EVENTS, "payout.paid"], API_VERSION)], True, Health.WARNING, "payout.paid"),
        ([Endpoint("we_2", URL, "enabled", ["*"], API_VERSION)], True, Health.WARNING, "more than is needed: *"),
        ([Endpoint("we_2", URL, "enabled", sorted(OUR_EVENTS), "2020-08-27")], True, Health.WARNING, "2020-08-27"),
        ([GOOD, GOOD], True, Health.WARNING, "2 endpoints"),
    ],
)  # fmt: skip
def test_the_endpoint_is_compared_with_what_is_needed(
    endpoints: Sequence[Endpoint], listening: bool, health: Health, words: str
) -> None:
    (found,) = webhook(endpoints, URL, listening=listening)

    assert found.health is health
    assert words in found.says


@pytest.mark.parametrize(
    ("base_url", "live", "health"),
    [
        ("http://127.0.0.1:8000", False, Health.FINE),
        ("http://127.0.0.1:8000", True, Health.BROKEN),
        ("https://localhost", True, Health.BROKEN),
        ("https://192.168.1.5", True, Health.BROKEN),
        ("https://gatepass", True, Health.BROKEN),
        ("http://pass.example", True, Health.BROKEN),
        ("https://pass.example", True, Health.FINE),
    ],
)
def test_where_money_moves_the_address_can_be_reached(base_url: str, live: bool, health: Health) -> None:
    assert connection.address(Place(base_url, live, None)).health is health


async def _findings(gatepass: Running, **changes: Any) -> list[Check]:
    here = gatepass.installation
    return await connection.check(here.desk.providers["stripe"], replace(app.place(here.settings), **changes))


def _worst(found: Sequence[Check]) -> Health:
    return max((one.health for one in found), key=[Health.FINE, Health.WARNING, Health.BROKEN].index)


def _words(found: Sequence[Check], *wanted: str) -> set[str]:
    """Those of the wanted words that somebody says; all of them must be."""
    said = " ".join(one.says for one in found)
    assert all(words in said for words in wanted), said
    return set(wanted)


async def _endpoints(gatepass: Running) -> list[Any]:
    return (await gatepass.sandbox.stripe("webhook_endpoints", limit=100))["data"]


async def _change(gatepass: Running, endpoint: str, values: dict[str, str]) -> None:
    answer = await gatepass.client.post(
        f"{gatepass.sandbox.url}/v1/webhook_endpoints/{endpoint}",
        data=values,
        headers={"Authorization": f"Bearer {STRIPE_KEY}"},
    )
    assert answer.status_code == 200, answer.text


async def _gatepass(gatepass: Running, *arguments: str) -> CompletedProcess[str]:
    """A command that finds the same settings, as a process of its own."""
    settings = gatepass.installation.settings
    variables = {
        "GATEPASS_DATA_DIR": str(settings.data_dir),
        "GATEPASS_DATABASE_URL": settings.database_url,
        "GATEPASS_BASE_URL": settings.base_url,
        "GATEPASS_STRIPE_API_BASE": settings.stripe_api_base,
        "GATEPASS_STRIPE_SECRET_KEY": STRIPE_KEY,
        "GATEPASS_STRIPE_WEBHOOK_SECRET": ",".join(settings.stripe_webhook_secret),
        "GATEPASS_PULL_SECONDS": "0",
    }
    return await asyncio.to_thread(commands.gatepass, *arguments, **variables)


async def test_the_doctor_asks_with_the_key_that_staff_gave(gatepass: Running) -> None:
    """It wins over the settings, as in every process; one that cannot be read is no reason to fall back."""
    settings = gatepass.installation.settings

    await _give(gatepass, SECRET_KEY, STRIPE_KEY)
    told = await _doctor(replace(settings, stripe_secret_key=None))
    assert any(line.startswith("ok     stripe key") for line in told), told

    told = await _doctor(replace(settings, secret_key=("another key of this installation, too long to guess",)))
    assert any(line.startswith("BROKEN keys") and "GATEPASS_SECRET_KEY" in line for line in told), told

    await _give(gatepass, SECRET_KEY, "sk_test_rolled_long_ago")
    told = await _doctor(settings)
    assert any(line.startswith("BROKEN stripe key") for line in told), told
    said, _, code = await gatepass.command("connect", "stripe")
    assert (code, "does not accept our key" in said) == (1, True)


async def test_the_doctor_warns_of_a_hold_that_is_shorter_than_a_page_can_be(gatepass: Running) -> None:
    settings, shorter = gatepass.installation.settings, sa.update(tables.payment_provider).values(timeout_minutes=10)
    assert not [line for line in await _doctor(settings) if " hold:" in line]
    await gatepass.store.write(lambda tx: tx.execute(shorter))

    (told,) = [line for line in await _doctor(settings) if " hold:" in line]

    assert told.startswith("WARN   hold: the payment timeout of 'Stripe' is 10 minutes")


async def test_a_webhook_of_a_key_that_staff_gave_is_kept_beside_it(gatepass: Running) -> None:
    for one in await _endpoints(gatepass):
        await _change(gatepass, one["id"], {"url": "https://elsewhere.example/"})
    await _give(gatepass, SECRET_KEY, STRIPE_KEY)

    said, complaint, code = await gatepass.command("connect", "stripe", "--register-webhook")

    assert code == 0, complaint
    assert ("is stored" in said, "whsec_" in said) == (True, False)
    keys = await gatepass.store.read(lambda tx: connecting.newest(tx, app.vault(gatepass.installation.settings)))
    assert keys
    assert keys.webhook_secrets


async def _doctor(settings: Settings) -> list[str]:
    told: list[str] = []
    await asyncio.to_thread(doctor.run, settings, told.append)
    return told


async def _give(gatepass: Running, name: str, value: str) -> None:
    vault = app.vault(gatepass.installation.settings)
    who = Caller("anna", Role.ADMINISTRATOR, SYSTEM_USER)
    await gatepass.store.write(
        lambda tx: connecting.set_key(tx, vault, who, gatepass.provider_id, name, value, live=False)
    )
