"""A finding says which repair of it loses nothing."""

from __future__ import annotations

import pytest

from include.ticklake.feed import loader
from include.ticklake.maintain.safe_repair import REPAIRS, safe_repair

KEEPS, FORGETS, SNAPSHOT = (
    loader.load(name) for name in ("binance_agg_trades", "bybit_recent_trades", "coingecko_markets")
)


def test_a_source_without_history_is_known():
    """One that has its newest records only, and one that is asked for how it is now."""
    assert KEEPS.has_history
    assert not FORGETS.has_history
    assert SNAPSHOT.snapshot
    assert not SNAPSHOT.has_history


@pytest.mark.parametrize("feed", [FORGETS, SNAPSHOT], ids=["newest only", "snapshot"])
@pytest.mark.parametrize("kind", REPAIRS)
@pytest.mark.parametrize("has_json", [True, False])
def test_a_source_without_history_is_never_asked_again(feed, kind, has_json):
    """Whatever is wrong."""
    assert safe_repair(kind, feed, has_json=has_json) != "fetch"


@pytest.mark.parametrize(
    ("kind", "has_json", "repair"),
    [
        ("missing_window", True, "fetch"),
        ("parquet_broken", True, "convert"),
        ("parquet_broken", False, "fetch"),
        ("disagreement", False, "none"),
        ("manifest_broken", False, "restore"),
        ("duplicate", True, "none"),
    ],
)
def test_converting_again_comes_before_fetching_again(kind, has_json, repair):
    """As long as the JSON is whole."""
    assert safe_repair(kind, KEEPS, has_json=has_json) == repair
