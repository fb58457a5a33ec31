"""250 tiny slices, side by side, on a storage that takes 15 ms a request.

Requests are counted at the server, the peak is the memory limit's own count, and what is stored is
compared with one unit after the other. Seconds are printed.
"""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.contract.test_request_counts import CANDLES, candles
from tests.support import cli_process
from tests.support.cli_process import CommandResult
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tools.servers.moto import MotoServer
from tools.servers.s3 import Bucket

SLICES = [f"S{number:04d}" for number in range(250)]
COMPARED = 40
HOUR = ("--start", "2026-01-02T05:00Z", "--end", "2026-01-02T06:00Z")
# A batch reads the feed's record once. Its first unit stores that, and the list of checkpoints and
# what the store can do are found out once.
MOST_ONCE = {"extract": 3, "convert": 3}
MOST_A_UNIT = {"extract": 2, "convert": 4}


def write_feed(folder: Path, slices: list[str]) -> Path:
    folder.mkdir()
    feed = CANDLES | {"slices": {"symbol": slices}}
    (folder / "candles.yaml").write_text(yaml.safe_dump(feed, sort_keys=False))
    return folder


@pytest.fixture
def slow_s3() -> Iterator[MotoServer]:
    pytest.importorskip("moto.server", reason="no moto: pip install moto[s3] flask flask-cors")
    with MotoServer(wait_s=0.015) as server:
        yield server


@pytest.mark.s3
def test_a_batch_of_tiny_slices_takes_few_requests_and_seconds(
    slow_s3, http_server, tmp_path, report_line
):
    """2 requests a unit to extract and 4 to convert under 128 MiB; bytes, results and log lines
    are those of one unit after the other."""
    http_server.answer_by("/candles", candles)
    feeds, bucket = write_feed(tmp_path / "feeds", SLICES), slow_s3.bucket()
    env = cli_process.environment(**bucket.environment, TICKLAKE_FEEDS=str(feeds))

    def run(*argv: str) -> tuple[CommandResult, list[dict[str, Any]]]:
        began_s = time.monotonic()
        done = cli_process.run(*argv, "--root", bucket.root, env=env)
        seconds = time.monotonic() - began_s
        assert done.exit_code == 0, done.err
        results = [json.loads(line) for line in done.out.splitlines()]
        requests, most = len(slow_s3.requests()), argv[0]
        report_line(
            f"{argv[0]} of {len(SLICES)} slices, 15 ms a request: {seconds:.1f} s, {requests} "
            f"requests, peak {results[-1]['peak_bytes'] / MIB:.0f} MiB"
        )
        assert requests <= MOST_A_UNIT[most] * len(SLICES) + MOST_ONCE[most]
        return done, results

    done, extracted = run("extract", "candles", *HOUR, "--base-url", http_server.url)
    assert logged(done, "extract.done") == SLICES
    manifests = [result["manifest"] for result in extracted]
    assert [slice_of(uri) for uri in manifests] == SLICES
    done, converted = run("convert", *manifests, "--cap", "128MiB")
    assert [result["manifest"] for result in converted] == manifests
    assert logged(done, "convert.done") == SLICES
    assert max(result["peak_bytes"] for result in converted) <= 128 * MIB
    assert Counter(result["rows"] for result in converted) == {60: len(SLICES)}
    assert_as_one_by_one(bucket, http_server, tmp_path)


def assert_as_one_by_one(bucket: Bucket, http_server: HttpServer, tmp_path: Path) -> None:
    """What a lake on disk has of the first slices, one after the other, is there byte for byte."""
    feeds, root = write_feed(tmp_path / "some", SLICES[:COMPARED]), f"file://{tmp_path}/lake"
    env = cli_process.environment(TICKLAKE_FEEDS=str(feeds), TICKLAKE_UNITS_AT_ONCE="1")
    done = cli_process.run(
        "extract", "candles", *HOUR, "--base-url", http_server.url, "--root", root, env=env
    )
    uris = [json.loads(line)["manifest"] for line in done.out.splitlines()]
    assert cli_process.run("convert", *uris, "--root", root, env=env).exit_code == 0
    one_by_one = Storage.open(root, {})
    side_by_side = Storage.open(bucket.root, bucket.environment)
    keys = [key for key in one_by_one.list("") if not key.startswith(("schemas/", "_"))]
    assert len(keys) == 3 * COMPARED
    for key in keys:
        assert side_by_side.read(key) == one_by_one.read(key), key


def logged(done: CommandResult, event: str) -> list[str]:
    """The slices of the lines of *event*, in their order."""
    return [slice_of(line) for line in done.err.splitlines() if f" {event} " in line]


def slice_of(text: str) -> str:
    return re.search(r"symbol=(S\d+)", text)[1]


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["^C", "SIGTERM"]
)
def test_a_batch_that_waits_ends_at_once(http_server, tmp_path, number, exit_code):
    """Its threads are in calls that do not return; what is committed stays, and the rest follows
    when it is run again."""
    asked, waiting, released = Counter(), threading.Semaphore(0), threading.Event()

    def answer(request: ReceivedRequest) -> Reply:
        asked[request.params["symbol"]] += 1
        if request.params["symbol"] != SLICES[0] and not released.is_set():
            waiting.release()
            released.wait(60)
        return candles(request)

    http_server.answer_by("/candles", answer)
    feeds, root = write_feed(tmp_path / "feeds", SLICES[:20]), f"file://{tmp_path}/lake"
    env = cli_process.environment(TICKLAKE_FEEDS=str(feeds), TICKLAKE_UNITS_AT_ONCE="4")
    argv = ("extract", "candles", *HOUR, "--base-url", http_server.url, "--root", root)
    process = cli_process.start(*argv, env=env)
    for _ in range(4):
        assert waiting.acquire(timeout=60)
    reported = process.stdout.readline()  # who ends it earlier may see nothing of the first
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == exit_code, err
    assert (slice_of(reported), out) == (SLICES[0], "")
    assert "Traceback" not in err
    assert len(asked) == 5
    released.set()
    again = cli_process.run(*argv, env=env)
    assert [slice_of(line) for line in again.out.splitlines()] == SLICES[:20], again.err
