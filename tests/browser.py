"""Where the tests' browser is. Chromium's headless shell, where there is one: the same engine at two thirds of the work."""

import os
import shutil

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium-headless-shell", "chromium", "google-chrome")


def chromium_path() -> str:
    """The program. Skips the test where there is none; fails it where one is required (GATEPASS_REQUIRE_BROWSER=1)."""
    found = os.environ.get("GATEPASS_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        reason = "there is no Chromium on this machine; set GATEPASS_CHROMIUM to one"
        pytest.fail(reason) if os.environ.get("GATEPASS_REQUIRE_BROWSER") == "1" else pytest.skip(reason)
    return found
