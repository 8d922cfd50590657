"""The one browser of the journeys: the system's, so that nothing has to be downloaded."""

from pathlib import Path

from playwright.sync_api import Browser, Playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright) -> Browser:
    """A browser that asks nobody but the shop and ND8."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
