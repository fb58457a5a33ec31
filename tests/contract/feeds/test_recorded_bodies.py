"""Every answer that a real API gave to a request like a shipped feed's is handled as one hopes.

The answers are served with their status and headers. Good ones go all the way to Parquet and are
compared with the body read whole; bad ones must be the right error, with a reason to act on. What
became of them stands in a table at the end of the run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.ticklake.errors import (
    MalformedPageError,
    OutsideWindowError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
    TooManyBadRecordsError,
)
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.paging import SinglePage
from include.ticklake.feed.placeholders import render
from include.ticklake.model.window import Window
from tests.conftest import RECORDED
from tests.contract.feeds.ingest import Ingested, ingest, last_window, rows
from tests.contract.feeds.recordings import Recording, recordings
from tests.support.lake_objects import lake_objects
from tests.support.shipped_feeds import API_FEEDS, FEEDS

NOW_MS = 1_798_000_000_500  # after the last of them: no candle is still open

FOLDERS = [RECORDED, RECORDED.parent / "recorded_more"]
ALL = [each for folder in FOLDERS if folder.is_dir() for each in recordings(folder)]
ASKED = [each for each in ALL if each.feed]
SINGLE = [each for each in ASKED if not each.is_error and each.is_one_object]
NO_JSON = [each for each in ASKED if each.status == 200 and each.records_path == "not-json"]
REDIRECTS = [each for each in ASKED if 300 <= each.status < 400]
FAILURES = [
    each
    for each in ASKED
    if each.status >= 500 or each.status == 408 or each.file.endswith("internal-server-error.json")
]
ODD = {
    "gate/futures_trades/trades_contract_ETH_USD.json": "there is no value at 'create_time_ms'",
    "gemini/trades/example-trades-data.json": "trade_time: there is no value at 'timestampms'",
    "upbit/trades/ticks_count_200_market_KRW-BTC.json": "all 200 records lie outside the window",
}
"""Bodies that their feed refuses, and why: of 2018 and 2019; Bitfinex's, in truth."""

UNRECORDED = {"bitfinex", "coinlore", "deribit", "htx", "hyperliquid", "kucoin"}

NOT_THEIRS = {""}
"""A name that was put into a recorded body by whoever published it; all others a feed knows."""

WAITS_S = {
    "binance/errors_rate_limit/HTTP418_ip_banned.json": 120,
    "binance/errors_rate_limit/HTTP429_weight.json": 30,
    "bybit/errors_rate_limit/HTTP200_10006.json": 5,
    "coinbase/errors_rate_limit/HTTP429.json": 1,
    "coingecko/errors_rate_limit/HTTP429.json": 30,
    "coingecko/errors_rate_limit/HTTP429_cloudflare_1015.txt": 60,
    "coingecko/errors_rate_limit/HTTP429_throttled.txt": 60,
    "kraken/errors_rate_limit/HTTP200_EAPI.json": 15,
    "okx/errors_rate_limit/HTTP429_50011.json": 2,
}
"""How long each limit asks to wait, none of them having a Retry-After."""
REASONS = {
    "binance/errors_blocked": r"HTTP 403 \(.*<!DOCTYPE HTML PUBLIC .*\); check",
    "binance/errors_depth": r"HTTP 400 \(Invalid symbol\.\); check",
    "binance/errors_exchangeInfo": r"HTTP 401 \(API-key format invalid\.\); check",
    "binance/errors_klines": r"HTTP 400 \(Invalid interval\.\); check",
    "binance/errors_ticker": r"HTTP 400 \(Invalid symbol\.\); check",
    "bitmex/errors_order": r"reports 'CodedHTTPError' \(Account has insufficient .*\); check",
    "bybit/errors_bad_symbol": r"the body reports '10001' \(params error: symbol invalid\); check",
    "coinbase/errors_bad_argument": r"HTTP 400 \(granularity too small .* exceeds 300\); check",
    "coinbase/errors_bad_symbol": r"HTTP 404 \(NotFound\); check",
    "coinbase/errors_products": r"HTTP 400 \(Invalid (API Key|Passphrase)\); check",
    "coingecko/errors_coins_id_history": r"HTTP 422 \(Missing parameter date\); check",
    "coingecko/errors_coins_id_market_chart": r"HTTP 422 \(Missing parameter vs_currency\); check",
    "coingecko/errors_coins_markets": r"HTTP 422 \(Missing parameter vs_currency\); check",
    "coingecko/errors_exchanges_id_volume_chart": r"HTTP 422 \(Missing parameter days\); check",
    "coingecko/errors_ping": r"HTTP 401 \(API Key Missing\); check",
    "coingecko/errors_simple_price": r"HTTP 422 \(Missing parameter ids\); check",
    "gate/errors_v4": r"the body reports '(FORBIDDEN|INVALID_KEY)' \((Request IP|Invalid key) .*\)",
    "kraken/errors_bad_argument": "the body reports 'EGeneral:Invalid arguments'; check",
    "kraken/errors_bad_symbol": "the body reports 'EQuery:Unknown asset pair'; check",
    "okx/errors_bad_symbol": r"the body reports '51001' \(Instrument ID.* doesn't exist\.\); check",
    "_errors_other_hosts/HTTP206": "no array of records at",  # it is a page of something else
    "_errors_other_hosts/HTTP404": r"HTTP 404 \(.*(404 Not Found|an empty body).*\); check",
}
"""Refusals by folder, and the words in which they must be told."""

LIMITS = [each for each in ASKED if each.file in WAITS_S]
REFUSALS = [each for each in ASKED if each.folder in REASONS and each not in FAILURES]
MISPLACED = [each for each in ASKED if each.file in ODD]
GOOD = [
    each for each in ASKED if not (each.is_error or each.is_one_object) and each not in MISPLACED
]


def cases(chosen: list[Recording]) -> list:
    """The recordings as parameters, by their files' names; one that is skipped where none are."""
    absent = pytest.mark.skip(reason=f"no recorded bodies at {RECORDED}")
    found = [pytest.param(each, id=each.file) for each in chosen]
    return found or [pytest.param(None, id="none", marks=absent)]


@pytest.fixture
def serve(http_server, lake):
    """A function: a recording -> what the feed that asks for it makes of it, in one try."""

    def ingest_one(recording: Recording, *, window: Window | None = None) -> Ingested:
        feed = one_page(FEEDS[recording.feed])
        piece = feed.all_slices[0]
        headers = recording.headers
        if recording.redirects_to:
            headers = headers | {"Location": recording.redirects_to}
        path = render(feed.source.path, feed.source_values(piece))
        http_server.answer(path, recording.sent, status=recording.status, headers=headers)
        return ingest(
            feed,
            piece,
            window or last_window(feed, NOW_MS),
            base_url=http_server.url,
            root=lake,
            now_ms=NOW_MS,
            tries=1,
        )

    return ingest_one


def one_page(feed: Feed) -> Feed:
    """*feed*, asking for one page: an answer was recorded, not a conversation."""
    source = feed.source.model_copy(update={"paging": SinglePage()})
    return feed.model_copy(update={"source": source})


@pytest.mark.usefixtures("recorded")
def test_there_are_recordings_of_every_exchange_that_has_feeds():
    """All but a few, of which nobody recorded an answer to a request like their feeds'."""
    named = {each.exchange for each in ASKED}
    assert {name.partition("_")[0] for name in FEEDS} - named == UNRECORDED


def test_every_recording_stands_in_one_of_the_lists():
    """None is forgotten, and none is expected to end in two ways."""
    lists = (GOOD, SINGLE, MISPLACED, LIMITS, REFUSALS, FAILURES, NO_JSON, REDIRECTS)
    listed = [each.file for some in lists for each in some]
    assert sorted(listed) == sorted(each.file for each in ASKED)


@pytest.mark.parametrize("recording", cases(GOOD))
def test_every_record_arrives(recording, serve, outcome):
    """As many rows as records, every value exact, in the order of event time; none refused."""
    feed = FEEDS[recording.feed]
    expected = recording.expected(feed, now_ms=NOW_MS)
    done = serve(recording, window=window_of(feed, expected))
    assert len(expected) == recording.records
    assert rows(done) == expected
    assert done.manifest.parquet.quarantined_rows == 0
    assert set(done.manifest.json.new_fields) <= NOT_THEIRS
    outcome(recording, "every record")


def window_of(feed: Feed, expected: list[dict]) -> Window | None:
    """The span of the records; None for a snapshot, whose window is any."""
    if feed.snapshot:
        return None
    times = [row[feed.event_time[0]] // 10**9 for row in expected]
    return Window(*(datetime.fromtimestamp(s, UTC) for s in (min(times), max(times) + 1)))


@pytest.mark.parametrize(
    "recording",
    cases(SINGLE),
)
def test_a_record_without_its_array_is_no_silent_nothing(recording, serve, outcome, tmp_path):
    """The answer for one symbol where all were asked for is refused; in an array it fits."""
    with pytest.raises(
        SourceRefusedError,
        match=r"no array of records at '\$': the body is an object",
    ):
        serve(recording)
    array = tmp_path / "array.json"
    array.write_bytes(b"[" + recording.body + b"]")
    done = serve(replace(recording, path=array, records_path="$"))
    expected = replace(recording, path=array, records_path="$").expected(
        FEEDS[recording.feed], now_ms=NOW_MS
    )
    assert rows(done) == expected
    outcome(recording, "refused: one record, no array; fits in one")


@pytest.mark.parametrize("recording", cases(MISPLACED))
def test_a_body_of_something_else_is_refused_with_its_reason(recording, serve, outcome):
    """Records without what the feed needs are not committed, and the message says what lacks."""
    errors = TooManyBadRecordsError, OutsideWindowError
    with pytest.raises(errors, match=re.escape(ODD[recording.file])):
        serve(recording)
    outcome(recording, "refused: not this feed's records")


@pytest.mark.parametrize("recording", cases(LIMITS))
def test_a_rate_limit_says_how_long_to_wait(recording, serve, outcome):
    """By status or inside a 200: the wait is the exchange's own, or a minute."""
    with pytest.raises(RateLimitedError) as raised:
        serve(recording)
    assert raised.value.retry_after_s == WAITS_S[recording.file]
    outcome(recording, f"rate limited: {raised.value.retry_after_s:g} s")


@pytest.mark.parametrize(
    "recording",
    cases(REFUSALS),
)
def test_a_refusal_names_its_reason(recording, serve, lake, outcome):
    """A bad symbol or a missing key fails at once, in the exchange's own words."""
    with pytest.raises(SourceRefusedError, match=REASONS[recording.folder]):
        serve(recording)
    assert lake_objects(lake) == {}
    outcome(recording, "refused: will not pass")


@pytest.mark.parametrize("recording", cases(FAILURES))
def test_a_failure_may_pass(recording, serve, outcome):
    """Server errors and timeouts are asked again, whatever their body is."""
    with pytest.raises(SourceUnavailableError, match=f"HTTP {recording.status}|SERVER_ERROR"):
        serve(recording)
    outcome(recording, "failed: may pass")


@pytest.mark.parametrize(
    "recording",
    cases(NO_JSON),
)
def test_what_is_not_json_may_pass(recording, serve, outcome):
    """A web page, or several documents in one, under status 200 is a broken page."""
    with pytest.raises(MalformedPageError, match="not JSON near byte"):
        serve(recording)
    outcome(recording, "broken: may pass")


@pytest.mark.parametrize("recording", cases(REDIRECTS))
def test_a_redirect_is_followed_at_home_only(recording, serve, http_server, outcome):
    """It is followed to a path of the same host; to another host, or nowhere, it is refused."""
    target = recording.redirects_to or ""
    if target.startswith("/"):
        http_server.answer(target.partition("?")[0].replace("&amp;", "&"), b"[]")
        assert rows(serve(recording)) == []
        assert http_server.asked[-1].path == target.partition("?")[0]
        outcome(recording, "redirect followed on its host")
        return
    words = r"redirects to https?://[^,]+, another host" if target else f"HTTP {recording.status}"
    with pytest.raises(SourceRefusedError, match=words):
        serve(recording)
    assert len(http_server.asked) == 1
    outcome(recording, f"redirect to {'another host' if target else 'nowhere'} refused")


@pytest.mark.usefixtures("recorded")
def test_no_recording_of_a_feeds_endpoint_is_left_out(outcome):
    """What is listed as asked for by no feed has no path of a shipped feed of its exchange."""
    paths = [
        (name.partition("_")[0], re.sub(r"\\{\w+\\}", "[^/]+", re.escape(feed.source.path)))
        for name, feed in API_FEEDS.items()
    ]
    for each in ALL:
        if each.feed is None:
            asked = re.sub(r"^(https?://)?(\(\w+\)|[\w.]+)?(?=/)", "", each.url.partition("?")[0])
            own = [path for exchange, path in paths if exchange == each.exchange]
            assert not any(re.fullmatch(path, asked) for path in own), each.file
            outcome(each, None)
