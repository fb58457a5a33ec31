"""What a newcomer sees after ``make ui``, in a real browser, and what the buttons do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.ui.chromium import PHONE
from tools.ui.running import RunningUi

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.dag

OpenPage = Callable[..., playwright.Page]
Keep = Callable[[playwright.Page, str], Path]

FEEDS = ("binance_agg_trades", "binance_klines", "my_candles", "okx_trades")
VIEWS = {
    "feeds": "/ticklake/",
    "coverage": "/ticklake/coverage?feed=binance_klines",
    "memory": "/ticklake/memory?feed=binance_klines",
    "data": "/ticklake/data?feed=binance_klines",
    "quarantine": "/ticklake/quarantine?feed=my_candles",
}
SERIOUS = ("serious", "critical")


def findings(page: playwright.Page, axe: str) -> list[str]:
    """What axe-core says of the page as it is, if it is serious."""
    page.evaluate(axe)
    violations = json.loads(page.evaluate("axe.run().then(r => JSON.stringify(r.violations))"))
    return [
        f"{page.url}: {violation['id']}: {node['html'][:200]}"
        for violation in violations
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def ended_well(page: playwright.Page) -> None:
    """Wait until the run that a button started has ended well."""
    page.locator("output[data-state=success], output[data-state=failed]").first.wait_for()
    assert page.locator("output[data-state=failed]").count() == 0, page.inner_text("main")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_feeds_are_the_first_page(open_page: OpenPage, keep: Keep, scheme):
    """In Airflow's own frame, after its login."""
    page = open_page("/plugin/lake", scheme=scheme)
    frame = page.frame_locator("iframe")
    for feed in FEEDS:
        frame.get_by_role("link", name=feed).first.wait_for()
    keep(page, f"airflow-{scheme}")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_read_by_everybody(open_page: OpenPage, keep: Keep, axe, view):
    """No serious finding of axe-core in light, in dark and on a phone, where nothing overflows."""
    serious = []
    for name, options in {
        "light": {},
        "dark": {"scheme": "dark"},
        "phone": {"size": PHONE},
    }.items():
        page = open_page(VIEWS[view], **options)
        page.get_by_role("heading", level=1).wait_for()
        keep(page, f"{view}-{name}")
        serious += findings(page, axe)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
    assert serious == []


def test_a_missing_hour_is_fetched_again(open_page: OpenPage, keep: Keep, axe):
    """From the heat map to the hour, and from a button to a window that is complete."""
    page = open_page(VIEWS["coverage"])
    missing = page.locator("#month").get_by_role("row", name="missing")
    page.get_by_role("heading", level=1).wait_for()
    if not missing.count():  # early on the first day of a month it is in the month before
        page.get_by_label("the month before").click()
    missing.get_by_role("link").first.wait_for()
    month = page.url
    missing.get_by_role("link").first.click()
    page.get_by_role("button", name="Fetch again").wait_for()
    for name in ("light", "dark"):
        page.emulate_media(color_scheme=name)
        keep(page, f"unit-{name}")
        assert findings(page, axe) == []
    page.get_by_role("button", name="Fetch again").click()
    ended_well(page)
    page.get_by_text("complete").first.wait_for()
    keep(page, "unit-fetched")
    page.goto(month)
    page.get_by_role("heading", level=1).wait_for()
    assert missing.count() == 0


def test_a_price_chart_is_drawn_from_the_lake(open_page: OpenPage):
    """Candles, the newest records, and the same rows for other programs."""
    page = open_page(VIEWS["data"])
    page.get_by_role("heading", name="Candles").wait_for()
    assert page.locator("main svg").count() >= 1
    assert page.locator("table.records tbody tr").count() > 0
    assert "polars" in page.inner_text("main").lower()


def test_a_retry_converts_what_fits_since_the_feed_was_corrected(
    ui: RunningUi, open_page: OpenPage, keep: Keep
):
    """The file says what to add; a press of the button later nothing is quarantined."""
    page = open_page(VIEWS["quarantine"])
    page.get_by_text('"n/a" is not a number').first.wait_for()
    feed = ui.home / "feeds" / "my_candles.yaml"
    written = feed.read_text(encoding="utf-8")
    corrected = written.replace(
        'volume: {type: "decimal(28,8)"}', 'volume: {type: "decimal(28,8)", null_values: [n/a]}'
    )
    assert corrected != written
    feed.write_text(corrected, encoding="utf-8")
    page.get_by_role("button", name="Retry all").click()
    page.get_by_text("Nothing is quarantined").wait_for()
    keep(page, "quarantine-retried")
