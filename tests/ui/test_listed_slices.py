"""The pages know the slices that another feed lists, and those that left it."""

from __future__ import annotations

import pytest

from include.ticklake.lake import layout
from tests.support.listed_symbols import PRICES, ListedSymbols, rows

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]


@pytest.fixture
def exchange(tmp_path, http_server, monkeypatch) -> ListedSymbols:
    """Two feeds and their lake, which the pages open each time."""
    from include.ui import lake_access

    made = ListedSymbols(tmp_path, http_server)
    made.write(prices=PRICES.replace("{feed: symbols,", "{feed: symbols, may_shrink: 50%,"))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(made.feeds))
    monkeypatch.setenv("TICKLAKE_ROOT", made.storage.root_uri)
    for values in (lake_access._opened, lake_access._slices):
        monkeypatch.setattr(values, "kept_s", 0)
    return made


def test_pages_offer_what_is_listed_and_what_left(exchange):
    """What left keeps its data."""
    from include.ui import access

    exchange.fetch(0, rows(["BTC", "ETH"]))
    exchange.renew(0)
    exchange.fetch(1, rows(["ETH", "XRP"]))
    exchange.renew(1)
    texts = ["symbol=BTC", "symbol=ETH", "symbol=XRP"]
    assert list(access.slices_by_text(exchange.prices, None)) == texts
    assert str(access.find_slice(exchange.prices, "symbol=BTC", None)) == "symbol=BTC"


@pytest.mark.parametrize("body", [None, b"{"], ids=["none", "damaged"])
def test_a_page_without_a_list_is_shown_all_the_same(exchange, body):
    """Of a feed that was switched on just now, and where the list is damaged."""
    from include.ui import access

    if body:
        exchange.storage.put(layout.slice_lists_key("prices"), body)
    assert access.slices_by_text(exchange.prices, None) == {}
    assert access.find_slice(exchange.prices, "", None).values == ()
