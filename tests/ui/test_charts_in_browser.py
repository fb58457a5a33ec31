"""Charts in Chromium: keys, pointer, zoom and copying, under the page's own security policy."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from include.ticklake.model.window import parse_instant
from tests.support.page_lake import CANDLES, TRADES

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

HOUR = "from=2026-11-22T05:00:00Z&to=2026-11-22T06:00:00Z"


@pytest.fixture
def open_page(browser, pages):
    """Opens a page of ours at a width; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_at(path: str, *, width: int = 1280) -> playwright.Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.add_cookies([{"name": "_token", "value": pages.token("admin"), "url": pages.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{pages.url}/ticklake/{path}")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


def test_arrow_keys_go_from_point_to_point_and_read_them_out(open_page):
    """From the newest on; the text is that of the point's title, for a screen reader as well."""
    page = open_page(f"memory?feed={TRADES}")
    chart = page.locator("[data-chart]").last
    chart.locator(".plot").focus()
    titles = chart.locator(".point title").all_text_contents()
    for key, expected in (("ArrowLeft", -1), ("ArrowLeft", -2), ("Home", 0), ("End", -1)):
        page.keyboard.press(key)
        assert chart.locator(".readout").text_content() == titles[expected]


def test_the_pointer_reads_out_what_is_below_it(open_page):
    """Without a click, wherever it is between top and bottom."""
    page = open_page(f"data?feed={CANDLES}&{HOUR}")
    plot = page.locator(".plot")
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 30.5 / 60, box["y"] + 20)
    assert page.locator(".readout").text_content().startswith("2026-11-22 05:30:00 UTC: open ")


def test_a_range_that_is_drawn_is_shown(open_page):
    """From the second quarter of the hour; a click alone changes nothing."""
    page = open_page(f"data?feed={CANDLES}&{HOUR}")
    box = page.locator(".plot").bounding_box()
    page.mouse.click(box["x"] + 50, box["y"] + 50)
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    with page.expect_navigation():
        page.mouse.up()
    query = parse_qs(urlsplit(page.url).query)
    drawn = [parse_instant(query[name][0]) for name in ("from", "to")]
    expected = [parse_instant(f"2026-11-22T05:{minute}:00Z") for minute in (15, 30)]
    assert all(abs((a - b).total_seconds()) < 10 for a, b in zip(drawn, expected, strict=True))
    assert query["feed"] == [CANDLES]
    assert page.locator(".point").count() in (15, 16)


def test_the_lines_are_copied_as_they_are_shown(open_page):
    """All of them."""
    page = open_page(f"data?feed={CANDLES}&{HOUR}")
    page.get_by_role("button", name="Copy").first.click()
    page.get_by_text("Copied", exact=True).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#snippet-duckdb").text_content()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "path", [f"memory?feed={TRADES}", f"data?feed={CANDLES}", f"quarantine?feed={TRADES}"]
)
def test_a_page_is_as_wide_as_its_window(open_page, path, width):
    """What is wider scrolls by itself."""
    page = open_page(path, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
