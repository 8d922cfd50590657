"""The one browser of the journeys: the system's, so that nothing has to be downloaded."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def demand() -> None:
    """Skip what needs the browser where there is none, and fail where there must be one."""
    if not CHROMIUM.exists():
        reason = f"There is no {CHROMIUM}: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


def launch(playwright: Playwright) -> Browser:
    """A browser that asks nobody but the shop and ND8."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
