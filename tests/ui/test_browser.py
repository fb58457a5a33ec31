"""The pages in Chromium: Airflow's theme and frame, arrow keys, and runs started from a window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from tests.support import staged_factory
from tests.support.servers.http import HttpServer, Reply
from tests.ui.pages_lake import ETH, MISSING, SCRIPT, WINDOW

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.dag

PATIENCE_MS = 60_000
COVERAGE = "coverage?feed=bars&slice=symbol%3DBTC"
UNIT = "unit?feed=bars&slice=symbol%3DBTC&start={:%Y-%m-%dT%H:%MZ}"
DARK = "oklch(0.23185 0.0323 266.44)"
RUNS = "api/v2/dags/ingest_bars/dagRuns"


@pytest.fixture
def page(browser, pages) -> Iterator[playwright.Page]:
    """A tab of the admin's, logged in as Airflow's login does it; it may log no error."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies(
        [{"name": "_token", "value": pages.token("admin"), "url": pages.url, "sameSite": "Lax",
          "httpOnly": True}]
    )  # fmt: skip
    errors: list[str] = []
    tab = context.new_page()
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: said.type == "error" and errors.append(said.text))
    yield tab
    context.close()
    # Chromium logs a refusal, too: one test has one.
    assert [text for text in errors if "status of 403" not in text] == []


def background(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_airflows(page, pages):
    """What was chosen there wins over the system's, and a change of it is followed at once."""
    page.emulate_media(color_scheme="dark")
    page.goto(f"{pages.url}/ticklake/")
    assert background(page) == DARK
    page.evaluate("localStorage.setItem('theme', 'light')")
    page.reload()
    assert background(page) != DARK
    other = page.context.new_page()
    other.goto(f"{pages.url}/ticklake/")
    other.evaluate("localStorage.setItem('theme', 'dark')")
    page.wait_for_function(f"getComputedStyle(document.body).backgroundColor === '{DARK}'")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("path", ["", COVERAGE, UNIT.format(WINDOW.start)])
def test_no_page_is_wider_than_the_window(page, pages, path, width):
    """On a phone and on a laptop; what is wider scrolls by itself."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{pages.url}/ticklake/{path}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("h1").is_visible()


def test_a_heat_map_has_one_tab_stop_and_arrow_keys(page, pages):
    """From hour to hour and from day to day; Enter opens the window."""
    page.goto(f"{pages.url}/ticklake/{COVERAGE}")
    month = page.locator("#month svg[data-grid]")
    assert month.locator('a[tabindex="0"]').count() == 1
    month.locator("a", has_text="22 Nov 03:00 missing").focus()
    page.keyboard.press("ArrowRight")
    focused = "document.activeElement.querySelector('title').textContent"
    assert page.evaluate(focused).startswith("22 Nov 04:00")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).startswith("21 Nov 04:00")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/unit?**")
    assert "2026-11-22 04:00" in page.locator("h1").inner_text()


def test_a_missing_window_is_fetched_again(page, pages, pages_env):
    """The page follows the run to its end, and then shows what the lake holds."""
    # Of a slice that no other test looks at: all of them share the lake, and Airflow's runs.
    page.goto(f"{pages.url}/ticklake/{UNIT.format(MISSING.start).replace('BTC', 'ETH')}")
    page.get_by_role("button", name="Fetch again").click()
    link = page.locator("output a")
    link.wait_for()
    run_id = link.inner_text()
    with pages.session("admin") as api:
        run = api.get(f"{pages.url}/{RUNS}/{run_id}", timeout=60).json()
        assert run["conf"] == {
            "start": "2026-11-22T03:00:00Z",
            "end": "2026-11-22T04:00:00Z",
            "slices": ["symbol=ETH"],
        }
        page.reload()
        assert "running" in page.locator("p.state").inner_text()
        page.get_by_role("button", name="Fetch again").click()
        link.wait_for()
        # Here the run does what it is for.
        storage = Storage.open(pages_env["TICKLAKE_ROOT"], {})
        folder = pages_env["TICKLAKE_FEEDS"]
        feed = loader.load("bars", {"TICKLAKE_FEEDS": folder})
        record = staged_factory.record(1, at_ms=MISSING.start_ms)
        staged_factory.stage(feed, [[record]], storage=storage, unit=Unit(ETH, MISSING))
        for run in api.get(f"{pages.url}/{RUNS}", timeout=60).json()["dag_runs"]:
            address = f"{pages.url}/{RUNS}/{run['dag_run_id']}"
            api.patch(address, json={"state": "success"}, timeout=60).raise_for_status()
    page.locator("p.state", has_text="staged").wait_for()
    assert page.locator("output").get_attribute("data-state") == "success"
    assert "1 records came in" in page.locator("main").inner_text()


def test_a_refusal_of_airflows_is_shown(page, pages):
    """With its own words, and as text."""
    page.route("**/api/v2/**", lambda route: route.fulfill(
        status=403, content_type="application/json", body=f'{{"detail": "{SCRIPT}"}}'
    ))  # fmt: skip
    page.goto(f"{pages.url}/ticklake/{UNIT.format(WINDOW.start)}")
    page.on("dialog", lambda _dialog: pytest.fail("the script ran"))
    page.get_by_role("button", name="Rebuild").click()
    page.locator("output", has_text=f"Airflow refused it (403): {SCRIPT}").wait_for()


def test_a_link_leads_out_of_airflows_frame(page, pages):
    """Airflow's frame may not navigate the window: the page does it another way."""
    page.goto(f"{pages.url}/plugin/lake")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="bars", exact=True).click()
    frame.get_by_role("heading", name="Coverage").wait_for()
    frame.get_by_role("link", name="Feeds").click()
    frame.locator('a[href="../dags/ingest_bars"]').first.click()
    page.wait_for_url("**/dags/ingest_bars**")


def test_another_site_starts_no_run(browser, pages):
    """A form of its own neither has the viewer's cookie nor says that it is JSON."""
    with pages.session("admin") as api:
        before = api.get(f"{pages.url}/{RUNS}", timeout=60).json()["total_entries"]
        body = '{"logical_date": null, "conf": {}}'
        forged = {"headers": {"Content-Type": "text/plain"}, "data": body, "timeout": 60}
        assert api.post(f"{pages.url}/{RUNS}", **forged).status_code == 422
    form = f"""<form method="post" enctype="text/plain" action="{pages.url}/{RUNS}">
    <input name='{{"logical_date": null, "conf": {{}}, "note": "' value='"}}'></form>
    <script>document.forms[0].submit()</script>"""
    with HttpServer() as other:
        other.answer_by(
            "/", lambda _: Reply(body=form.encode(), headers={"Content-Type": "text/html"})
        )
        context = browser.new_context()
        context.add_cookies(
            [{"name": "_token", "value": pages.token("admin"), "url": pages.url, "sameSite": "Lax"}]
        )
        tab = context.new_page()
        with tab.expect_response(f"{pages.url}/{RUNS}") as answered:
            tab.goto(other.url.replace("127.0.0.1", "localhost"), wait_until="commit")
        assert answered.value.status in (401, 403)
        context.close()
    with pages.session("admin") as api:
        after = api.get(f"{pages.url}/{RUNS}", timeout=60).json()["total_entries"]
    assert after == before
