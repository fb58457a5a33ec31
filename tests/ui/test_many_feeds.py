"""Fifty feeds of five hundred slices: what their pages weigh, and what they ask the storage for."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import pytest
import yaml

from include.ticklake.lake import summary
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from tests.support import staged_factory, summary_lake
from tests.support.servers import airflow_pages
from tests.support.servers.counted_pages_program import REQUESTS

pytestmark = pytest.mark.dag

FEEDS, SLICES, DAYS = 50, 500, 90
MAX_BYTES = 300_000
TIMES = 9
FEEDS_PAGE = ""
COVERAGE = "coverage?feed=feed_07&slice=symbol%3DS123USDT"
"""The heat map of a year is in it, above that of a month."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The feeds, all of their summaries, and the years of the slices of one of them."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "feeds").mkdir()
    (folder / "lake").mkdir()
    storage = Storage.open(f"file://{folder}/lake", {})
    symbols = [f"S{number:03d}USDT" for number in range(SLICES)]
    described = {
        "source": staged_factory.SOURCE,
        "slices": {"symbol": symbols},
        "fields": staged_factory.FIELDS,
    }
    text = yaml.safe_dump(described, sort_keys=False)
    for number in range(FEEDS):
        name = f"feed_{number:02d}"
        (folder / f"feeds/{name}.yaml").write_text(text)
        known = summary_lake.feed_summary(name, slices=SLICES, days=DAYS)
        storage.put(summary.feed_key(name), summary.encode_feed(known))
    # No page reads more than one of these: the other 24,999 would only take time here.
    path = "symbol=S123USDT"
    feed = summary_lake.feed_summary("feed_07", slices=SLICES, days=DAYS)
    years = summary_lake.slice_years(feed, path, days=DAYS)
    for key, body in summary_lake.encode_years(years).items():
        storage.put(key, body)
    return folder


@pytest.fixture(scope="module")
def many(airflow_env, folder):
    """An API server that keeps nothing of what it has read."""
    env = {
        **airflow_env,
        "TICKLAKE_ROOT": f"file://{folder}/lake",
        "TICKLAKE_FEEDS": str(folder / "feeds"),
        "TICKLAKE_SHIPPED_FEEDS": "none",
        REQUESTS: str(folder / "requests"),
    }
    server = airflow_pages.start(env, program="tests.support.servers.counted_pages_program")
    yield server
    server.close()


def requests_of(many, folder, path):
    """The answer, and what the storage was asked for because of it."""
    log = folder / "requests"
    log.write_text("")
    with many.session("admin") as session:
        answer = session.get(f"{many.url}/ticklake/{path}", timeout=300)
    return answer, log.read_text().splitlines()


def test_the_first_page_asks_for_one_object_per_feed(many, folder):
    """And lists nothing, whatever the lake holds; it stays small."""
    answer, requests = requests_of(many, folder, FEEDS_PAGE)
    assert answer.status_code == 200
    assert sorted(requests) == [f"read summary/feed_{n:02d}/feed.json" for n in range(FEEDS)]
    assert len(answer.content) < MAX_BYTES


def test_a_year_of_a_slice_is_one_object(many, folder):
    """Beside the feed's own; the page of a year and a month stays small."""
    answer, requests = requests_of(many, folder, COVERAGE)
    assert answer.status_code == 200
    assert requests == [
        "read summary/feed_07/feed.json",
        f"read {summary.year_key('feed_07', Slice.parse('symbol=S123USDT'), 2026)}",
    ]
    assert "2026 by days" in answer.text
    assert len(answer.content) < MAX_BYTES


def test_times_of_the_pages_are_reported(many, report_line):
    """Medians of a whole answer, with nothing kept between two; the machine decides on them."""
    with many.session("admin") as session:
        for path in (FEEDS_PAGE, COVERAGE):
            times_s = []
            for _ in range(TIMES):
                begin_s = time.perf_counter()
                answer = session.get(f"{many.url}/ticklake/{path}", timeout=300)
                times_s.append(time.perf_counter() - begin_s)
            sent = int(answer.headers.get("Content-Length") or len(answer.content))
            report_line(
                f"{path or 'feeds'}: {statistics.median(times_s) * 1000:.0f} ms, "
                f"{len(answer.content):,} bytes ({sent:,} as sent)"
            )


def test_a_storage_that_fails_is_said_in_words(many, folder):
    """Without its own message, which may name what nobody should see."""
    (folder / "lake/summary/feed_08/feed.json").unlink()
    (folder / "lake/summary/feed_08/feed.json").mkdir()
    answer, _ = requests_of(many, folder, "coverage?feed=feed_08")
    assert answer.status_code == 503
    assert "The lake&#39;s storage does not answer." in answer.text
    assert str(folder) not in answer.text
