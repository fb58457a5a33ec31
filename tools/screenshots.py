"""The pictures of the documentation, taken from what ``make ui`` shows: ``make screenshots``.

Writes ``docs/images/ui-<view>.png``, in Airflow's frame, light, as a laptop shows them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.local.airflow import REPOSITORY
from tools.local.output import say
from tools.ui import chromium
from tools.ui.running import running_ui

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = REPOSITORY / "docs" / "images"
MAX_BYTES = 150_000
VIEWS = {
    "feeds": "",
    "coverage": "coverage?feed=binance_klines",
    "memory": "memory?feed=binance_agg_trades",
    "data": "data?feed=binance_klines",
    "quarantine": "quarantine?feed=my_candles",
}


def main() -> int:
    """Take them all; 1 where one is too large for a page of documentation."""
    program = chromium.program()
    if program is None:
        sys.stderr.write("make screenshots: no Chromium; apt-get install chromium\n")
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="screenshots-") as folder,
        running_ui(Path(folder) / "ui") as ui,
        chromium.launched(program) as browser,
    ):
        page = browser.new_page(
            storage_state=chromium.log_in(browser, ui), viewport=chromium.LAPTOP
        )
        page.set_default_timeout(chromium.PATIENCE_MS)
        wait_for_first_runs(page, ui.url)
        sizes = [take(page, f"{ui.url}/plugin/lake/ticklake/{VIEWS[view]}", view) for view in VIEWS]
    return int(max(sizes) > MAX_BYTES)


def wait_for_first_runs(page: Page, url: str) -> None:
    """Return once the runs that the scheduler made at the start have ended."""
    page.goto(url)
    page.wait_for_function(
        """async () => {
            const runs = await (await fetch("/api/v2/dags/~/dagRuns")).json();
            return runs.dag_runs.length >= 4
                && runs.dag_runs.every((run) => ["success", "failed"].includes(run.state));
        }""",
        polling=2_000,
    )


def take(page: Page, url: str, view: str) -> int:
    """Write the picture of one view; its size in bytes."""
    page.goto(url)
    page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
    path = IMAGES / f"ui-{view}.png"
    page.screenshot(path=path)
    size_bytes = path.stat().st_size
    say(f"{path.relative_to(REPOSITORY)}  {size_bytes / 1_000:.0f} kB")
    return size_bytes


if __name__ == "__main__":
    sys.exit(main())
