"""`gatepass doctor` in front of a Dataverse: what is wrong is named, with what to do."""

import pytest
import sqlalchemy as sa

from gatepass.dataverse.check import CLOCK_APART, check
from gatepass.domain.health import Health
from gatepass.store import people
from tests.remote.line import QUICK, Trouble
from tests.remote.pair import Pair


async def test_a_connection_that_works_is_fine_in_every_part(pair: Pair) -> None:
    out, _, code = await pair.command("doctor")

    assert code == 0, out
    lines = [line for line in out.splitlines() if " dataverse " in line]
    assert [line.split()[2] for line in lines] == [
        "environment:",
        "token:",
        "sign-in:",
        "clock:",
        "limits:",
        "purchases:",
        "finalizing:",
    ]
    assert not [line for line in lines if line.startswith("BROKEN")], out
    assert await pair.dynamics.attention() == [], "nothing over there was touched"


async def test_a_secret_that_ended_is_named_with_the_way_out(pair: Pair) -> None:
    pair.variables["GATEPASS_DATAVERSE_CLIENT_SECRET"] = "a-secret-that-ended-long-ago"

    out, _, code = await pair.command("doctor")

    assert code == 1
    _, line = [line for line in out.splitlines() if " dataverse " in line]
    assert line.startswith("BROKEN dataverse token:")
    assert "CLIENT_SECRET" in line
    assert "a-secret-that-ended" not in out


TYPO = "https://contoso..dynamics.com"
"""No host, and no name server has to be asked for it."""


@pytest.mark.parametrize("setting", ["URL", "AUTHORITY"])
@pytest.mark.parametrize("leads_to", ["nowhere", "another service"])
async def test_a_wrong_address_is_named_and_nothing_else(pair: Pair, setting: str, leads_to: str) -> None:
    pair.variables[f"GATEPASS_DATAVERSE_{setting}"] = TYPO if leads_to == "nowhere" else pair.sandbox.url

    out, _, code = await pair.command("doctor")

    assert code == 1
    told = {line.split()[2]: line for line in out.splitlines() if " dataverse " in line}
    wrong, fine = ("environment:", "token:") if setting == "URL" else ("token:", "environment:")
    assert told[wrong].startswith("BROKEN")
    assert f"GATEPASS_DATAVERSE_{setting} is wrong" in told[wrong]
    assert told[fine].startswith("ok"), "only one of them is wrong"
    assert not [word for word in ("CLIENT_SECRET", "application user", "is down") if word in told[wrong]]


@pytest.mark.parametrize("how", ["reset", "refused", "500"])
async def test_an_environment_that_is_down_is_said_to_be_down_and_no_setting_to_be_wrong(pair: Pair, how: str) -> None:
    # Entra ID stands elsewhere, and answers.
    pair.variables["GATEPASS_DATAVERSE_AUTHORITY"] = pair.dynamics.base_url
    if how == "refused":
        pair.variables["GATEPASS_DATAVERSE_URL"] = "http://127.0.0.1:9"
    pair.line.down = how == "reset"
    pair.line.troubles = {"GET /api/data/v9.2/WhoAmI": [Trouble.ERROR]} if how == "500" else {}

    out, _, code = await pair.command("doctor")

    assert code == 1
    environment, token = [line for line in out.splitlines() if " dataverse " in line]
    assert environment.startswith("BROKEN dataverse environment:")
    assert "The environment is down" in environment
    assert "is wrong" not in environment
    assert token.startswith("ok     dataverse token:")


async def test_an_app_that_may_do_nothing_is_told_which_role_it_needs(pair: Pair) -> None:
    weaker = sa.update(people.systemuser).where(people.systemuser.c.applicationid.is_not(None)).values(role="nobody")
    await pair.dynamics.store.write(lambda tx: tx.execute(weaker))

    found = {one.what: one for one in await _checked(pair)}

    assert found["sign-in"].health is Health.FINE
    assert found["purchases"].health is Health.BROKEN
    assert found["finalizing"].health is Health.BROKEN
    assert "role" in found["purchases"].says
    assert "role" in found["finalizing"].says


async def test_each_trouble_of_a_call_is_told_and_none_raised(pair: Pair) -> None:
    for trouble in QUICK:
        for call in ("token", "look", "finalize", "GET /api/data/v9.2/WhoAmI"):
            pair.line.troubles = {call: [trouble] * 2}

            found = await _checked(pair)

            assert found, (call, trouble)
            assert all(one.says for one in found)


async def test_a_hold_that_is_shorter_than_a_page_can_be_is_told_with_what_it_means(pair: Pair) -> None:
    assert "hold:" not in (await pair.command("doctor"))[0]
    pair.variables["GATEPASS_DATAVERSE_HOLD_MINUTES"] = "20"

    out, _, code = await pair.command("doctor")

    (line,) = [line for line in out.splitlines() if " hold:" in line]
    assert line.startswith("WARN   hold: GATEPASS_DATAVERSE_HOLD_MINUTES is 20 minutes")
    assert ("that money is late" in line, code) == (True, 0), "it works"


async def test_a_pace_above_what_dataverse_takes_and_a_clock_that_is_wrong_are_told(pair: Pair) -> None:
    pair.line.headers = {"date": "Sat, 01 Jan 2022 00:00:00 GMT", "x-ms-ratelimit-burst-remaining-xrm-requests": "12"}

    found = {one.what: one for one in await _checked(pair)}

    assert CLOCK_APART.total_seconds() <= 60
    assert found["clock"].health is Health.BROKEN
    assert "NTP" in found["clock"].says
    assert found["limits"].health is Health.WARNING
    assert "CALLS_PER_S" in found["limits"].says


async def _checked(pair: Pair) -> list:
    remote = pair.others[0].remote
    assert remote
    return await check(remote.dataverse, remote.terms.rules.calls_per_s)
