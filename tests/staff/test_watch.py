"""Figures tell what happened, in each currency for itself, and follow without a reload."""

import re

from tests.running import Running

from .browsing import member


async def test_figures_follow_what_happens_and_never_add_currencies(gatepass: Running) -> None:
    tokyo = await gatepass.at(("Day", 18000, 10), currency="JPY")
    async with member(gatepass, "viewer") as viewer:
        page = (await viewer.get("/staff/figures")).text
        assert len(page) < 150_000
        following = re.search(r'hx-get="([^"]+)"', page)
        assert following
        again = following[1].replace("&amp;", "&")
        assert (await viewer.get(again)).status_code == 204

        await gatepass.paid()
        await tokyo.paid(pass_name="Day")
        refunded = await gatepass.paid()
        await gatepass.refund(refunded)
        await gatepass.until_refunded(refunded, "succeeded")

        changed = await viewer.get(again)
        assert changed.status_code == 200
        assert "Revenue, EUR" in changed.text
        assert "Revenue, JPY" in changed.text
        assert "¥18,000" in changed.text
        assert "Refund succeeded" in changed.text
        own = (await viewer.get(f"/staff/events/{tokyo.event.id}/figures?period=7")).text
        assert "Revenue, EUR" not in own
        assert "1 sold, 0 held, 9 left" in own
        assert "Completed</span> <b>1" in own
