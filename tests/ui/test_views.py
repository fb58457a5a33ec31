"""Memory, data and quarantine as Airflow's API server serves them, over a small real lake."""

from __future__ import annotations

import html
import json
import re
from contextlib import ExitStack

import pytest
import requests

from include.ticklake.feed import loader
from include.ticklake.lake import layout, read, summary
from include.ticklake.model.slice import Slice
from tests.support import page_lake
from tests.support.lake_factory import at
from tests.support.page_lake import CANDLES, COINS, TRADES

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

VIEWS = ("memory", "data", "quarantine")
HIDDEN = "kraken_trades"
MARKUP = '"><script>alert(1)</script>'
NONSENSE = [
    "slice=..%2F..%2Fetc", "slice=pair%3D..", "from=<script>alert(1)</script>&to=1e99",
    "from=0001-01-01&to=9999-12-31", "start=<script>alert(1)</script>", "of=%00%27%22<script>",
    "start=2026-11-22T05:00:00Z&slice=symbol%3Dnone", "slice=%ff%fe", "from=&to=%F0%9F%92%A3",
]  # fmt: skip


@pytest.fixture(scope="module")
def show(pages):
    """The answer to a user for a page."""
    with ExitStack() as stack:
        users = ("admin", "apart", "viewer")
        sessions = {user: stack.enter_context(pages.session(user)) for user in users}

        def get(path: str, user: str = "admin") -> requests.Response:
            return sessions[user].get(f"{pages.url}/ticklake/{path}", timeout=60)

        yield get


def text_of(page: requests.Response) -> str:
    """What is on a page, without its tags."""
    assert page.status_code == 200, page.text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text)))


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_without_a_feed_is_about_one_that_has_something_to_show(show, views_lake, view):
    """Not about the first of all, which never ran."""
    [feed] = re.findall(r"<option selected>(\w+)</option>", show(view).text)[:1]
    stored = summary.read_feed(feed, storage=views_lake)
    assert stored.quarantine_windows if view == "quarantine" else stored.runs


def test_memory_shows_each_step_against_its_limit(show):
    """A chart and a table for both; the highest peak in words."""
    page = show(f"memory?feed={TRADES}")
    runs = page_lake.summary_of(loader.load(TRADES, {})).runs
    assert page.text.count('class="plot"') == 2
    assert page.text.count('class="hit"') == len(runs)
    highest = max(run.peak_bytes for run in runs if run.step == "convert") / 128 / 1024**2
    assert f"{highest:.0%}".replace("%", " % of 128 MiB") in text_of(page)
    assert "../dags/ingest_binance_trades/runs/scheduled__95" in page.text
    assert len(page.content) < 300_000


def test_a_feed_without_runs_says_what_to_start(show):
    """And links there."""
    for view, said in (("memory", "No runs yet"), ("data", "No data yet"),
                       ("quarantine", "Nothing is known of this feed yet")):  # fmt: skip
        page = show(f"{view}?feed=binance_funding")
        assert said in text_of(page)
        assert 'href="../dags/ingest_binance_funding"' in page.text


@pytest.mark.parametrize("view", ["data", "quarantine"])
def test_what_was_fetched_in_the_terminal_is_not_denied(show, view):
    """Only what is published is known here: the command for that is named."""
    page = text_of(show(f"{view}?feed=binance_funding"))
    assert "fetched in the terminal is here after ticklake publish binance_funding" in page


def test_data_shows_every_candle_and_the_newest_records_exactly(show, views_lake):
    """The chart's titles have the numbers of the Parquet, the table those of the source."""
    page = show(f"data?feed={CANDLES}&from=2026-11-22T05:00:00Z&to=2026-11-22T06:00:00Z")
    rows = read.table(
        loader.load(CANDLES, {}), storage=views_lake, start=at("05:00"), end=at("06:00")
    ).to_pylist()
    assert page.text.count('class="point ') == len(rows) == 60
    for row in rows:
        number = {name: f"{row[name]:f}".rstrip("0").rstrip(".") for name in row if name in (
            "open", "high", "low", "close", "volume")}  # fmt: skip
        assert (
            f"{row['open_time']:%Y-%m-%d %H:%M:%S} UTC: open {number['open']}, high "
            f"{number['high']}, low {number['low']}, close {number['close']}, "
            f"volume {number['volume']}<"
        ) in page.text
    stored = json.loads(views_lake.read(layout.latest_key(CANDLES, page_lake.BTC[CANDLES])))
    for record in stored["records"]:
        assert f">{record['volume']}<" in page.text


def test_ticks_are_a_line_and_a_snapshot_is_of_one_subject(show):
    """One coin at a time, not a line through all of them."""
    ticks = show(f"data?feed={TRADES}")
    assert 'class="price"' in ticks.text
    assert "720 rows in" in text_of(ticks)
    coins = show(f"data?feed={COINS}&of=eth-ethereum")
    assert "price of eth-ethereum" in text_of(coins)
    assert "price 3100.875<" in coins.text
    assert "91000" not in coins.text.partition("Newest records")[0]


def test_the_lines_to_copy_are_of_the_range_that_is_shown(show):
    """They are run in ``tests/unit/publish/test_snippets.py``."""
    page = show(f"data?feed={CANDLES}&from=2026-11-22T05:00:00Z&to=2026-11-22T06:00:00Z")
    for name in ("duckdb", "polars", "pandas"):
        [code] = re.findall(rf'id="snippet-{name}">(.*?)</code>', page.text, re.DOTALL)
        assert "2026-11-22T05:00:00+00:00" in code
        assert "2026-11-22T06:00:00+00:00" in code


def test_quarantine_shows_reasons_records_and_a_retry_of_the_window(show):
    """A record's markup is text; what the button sends names this window only."""
    page = show(f"quarantine?feed={TRADES}&slice=symbol%3DBTCUSDT&start=2026-11-22T05:00:00Z")
    assert "<script>alert" not in page.text
    shown = text_of(page)
    assert page_lake.HOSTILE.replace('"', '\\"') in shown
    assert "at byte" in shown
    assert "bytes more" in shown
    confs = [
        json.loads(html.unescape(conf)) for conf in re.findall(r'data-conf="(.*?)"', page.text)
    ]
    whole = {"feeds": [TRADES], "quarantined": True}
    window = {"start": "2026-11-22T05:00:00Z", "end": "2026-11-22T06:00:00Z"}
    assert confs == [whole, whole | window | {"slices": ["symbol=BTCUSDT"]}]
    assert "Nothing is quarantined" in text_of(show(f"quarantine?feed={CANDLES}"))


def test_a_retry_is_offered_to_those_who_may_start_it(show):
    """To others the button says why not; a DAG that is switched off makes its runs wait."""
    offered = show(f"quarantine?feed={TRADES}").text
    assert re.search(r'data-trigger-dag="rebuild" data-conf="[^"]*">Retry all<', offered)
    assert "rebuild is paused" in text_of(show(f"quarantine?feed={TRADES}"))
    refused = show(f"quarantine?feed={TRADES}", "viewer")
    assert "You may not start runs of the DAG rebuild" in text_of(refused)
    assert "disabled>Retry all<" in refused.text


@pytest.mark.parametrize("view", VIEWS)
def test_who_may_not_see_a_feed_s_dag_is_answered_as_if_there_was_none(show, view):
    """The same answer as for a feed that does not exist."""
    hidden = show(f"{view}?feed={HIDDEN}", "apart")
    unknown = show(f"{view}?feed=no_such_feed", "apart")
    assert (hidden.status_code, hidden.text) == (404, unknown.text)
    assert HIDDEN not in show(view, "apart").text
    assert show(f"{view}?feed={HIDDEN}").status_code == 200


@pytest.mark.parametrize("query", NONSENSE)
@pytest.mark.parametrize("view", VIEWS)
def test_nonsense_in_the_address_is_no_error_of_ours(show, view, query):
    """Nor markup."""
    feed = TRADES if view == "quarantine" else CANDLES
    page = show(f"{view}?feed={feed}&{query}")
    assert page.status_code in (200, 404)
    assert "<script>alert" not in page.text


def hostile_summary(feed: str, slice_: Slice) -> bytes:
    """A summary whose form is right, and whose values are markup, paths and absurd numbers."""
    stored = page_lake.summary_of(loader.load(TRADES, {}))
    numbers = [[-(2**62), 2**62, -1, -5, -1], [1, 2, 3, 0, 0]]
    windows = [
        [path, at_ms, -3, "../../etc/passwd", {MARKUP: 2**62}]
        for path in (slice_.path, MARKUP, "../..", "x=..", "")
        for at_ms in (0, 2**62, -(2**62))
    ]
    plain = json.loads(summary.encode_feed(stored)) | {
        "feed": feed,
        "slices": [MARKUP, "..", "x=..", slice_.path],
        "first_start_ms": 0,
        "runs": [[at_ms, MARKUP, MARKUP, MARKUP, *rest] for at_ms, *rest in numbers],
        "quarantine_windows": windows,
    }
    return json.dumps(plain).encode()


@pytest.mark.parametrize(
    ("feed", "body"),
    # A feed each: what was read is kept for some seconds.
    [("okx_trades", b""), ("okx_candles", b"{"), ("coinbase_products", b"[]"),
     ("coinbase_candles", b'{"feed":7}'), ("bybit_funding", None)],
    ids=["empty", "cut off", "a list", "a number", "hostile"],
)  # fmt: skip
def test_nonsense_in_the_storage_is_shown_as_such(show, views_lake, feed, body):
    """Summary and newest records of a feed can both be anything."""
    slice_ = loader.load(feed, {}).first_slice
    body = hostile_summary(feed, slice_) if body is None else body
    views_lake.put(summary.feed_key(feed), body)
    views_lake.put(layout.latest_key(feed, slice_), body)
    for view in VIEWS:
        page = show(f"{view}?feed={feed}")
        assert page.status_code == 200, page.text
        assert "<script>alert" not in page.text
        assert "root:" not in page.text
