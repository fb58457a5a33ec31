"""An endpoint that lists slices is asked as its feed's own API is, or as another one."""

from __future__ import annotations

import pytest

from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.list_requests import list_source
from tests.support.feed_files import VALID, mistakes

LISTED = VALID.replace(
    "/rows\n",
    "/rows\n  params: {symbol: '{symbol}'}\n  headers: {X-App: me}\n"
    "  auth: {kind: bearer, connection: acme}\n  rate_limit: {requests_per_s: 5}\n"
    "  errors: {code: code}\n",
)
FILES = """\
source: {kind: files, format: csv, address: "https://data.example.com/{symbol}/{date}.csv"}
window: 1d
fields:
  id: {type: int64, key: true}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
"""


def written(listed: str, feed: str = LISTED) -> str:
    """A feed file whose symbols *listed* gives."""
    return f"{feed}slices: {{symbol: {listed}}}\n"


def read(folder, listed: str, feed: str = LISTED) -> Feed:
    """The feed of that file."""
    (folder / "small.yaml").write_text(written(listed, feed))
    return loader.read_feed(folder / "small.yaml")


def source_of(feed: Feed) -> HttpSource:
    """What answers with the list of its symbols."""
    return list_source(feed.source, "symbol", feed.slice_lists["symbol"])


def test_the_api_is_that_of_the_feed(tmp_path):
    """Its host, login, headers, errors and rate limit; path, parameters and records are its own."""
    listed = "{path: /symbols, params: {kind: spot}, records: data.list, where: {on: true}}"
    feed = read(tmp_path, listed)
    source, own = source_of(feed), feed.source
    assert (source.path, source.params, source.records) == (
        "/symbols", {"kind": "spot"}, "data.list",
    )  # fmt: skip
    for option in ("base_url", "auth", "headers", "rate_limit", "errors"):
        assert getattr(source, option) == getattr(own, option), option


@pytest.mark.parametrize("feed", [LISTED, FILES], ids=["an API", "files"])
def test_another_api_is_asked_without_the_login(tmp_path, feed):
    """Nothing that is for the feed's source goes there; bulk files have a list as well."""
    read_ = read(tmp_path, "{base_url: 'https://other.example', path: /symbols}", feed)
    source = source_of(read_)
    assert (source.base_url, source.auth, source.headers, source.errors) == (
        "https://other.example", None, {}, None,
    )  # fmt: skip


def test_the_same_address_written_again_is_the_same_api(tmp_path):
    """With its login."""
    feed = read(tmp_path, "{base_url: 'https://api.example.com', path: /symbols}")
    assert source_of(feed).auth == feed.source.auth


@pytest.mark.parametrize(
    ("listed", "feed", "mistake"),
    [
        pytest.param(
            "{path: /symbols, colum: id}", LISTED,
            "slices.symbol.colum: unknown key; did you mean 'column'?", id="a wrong key",
        ),
        pytest.param(
            "{path: symbols}", LISTED,
            "slices.symbol.path: 'symbols' does not begin with a slash", id="no slash",
        ),
        pytest.param(
            "{path: '/symbols/{kind}'}", LISTED,
            "slices.symbol.path: unknown placeholder 'kind'", id="another slice",
        ),
        pytest.param(
            "{path: /symbols, params: {s: '{symbol}'}}", LISTED,
            "slices.symbol.params.s: unknown placeholder 'symbol'", id="the slice itself",
        ),
        pytest.param(
            "{path: /symbols, column: 'a[0]'}", LISTED,
            "slices.symbol.column: 'a[0]' is not a path", id="no path",
        ),
        pytest.param(
            "{path: /symbols, paging: {kind: cursor, param: c, cursor: next}}", LISTED,
            "refers to 'next', which is not captured", id="paging without its cursor",
        ),
        pytest.param(
            "{path: /symbols, body: {a: 1}}", LISTED,
            "slices.symbol.body: a GET sends none; write method: POST", id="a body of a GET",
        ),
        pytest.param(
            "{path: /symbols, may_shrink: 120%}", LISTED,
            "slices.symbol.may_shrink: must be at most 1", id="more than all",
        ),
        pytest.param(
            "{path: /symbols}", FILES,
            "slices.symbol.path: the feed's source is not an API; name the one that lists",
            id="files without an API",
        ),
    ],
)  # fmt: skip
def test_mistakes_name_their_line(tmp_path, listed, feed, mistake):
    """In the words of feed files, where the file has them."""
    found = mistakes(tmp_path, written(listed, feed))
    assert any(mistake in line for line in found), found
    number = len(feed.splitlines()) + 1
    assert all(line.startswith(f"small.yaml:{number}: ") for line in found), found
