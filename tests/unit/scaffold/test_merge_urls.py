"""What differs between URLs of one endpoint becomes a slice, the window or the paging."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.scaffold.infer_slices import InferredSlice
from include.ticklake.scaffold.merge_urls import merge_urls

HOST = "https://api.example.com"


def test_one_url_is_what_it_is():
    """Its parameters in its order, a repeated one with each value."""
    address = merge_urls([f"{HOST}/v1/trades?symbol=A&limit=2&symbol=B"])
    assert (address.origin, address.path) == (HOST, "/v1/trades")
    assert address.pairs == [("symbol", "A"), ("symbol", "B"), ("limit", "2")]
    assert address.params == {"symbol": "B", "limit": "2"}


@pytest.mark.parametrize(
    ("queries", "pairs"),
    [
        (["pair=BTC-EUR", "pair=ETH-EUR"], [("pair", "BTC-EUR"), ("pair", "ETH-EUR")]),
        (["kind=a&n=5", "kind=b&n=5"], [("kind", "a"), ("kind", "b"), ("n", "5")]),
        (["since=1795323600", "since=1795327200"], [("since", "1795323600")]),
        (["from=2026-11-22", "from=2026-11-23"], [("from", "2026-11-22")]),
        (["page=1", "page=2"], [("page", "1")]),
        (["limit=5", "limit=100"], [("limit", "5")]),
        (["api_key=one", "api_key=two"], [("api_key", "one")]),
        (["pair=A", "pair=A&cursor=x7"], [("pair", "A"), ("cursor", "x7")]),
        (["pair=A", "pair=A&debug=1"], [("pair", "A")]),
    ],
    ids=["symbol", "any word", "seconds", "days", "page", "limit", "login", "a cursor", "one's"],
)  # fmt: skip
def test_a_parameter_that_differs(queries, pairs):
    """A slice has all of its values; a time, a position or a limit has that of the first URL."""
    assert merge_urls([f"{HOST}/v1/trades?{query}" for query in queries]).pairs == pairs


@pytest.mark.parametrize(
    ("paths", "path", "slices"),
    [
        (["/products/BTC-USD/trades", "/products/ETH-USD/trades"], "/products/{product}/trades",
         {"product": ["BTC-USD", "ETH-USD"]}),
        (["/v3/btc/trades", "/v3/eth/trades"], "/v3/{symbol}/trades", {"symbol": ["btc", "eth"]}),
        (["/day/2026-11-22", "/day/2026-11-23"], "/day/2026-11-22", {}),
        (["/pairs/aa", "/pairs/AA"], "/pairs/{pair}", {"pair": {"value_1": "aa", "value_2": "AA"}}),
    ],
    ids=["named", "not named", "a time", "by case only"],
)  # fmt: skip
def test_a_part_of_the_path_that_differs(paths, path, slices):
    """Named after the part before it; values that differ by case only get names of their own."""
    address = merge_urls([HOST + path for path in paths])
    assert address.path == path
    assert address.path_slices == {
        name: InferredSlice(param="", values=values) for name, values in slices.items()
    }


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        (["ftp://host/x"], "not an HTTP URL"),
        ([f"{HOST}/a", "https://user:canary@host/a"], "not an HTTP URL"),
        ([f"{HOST}/a", "https://other.example.com/a"], "another host"),
        ([f"{HOST}/a", f"{HOST}/a/b"], "another path"),
        ([f"{HOST}/a/b", f"{HOST}/c/d"], "differs in more than one place"),
        ([f"{HOST}/a/", f"{HOST}/a/x"], "cannot list these parts"),
    ],
)
def test_urls_that_are_not_of_one_endpoint_are_refused(urls, message):
    """In words, without what is secret in them."""
    with pytest.raises(UsageError, match=message) as refused:
        merge_urls(urls)
    assert "canary" not in str(refused.value)
