"""Debian's Chromium over a running ``make ui``: for a test, and for the docs' pictures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tools.ui.running import RunningUi

if TYPE_CHECKING:
    from playwright.sync_api import Browser, StorageState, ViewportSize

LAPTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 90_000
"""How long an element may take to appear on a busy machine; nothing here measures time."""


def program() -> str | None:
    """The browser of this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def launched(program: str) -> Iterator[Browser]:
    """A browser without a window, while the block runs."""
    with (
        sync_playwright() as started,
        started.chromium.launch(executable_path=program, chromium_sandbox=False) as browser,
    ):
        yield browser


def log_in(browser: Browser, ui: RunningUi) -> StorageState:
    """Fill in Airflow's form; the cookies that it gives."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{ui.url}/plugin/lake")
        page.locator("input[name=username]").fill("admin")
        page.locator("input[type=password]").fill(ui.password)
        page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
        page.wait_for_url("**/plugin/lake")
        return context.storage_state()
