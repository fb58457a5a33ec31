"""What every shipped feed brings into the lake is what happened in the simulated market."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from functools import cache
from itertools import zip_longest

import pytest

from include.replay.faults import Faults
from include.ticklake.errors import MalformedPageError, RateLimitedError, SourceRefusedError
from tests.contract.feeds.conftest import NOW_MS, running_replay
from tests.contract.feeds.ingest import Ingested, ingest, last_window, rows
from tests.contract.feeds.truth import TRUTH
from tests.contract.feeds.unit import FeedUnit
from tests.support.lake_objects import lake_objects
from tests.support.shipped_feeds import API_FEEDS, FEEDS, FILE_FEEDS

EVERY_SLICE = [
    pytest.param(name, piece, id=f"{name}-{piece}")
    for name, feed in FEEDS.items()
    for piece in feed.all_slices
]
BANNING = [name for name, feed in API_FEEDS.items() if 403 in feed.source.ban_statuses]
RETRIED_HERE = ("429", "429-date", "418", "500", "cut", "slow", "repeat", "envelope", "html")
NOT_OF_FILES = ("repeat", "envelope")
SPOILT = [
    pytest.param(name, kind, id=f"{name}-{kind}")
    for name in FEEDS
    for kind in RETRIED_HERE
    if name in API_FEEDS or kind not in NOT_OF_FILES
]


@pytest.fixture
def expected(market_of, coins):
    """A function: feed, slice and window -> the rows that the lake must hold."""

    def rows_of(name, piece, window, *, now_ms=NOW_MS):
        unit = FeedUnit(
            market=market_of(name), coins=coins, now_ms=now_ms, slice=piece, window=window
        )
        return list(TRUTH[name](unit))

    return rows_of


@pytest.mark.parametrize(("name", "piece"), EVERY_SLICE)
def test_the_lake_holds_what_happened(name, piece, start_replay, market_of, expected, lake):
    """Every record of the window once, every value exact, in the order of event time."""
    feed, window = FEEDS[name], last_window(FEEDS[name], NOW_MS)
    url = start_replay(market=market_of(name)).url
    done = ingest(feed, piece, window, base_url=url, root=lake, now_ms=NOW_MS)
    truth = expected(name, piece, window)
    assert truth
    assert set(truth[0]) <= set(feed.fields)
    assert feed.snapshot or set(truth[0]) == set(feed.fields)
    assert first_difference(done, truth, feed) is None
    assert done.manifest.json.lost_range is None
    assert done.manifest.parquet.sorted
    assert (done.waits_s, done.retried) == ([], [])


@pytest.fixture
def spoilt(market_of):
    """A function: kind of fault, feed -> a replay that spoils every request once in that way.

    Of the test's own: a request that another feed has made already would not be spoilt again.
    """
    with ExitStack() as servers:

        def start(kind, name):
            faults = Faults(kinds=(kind,), every=1, slow_s=0.01)
            return servers.enter_context(running_replay(market_of(name), faults=faults))

        yield start


@pytest.fixture(scope="session")
def unspoilt(start_replay, market_of, tmp_path_factory):
    """A function: feed -> the objects of the lake that it makes when nothing goes wrong."""

    @cache
    def lake(name):
        root, feed = tmp_path_factory.mktemp("unspoilt"), FEEDS[name]
        window = last_window(feed, NOW_MS)
        url = start_replay(market=market_of(name)).url
        ingest(feed, feed.all_slices[0], window, base_url=url, root=root, now_ms=NOW_MS)
        return lake_objects(root)

    return lake


@pytest.mark.parametrize(("name", "kind"), SPOILT)
def test_faults_leave_no_trace(name, kind, spoilt, unspoilt, tmp_path):
    """Every request spoilt once, in whatever way: the lake is the same, byte for byte."""
    feed = FEEDS[name]
    server = spoilt(kind, name)
    before = server.log.count
    done = ingest(
        feed, feed.all_slices[0], last_window(feed, NOW_MS),
        base_url=server.url, root=tmp_path, now_ms=NOW_MS,
    )  # fmt: skip
    assert lake_objects(tmp_path) == unspoilt(name)
    faults = [entry.fault for entry in list(server.log.entries)[before:] if entry.fault]
    assert faults or kind == "repeat"  # which a single page has none before
    # A page of the web in the place of a file is seen as it is unpacked: the task is tried again.
    is_page = name in FILE_FEEDS and kind == "html"
    assert {type(wrong) for wrong in done.retried} == ({MalformedPageError} if is_page else set())
    assert len(done.waits_s) == (0 if kind == "slow" or is_page else len(faults))
    if kind in ("429", "418"):
        assert set(done.waits_s) == {1.0}


@pytest.mark.parametrize("name", BANNING)
def test_a_ban_goes_back_to_the_scheduler(name, spoilt, unspoilt, tmp_path):
    """Bybit's 403 is a ban of ten minutes: nobody waits for it here, and the retry is good."""
    feed = FEEDS[name]
    done = ingest(
        feed, feed.all_slices[0], last_window(feed, NOW_MS),
        base_url=spoilt("403", name).url, root=tmp_path, now_ms=NOW_MS,
    )  # fmt: skip
    assert {type(wrong) for wrong in done.retried} == {RateLimitedError}
    assert {wrong.retry_after_s for wrong in done.retried} == {600}
    assert done.waits_s == []
    assert lake_objects(tmp_path) == unspoilt(name)


@pytest.mark.parametrize("name", sorted(set(FEEDS) - set(BANNING)))
def test_a_firewall_is_a_refusal(name, spoilt, tmp_path):
    """A 403 elsewhere will be one again: no retry, and nothing is left behind."""
    feed = FEEDS[name]
    with pytest.raises(SourceRefusedError, match=r"HTTP 403 \(.*Request blocked.*\); check"):
        ingest(
            feed, feed.all_slices[0], last_window(feed, NOW_MS),
            base_url=spoilt("403", name).url, root=tmp_path, now_ms=NOW_MS,
        )  # fmt: skip
    assert lake_objects(tmp_path) == {}


def first_difference(done: Ingested, truth: Iterable[dict], feed):
    """The first row of the lake that is not the true one, with both; None if there is none."""
    found = rows(done)
    names = list(truth[0]) if truth else []
    event_time = feed.event_time[0]
    assert found == sorted(found, key=lambda row: row[event_time])
    if feed.order == "none" and not feed.snapshot:  # within an instant, such a source has no order
        key = lambda row: (row[event_time], *(row[name] for name in feed.key))  # noqa: E731
        found, truth = sorted(found, key=key), sorted(truth, key=key)
    pairs = zip_longest(({name: row[name] for name in names} for row in found), truth)
    return next(((number, *pair) for number, pair in enumerate(pairs) if pair[0] != pair[1]), None)
