"""A page that breaks commits nothing, and the next attempt resumes where this one stopped."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from include.ticklake.errors import (
    MalformedPageError,
    TicklakeError,
)
from include.ticklake.lake.storage import Storage
from tests.support.servers.http import HttpServer, Reply
from tests.support.trades_api import (
    TradesApi,
    extract_trades,
    objects,
    staged_records,
    trades,
    trades_feed,
)

BREAKS: Mapping[str, Reply] = {
    "refused": Reply(status=400),
    "failed": Reply(status=500),
    "limited": Reply(status=418, headers={"Retry-After": "999"}),
    "html": Reply(body=b"<html>"),
    "cut": Reply(body=b'[{"id":1020,"time":1', cut_after_bytes=12),
    "truncated": Reply(body=b'[{"id":1020,"time":1}'),
    "not UTF-8": Reply(body=b'[{"id":"\xff"}]'),
    "no array": Reply(body=b'{"rows":[]}'),
}


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.fixture
def api(http_server: HttpServer) -> TradesApi:
    return TradesApi(http_server, trades(25))


@pytest.mark.parametrize("part_bytes", [1, 10**6], ids=["a part per page", "one part"])
@pytest.mark.parametrize("earlier", [False, True], ids=["first run", "second run"])
@pytest.mark.parametrize("name", BREAKS)
def test_a_page_that_breaks_commits_nothing(storage, api, name, earlier, part_bytes):
    """What was visible before is all that is visible after, byte for byte."""
    of = trades_feed(part_bytes=part_bytes)
    if earlier:
        extract_trades(storage, api.server, of=of)
    before = visible(storage)
    api.rows = trades(30)
    api.hook = lambda asked: BREAKS[name] if asked.params.get("fromId") == "1020" else None
    with pytest.raises(TicklakeError) as raised:
        extract_trades(storage, api.server, of=of)
    assert f"{api.server.url}/trades?symbol=BTCUSDT&limit=10&fromId=1020: " in str(raised.value)
    assert visible(storage) == before


def visible(storage: Storage) -> dict[str, bytes]:
    """What readers of records see: neither what is unfinished nor how the feed is cut."""
    hidden = ("_incomplete/", "schemas/")
    return {key: body for key, body in objects(storage).items() if not key.startswith(hidden)}


def test_a_failed_attempt_is_resumed(storage, api):
    """The next attempt requests the page that broke; the lake is as after one that succeeded."""
    api.hook = lambda asked: BREAKS["failed"] if asked.params.get("fromId") == "1020" else None
    of = trades_feed(part_bytes=1)
    with pytest.raises(TicklakeError):
        extract_trades(storage, api.server, of=of)
    api.hook = lambda _: None
    first_requests = len(api.server.asked)
    committed = extract_trades(storage, api.server, of=of)
    assert api.asked_from[first_requests:] == ["1020", "1025"]
    assert staged_records(storage, committed) == api.rows
    assert committed.json.pages == 4
    whole = objects(storage)
    storage.delete(committed.key)
    extract_trades(storage, api.server, of=of)
    assert objects(storage) == whole


def test_an_attempt_that_failed_before_its_first_part_starts_again(storage, api):
    """And nothing of it is left."""
    api.hook = lambda asked: BREAKS["failed"] if asked.params.get("fromId") == "1020" else None
    with pytest.raises(TicklakeError):
        extract_trades(storage, api.server, of=trades_feed(part_bytes=10**6))
    api.hook = lambda _: None
    first_requests = len(api.server.asked)
    committed = extract_trades(storage, api.server, of=trades_feed(part_bytes=10**6))
    assert api.asked_from[first_requests:] == [None, "1010", "1020", "1025"]
    assert set(visible(storage)) == {committed.key, committed.json.parts[0].key}
    assert not list(storage.list("_incomplete/json"))


def test_an_attempt_on_another_source_is_not_resumed(storage, api):
    """Half of a unit from the replay and half from the real API would be neither."""
    api.hook = lambda asked: BREAKS["failed"] if asked.params.get("fromId") == "1020" else None
    with pytest.raises(TicklakeError):
        extract_trades(storage, api.server, of=trades_feed(part_bytes=1))
    with HttpServer() as other:
        elsewhere = TradesApi(other, [row | {"price": "1"} for row in trades(25)])
        committed = extract_trades(storage, other, of=trades_feed(part_bytes=1))
        assert elsewhere.asked_from[0] is None
    assert {record["price"] for record in staged_records(storage, committed)} == {"1"}


def test_an_error_leaves_no_thread_and_no_stream_behind(storage, api):
    """A process whose extraction failed can end."""
    api.hook = lambda asked: BREAKS["html"] if asked.params.get("fromId") == "1020" else None
    ours = threading.active_count()
    with pytest.raises(MalformedPageError):
        extract_trades(storage, api.server, of=trades_feed(part_bytes=10**6))
    assert not list(storage.list("_incomplete/json"))
    assert threading.active_count() <= ours + 1  # the test's own server
