"""Debian's Chromium, logged in to what ``make ui`` started."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tools.ui import chromium
from tools.ui.running import RunningUi, running_ui

playwright = pytest.importorskip("playwright.sync_api")

AXE = REPOSITORY / "build/npm/node_modules/axe-core/axe.min.js"
SCREENSHOTS = REPOSITORY / "build/screenshots"


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUi]:
    """What ``make ui`` starts."""
    with running_ui(tmp_path_factory.mktemp("make-ui") / "ui") as running:
        yield running


@pytest.fixture(scope="module")
def login(ui: RunningUi, browser: playwright.Browser) -> object:
    """The cookies of the admin, by the form that everybody fills in."""
    return chromium.log_in(browser, ui)


@pytest.fixture
def open_page(
    ui: RunningUi, browser: playwright.Browser, login: object
) -> Iterator[Callable[..., playwright.Page]]:
    """Opens a page of ours; every error on its console fails the test."""
    errors: list[str] = []
    contexts = []

    def opened(
        path: str, *, scheme: str = "light", size: object = chromium.LAPTOP
    ) -> playwright.Page:
        context = browser.new_context(storage_state=login, color_scheme=scheme, viewport=size)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(chromium.PATIENCE_MS)
        page.on("console", lambda said: said.type == "error" and errors.append(said.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(ui.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def keep() -> Callable[[playwright.Page, str], Path]:
    """Keeps a picture of a page under build/screenshots."""

    def kept(page: playwright.Page, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return kept


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, as ``make axe`` fetched it."""
    if not AXE.exists():
        pytest.skip("no axe-core: make axe")
    return AXE.read_text(encoding="utf-8")
