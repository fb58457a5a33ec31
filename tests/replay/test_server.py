"""The replay's own paths, its bench page and its command."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from include.replay import command
from include.replay.candles import HOUR_MS
from include.replay.server import app, running
from include.ticklake.errors import UsageError
from tests.replay.conftest import HOUR, NOW, ReplayClient

ROOT = Path(__file__).parents[2]
RUN = "import sys; from include.replay.command import main; sys.exit(main(sys.argv[1:]))"


def test_the_log_holds_what_was_asked(market):
    """Every request to an exchange, in order, with status and bytes; not those for the log."""
    application = app(market=market, now_ms=lambda: NOW)
    with running(application) as url, requests.Session() as session:
        server = ReplayClient(url, session)
        sizes = [
            len(server.get(path).content)
            for path in (
                "/0/public/Trades?pair=XBTUSD&count=1",
                "/products/NOPE/trades",
                "/nowhere",
            )
        ]
        log = server.rows("/_replay/requests")
        assert log["count"] == 3
        assert [
            (entry["number"], entry["target"], entry["status"], entry["fault"])
            for entry in log["requests"]
        ] == [
            (1, "/0/public/Trades?pair=XBTUSD&count=1", 200, None),
            (2, "/products/NOPE/trades", 404, None),
            (3, "/nowhere", 404, None),
        ]
        assert [entry["body_bytes"] for entry in log["requests"]][1:] == sizes[1:]
        assert [entry.target for entry in application.state.log.entries][2] == "/nowhere"
        assert len(server.rows("/_replay/requests", after=1)["requests"]) == 2
        assert len(server.rows("/_replay/requests", prefix="/products")["requests"]) == 1
        assert session.delete(url + "/_replay/requests", timeout=30).json()["count"] == 0
        assert server.rows("/_replay/requests") == {"count": 0, "requests": []}


def test_health_says_which_market_this_is(replay):
    """Seed, size and clock."""
    health = replay.rows("/_replay/health")
    assert (health["status"], health["seed"], health["now_ms"]) == ("ok", 11, NOW)
    assert (health["trades_per_hour"], health["agg_trades_per_hour"]) == (7_500, 7_032)


def test_truth_counts_a_window(replay, market):
    """What another process compares its lake with."""
    truth = replay.rows("/_replay/truth", symbol="BTCUSDT", start=HOUR, end=HOUR + HOUR_MS)
    assert (truth["trades"], truth["agg_trades"]) == (7_500, 7_032)
    assert truth["first_agg_id"] == market.agg_id_at("BTCUSDT", HOUR)
    assert replay.get("/_replay/truth", symbol="BTCUSDT").status_code == 400


@pytest.mark.parametrize("rows", [0, 1, 999, 1000, 2500])
def test_the_bench_page_is_a_good_page(replay, rows):
    """So many objects of about 110 bytes, contiguous ids, ascending times within the hour."""
    answer = replay.get("/_bench/aggTrades", rows=rows, startTime=HOUR)
    found = answer.json()
    assert "Content-Encoding" not in answer.headers
    assert [row["a"] for row in found] == list(range(4_000_000_000, 4_000_000_000 + rows))
    assert [row["T"] for row in found] == sorted(row["T"] for row in found)
    assert all(HOUR <= row["T"] < HOUR + HOUR_MS for row in found)
    if rows:
        assert 100 < len(answer.content) / rows < 130
        assert list(found[0]) == ["a", "p", "q", "f", "l", "T", "m", "M"]


def test_bench_refuses_what_is_no_number(replay):
    """As Binance would."""
    assert replay.get("/_bench/aggTrades", rows="many").status_code == 400


def test_the_command_serves_until_it_is_interrupted():
    """One line with the URL, then answers; an interrupt ends it with 0."""
    market = "--port 0 --seed 3 --trades-per-hour 50 --coins 5 --now 2026-01-02T08:00:00Z"
    arguments = [*market.split(), "--faults", "500", "--fault-every", "2"]
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("replay listens on http://127.0.0.1:")
            url = line.split()[-1]
            health = requests.get(url + "/_replay/health", timeout=30).json()
            coins = [requests.get(url + "/api/v3/coins/list", timeout=30) for _ in range(3)]
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert (health["seed"], health["trades_per_hour"]) == (3, 50)
    assert health["now_ms"] == HOUR + 5 * HOUR_MS
    assert [answer.status_code for answer in coins] == [200, 500, 200]
    assert len(coins[0].json()) == 5


def test_a_taken_port_is_the_callers_error():
    """The message names the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port}: .*--port"):
            command.main(["--port", str(port)])


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--port", "99999"], id="no port"),
        pytest.param(["--trades-per-hour", "0"], id="no trades"),
        pytest.param(["--faults", "flood"], id="unknown fault"),
        pytest.param(["--now", "yesterday"], id="no time"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments):
    """Before anything listens."""
    with pytest.raises(UsageError):
        command.main(["--port", "0", *arguments])
