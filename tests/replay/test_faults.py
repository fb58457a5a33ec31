"""Faults are real on the wire, come in the same order each time, and go away on a retry."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from include.replay.candles import HOUR_MS
from include.replay.faults import ALL, KINDS, Faults
from include.replay.server import app, running
from include.ticklake.errors import UsageError
from tests.replay.conftest import HOUR, NOW, ReplayClient, shape

AGG = "/api/v3/aggTrades"


@pytest.fixture
def spoilt(market):
    """A function that starts a server with faults; it ends with the test."""
    open_servers = []

    def start(**settings) -> ReplayClient:
        faults = Faults(**settings)
        server = running(app(market=market, coins=1_234, now_ms=lambda: NOW, faults=faults))
        url = server.__enter__()
        session = requests.Session()
        open_servers.append((server, session))
        return ReplayClient(url, session)

    yield start
    for server, session in open_servers:
        session.close()
        server.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [
        pytest.param("429", 429, "3", id="429"),
        pytest.param("418", 418, "3", id="418"),
        pytest.param("403", 403, None, id="403"),
        pytest.param("500", 500, None, id="500"),
        pytest.param("envelope", 200, None, id="envelope"),
        pytest.param("html", 200, None, id="html"),
    ],
)
def test_a_fault_comes_once_and_the_retry_is_good(spoilt, replay, kind, status, retry_after):
    """The same request again has the answer of a server without faults."""
    server = spoilt(kinds=(kind,), every=1, retry_after_s=3)
    query = {"symbol": "BTCUSDT", "startTime": HOUR}
    first, again = server.get(AGG, **query), server.get(AGG, **query)
    assert (first.status_code, first.headers.get("Retry-After")) == (status, retry_after)
    assert first.content != again.content == replay.get(AGG, **query).content


def test_a_request_may_meet_several_faults_in_a_row(spoilt, replay):
    """Each of another kind, until it is answered well; other requests do not change that."""
    server = spoilt(kinds=("500", "429", "418"), every=1, in_a_row=2)
    query = {"symbol": "BTCUSDT", "startTime": HOUR}
    answers = [server.get(AGG, **query) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 429, 200]
    assert answers[-1].content == replay.get(AGG, **query).content
    others = [server.get(AGG, symbol="BTCUSDT", fromId=n % 2) for n in range(6)]
    assert [answer.status_code for answer in others] == [418, 500, 429, 418, 200, 200]


def test_retry_after_may_be_a_date(spoilt):
    """The other form that the header has: a date, this machine's."""
    answer = spoilt(kinds=("429-date",), every=1, retry_after_s=100).get(AGG, symbol="BTCUSDT")
    until = parsedate_to_datetime(answer.headers["Retry-After"])
    assert answer.status_code == 429
    assert 90 < until.timestamp() - time.time() <= 100


@pytest.mark.parametrize(
    ("path", "query", "encoding"),
    [
        pytest.param(AGG, {"symbol": "BTCUSDT"}, "identity", id="with a length"),
        pytest.param(AGG, {"symbol": "BTCUSDT"}, "gzip", id="compressed"),
        pytest.param("/v1/tickers", {}, "identity", id="in chunks"),
        pytest.param("/v1/tickers", {}, "gzip", id="compressed chunks"),
    ],
)
def test_a_cut_body_ends_early(spoilt, path, query, encoding):
    """Headers and a good beginning come, then the connection ends: clients see it break."""
    server = spoilt(kinds=("cut",), every=1)
    headers = {"Accept-Encoding": encoding}
    with server.session.get(
        server.url + path, params=query, headers=headers, stream=True, timeout=30
    ) as answer:
        assert answer.status_code == 200
        chunks = answer.iter_content(1024)
        assert next(chunks).startswith(b"[")
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(chunks)
    assert isinstance(server.rows(path, **query), list)


def test_slow_bytes_are_the_same_bytes(spoilt, replay):
    """The body drips, and is whole in the end."""
    server = spoilt(kinds=("slow",), every=1, slow_s=0.2)
    began = time.monotonic()
    answer = server.get(AGG, symbol="BTCUSDT")
    assert time.monotonic() - began >= 0.2
    assert answer.content == replay.get(AGG, symbol="BTCUSDT").content


def test_a_repeated_page_is_the_page_before(spoilt):
    """Page 2 of a walk has the body of page 1; asked again it is page 2."""
    server = spoilt(kinds=("repeat",), every=1)
    pages = [
        server.rows("/api/v3/coins/markets", vs_currency="usd", page=page) for page in (1, 2, 2, 3)
    ]
    ranks = [page[0]["market_cap_rank"] for page in pages]
    assert ranks == [1, 1, 101, 101]


@pytest.mark.parametrize(
    "queries",
    [
        pytest.param([{"page": 3}, {"page": 1}], id="back to the beginning"),
        pytest.param([{"page": 1}, {"page": 2, "order": "id_asc"}], id="another walk"),
    ],
)
def test_a_first_page_is_never_a_repeated_one(spoilt, replay, queries):
    """A page of another walk would be another answer, not a repeated page."""
    server = spoilt(kinds=("repeat",), every=1)
    for query in queries:
        path, query = "/api/v3/coins/markets", {"vs_currency": "usd", **query}
        assert server.rows(path, **query) == replay.rows(path, **query)


@pytest.mark.parametrize("every", [1, 3])
def test_a_client_that_retries_gets_the_hour(spoilt, market, every):
    """With all faults on, retrying and refusing repeated pages gives the same trades."""
    server = spoilt(kinds=(*ALL, "html", "403"), every=every, slow_s=0.01)
    from_id = market.agg_id_at("BTCUSDT", HOUR)
    stop, found, tries = market.agg_id_at("BTCUSDT", HOUR + HOUR_MS), [], 0
    while from_id < stop:
        tries += 1
        assert tries < 40, "a client that retries comes to an end"
        page = attempt(server, from_id)
        if page:
            found += page
            from_id = page[-1]["a"] + 1
    assert [row["a"] for row in found if row["a"] < stop] == list(range(found[0]["a"], stop))
    assert tries > 8


def attempt(server, from_id) -> list:
    """A page that starts at *from_id*, or nothing."""
    try:
        answer = server.get(AGG, symbol="BTCUSDT", fromId=from_id, limit=1000)
        rows = answer.json() if answer.ok else []
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.JSONDecodeError):
        return []
    return rows if isinstance(rows, list) and rows and rows[0]["a"] == from_id else []


def test_faults_come_in_the_same_order_each_time(spoilt):
    """What a server does next depends on its requests only."""

    def statuses():
        server = spoilt(kinds=("429", "500", "418"), every=2)
        return [server.get(AGG, symbol="BTCUSDT", fromId=n % 7).status_code for n in range(20)]

    first = statuses()
    assert first == statuses()
    assert first[:6] == [200, 429, 200, 500, 200, 418]


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        pytest.param(AGG, "429", "binance/errors_rate_limit/HTTP429_weight.json", id="binance 429"),
        pytest.param(
            AGG, "418", "binance/errors_rate_limit/HTTP418_ip_banned.json", id="binance 418"
        ),
        pytest.param(
            "/products/BTC-USD/trades", "429", "coinbase/errors_rate_limit/HTTP429.json",
            id="coinbase",
        ),
        pytest.param(
            "/0/public/Trades", "envelope", "kraken/errors_rate_limit/HTTP200_EAPI.json",
            id="kraken",
        ),
        pytest.param(
            "/api/v5/market/candles", "429", "okx/errors_rate_limit/HTTP429_50011.json", id="okx"
        ),
        pytest.param(
            "/v5/market/kline", "envelope", "bybit/errors_rate_limit/HTTP200_10006.json",
            id="bybit",
        ),
        pytest.param(
            "/api/v3/coins/list", "429", "coingecko/errors_rate_limit/HTTP429.json",
            id="coingecko",
        ),
    ],
)  # fmt: skip
def test_words_are_the_exchanges_own(spoilt, path, kind, name, recorded_body):
    """Bodies of limits and bans have the shape that was recorded."""
    body = spoilt(kinds=(kind,), every=1).get(path).json()
    assert shape(body) == shape(recorded_body(name))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"kinds": ("429", "flood")}, id="unknown kind"),
        pytest.param({"kinds": ()}, id="no kind"),
        pytest.param({"every": 0}, id="every zero"),
        pytest.param({"in_a_row": 0}, id="none in a row"),
    ],
)
def test_faults_that_cannot_be_are_refused(settings):
    """The message says what would be right."""
    with pytest.raises(UsageError, match="faults: "):
        Faults(**settings)
    assert set(ALL) < set(KINDS)
