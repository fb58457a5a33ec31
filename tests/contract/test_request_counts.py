"""The requests of one unit of 60 candles, counted at the server; and its time and memory."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest
import yaml

from tests.support import cli_process
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
    http_server.answer_by("/candles", _candles)
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


def _candles(request):
    start_ms = int(request.params["start"])
    candles = [
        {"t": start_ms + 60_000 * n, "open": "1.5", "close": "2.5", "volume": f"{n}.25"}
        for n in range(60)
    ]
    return Reply(body=json.dumps(candles).encode())
