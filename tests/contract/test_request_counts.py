"""The requests of one unit of 60 candles, counted at the server; and its time and memory."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
import yaml

from include.ticklake.lake import feed_record, layout, summary
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.publish import publish
from include.ticklake.settings import Settings
from tests.support import cli_process, staged_factory
from tests.support.cli_process import CommandResult
from tests.support.servers.http import Reply

MOST = {"extract": 4, "convert": 6}
CANDLES = {
    "source": {
        "kind": "http",
        "base_url": "https://api.example.com",
        "path": "/candles",
        "params": {"symbol": "{symbol}", "start": "{start_ms}"},
        "paging": {"kind": "single"},
    },
    "slices": {"symbol": ["BTCUSDT"]},
    "candle": "1m",
    "fields": {
        "opens_at": {
            "from": "t", "type": "timestamp", "unit": "ms", "key": True, "event_time": True,
        },
        "open": {"type": "decimal(38,10)"},
        "close": {"type": "decimal(38,10)"},
        "volume": {"type": "decimal(38,10)"},
    },
}  # fmt: skip


@pytest.fixture
def run(moto, http_server, tmp_path, report_line):
    """Runs a command on a lake in a bucket; returns its result and its requests."""
    (tmp_path / "candles.yaml").write_text(yaml.safe_dump(CANDLES, sort_keys=False))
    http_server.answer_by("/candles", candles)
    bucket = moto.bucket()
    env = cli_process.environment(**bucket.environment, TICKLAKE_FEEDS=str(tmp_path))

    def run_counted(what: str, *argv: str) -> tuple[CommandResult, list[str]]:
        began_s = time.monotonic()
        done = cli_process.run(*argv, "--root", bucket.root, env=env)
        seconds = time.monotonic() - began_s
        assert done.exit_code == 0, done.err
        requests = [request.replace(f"/{bucket.name}/lake", "") for request in moto.requests()]
        kinds = ", ".join(
            f"{n} {kind}" for kind, n in Counter(r.split()[0] for r in requests).items()
        )
        report_line(
            f"{argv[0]} of 60 candles, {what}: {len(requests)} requests ({kinds}), "
            f"{seconds:.2f} s with the process's start, peak {done.peak_bytes >> 20} MiB"
        )
        return done, requests

    return run_counted


def test_a_unit_of_60_candles_takes_few_requests(run, http_server):
    """At most 4 to extract and 6 to convert: the first unit of a lake, and each later one.

    What the page shows takes two for the slice and two for the feed, when that is published.

    Between them one run finds out, once for the lake, whether the store honours conditions.
    """
    seen = {}
    for number, what in enumerate(("first unit", "run that tries the store", "later unit")):
        hours = [f"2026-01-02T0{hour}:00:00Z" for hour in (5 + number, 6 + number)]
        extracted, seen["extract", what] = run(
            what, "extract", "candles", "--start", hours[0], "--end", hours[1],
            "--base-url", http_server.url,
        )  # fmt: skip
        manifest = json.loads(extracted.out)["manifest"]
        converted, seen["convert", what] = run(what, "convert", manifest)
        assert json.loads(converted.out)["rows"] == 60
    _, published = run("later unit", "publish", "candles", "--start", hours[0], "--end", hours[1])
    of_summary = Counter(line.split()[0] for line in published if "/summary/" in line)
    assert of_summary == {"GET": 2, "PUT": 2}, "\n".join(published)
    del seen["extract", "run that tries the store"]
    over = [
        "\n  ".join([f"{command}, {what}: {len(found)}", *found])
        for (command, what), found in seen.items()
        if len(found) > MOST[command]
    ]
    assert not over, "\n".join(over)


SLICES = 32
HOURS = [Window.parse(f"20260102T0{n}0000Z-20260102T0{n + 1}0000Z") for n in (5, 6)]


def test_publishing_the_next_hour_of_many_slices_takes_few_requests(moto, report_line):
    """For each slice the manifest twice, the new part, and ``latest.json``; no listing.

    Calendars of many slices share an object. Before, it was 9 GETs, 2 PUTs and 2 LISTs a slice.
    """
    bucket = moto.bucket()
    storage = Storage.open(bucket.root, bucket.environment)
    symbols = [f"S{number:04d}" for number in range(SLICES)]
    feed = staged_factory.feed(slices={"symbol": symbols})
    settings = Settings(latest_rows=5)
    for _ in range(2):  # creates the feed's record, then finds out what the store honours
        stored = feed_record.check_before_extract(feed, storage=storage)
        feed_record.create(stored, feed, storage=storage)
    for window in HOURS:
        units = [Unit(slice_, window) for slice_ in feed.all_slices]
        for unit in units:
            times = [window.start_ms + 1000 * n for n in range(6 if window is HOURS[0] else 2)]
            texts = [staged_factory.record(n, at_ms=at_ms) for n, at_ms in enumerate(times)]
            staged_factory.stage(feed, [texts], storage=storage, unit=unit)
        moto.requests()
        publish.publish(feed, units, storage=storage, settings=settings, env={})
        kinds = Counter(
            "LIST" if "list-type=2" in line else line.split()[0] for line in moto.requests()
        )
    years = {summary.year_key(feed.name, unit.slice, 2026) for unit in units}
    a_unit = ", ".join(f"{count / SLICES:.1f} {kind}" for kind, count in sorted(kinds.items()))
    report_line(f"publishing the next hour of {SLICES} slices takes {a_unit} a slice")
    assert kinds["LIST"] == 0
    assert kinds["PUT"] <= SLICES + len(years) + 1
    assert kinds["GET"] <= 4 * SLICES + len(years) + 2
    newest = json.loads(storage.read(layout.latest_key(feed.name, units[0].slice)))
    assert [record["n"] for record in newest["records"]] == [3, 4, 5, 0, 1]


def candles(request):
    start_ms = int(request.params["start"])
    candles = [
        {"t": start_ms + 60_000 * n, "open": "1.5", "close": "2.5", "volume": f"{n}.25"}
        for n in range(60)
    ]
    return Reply(body=json.dumps(candles).encode())
