"""A browser for the tests, where this machine has one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

__all__ = ["absent", "chromium"]

# What keeps Chromium from asking anybody for anything while it starts; a container gives it no sandbox.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def absent(reason: str) -> NoReturn:
    """Skip a test for want of a tool; where CONVVISION_BROWSER=required, as in CI, it fails."""
    if os.environ.get("CONVVISION_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running headless Chromium, driven by Playwright."""
    try:
        import playwright.sync_api as driver
    except ImportError:
        absent("Playwright is not installed: pip install playwright (in the extra 'test').")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        absent("Chromium is not on this machine: apt-get install chromium.")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield browser
        browser.close()
