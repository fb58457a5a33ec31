"""What a newcomer sees after ``make ui``, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.dag

OpenPage = Callable[..., playwright.Page]
Keep = Callable[[playwright.Page, str], Path]

FEEDS = ("binance_agg_trades", "binance_klines", "my_candles", "okx_trades")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_feeds_are_the_first_page(open_page: OpenPage, keep: Keep, scheme):
    """In Airflow's own frame, after its login."""
    page = open_page("/plugin/lake", scheme=scheme)
    frame = page.frame_locator("iframe")
    for feed in FEEDS:
        frame.get_by_role("link", name=feed).first.wait_for()
    keep(page, f"airflow-{scheme}")
