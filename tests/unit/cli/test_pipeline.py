"""Data is moved along the pipeline whole or not at all, one JSON line per unit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from include.ticklake.cli.main import main
from include.ticklake.model.sizes import MIB
from tests.conftest import REPOSITORY
from tests.support.cli_process import environment, run
from tests.support.rows_feed import HOUR, PAGED, ROWS, extract_rows, rows_feed, visible
from tests.support.servers.http import HttpServer, Reply
from tests.support.servers.raw import RawServer
from tests.support.trades_api import TradesApi, feed_file, trades

IMPORTS = "pyarrow.fs, include.ticklake.extract.extract, include.ticklake.sources.http.api"
ABOVE_IMPORTS_BYTES = 28 * MIB


@cache
def peak_limit_bytes() -> int:
    """What an extraction may take on this Python: pyarrow alone differs by 20 MiB between two."""
    code = f"import resource, {IMPORTS}\n"
    code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    run_code = [sys.executable, "-c", code]
    imported = subprocess.run(run_code, capture_output=True, check=True, cwd=REPOSITORY)
    return int(imported.stdout) + ABOVE_IMPORTS_BYTES


def test_windows_can_be_named_by_their_manifests(http_server, tmp_path):
    """As a capped step names them; the same is staged as for their interval."""
    http_server.answer("/rows", b'[{"id":1,"t":1795323600000}]')
    root = f"file://{tmp_path}/lake"
    uri = f"{root}/manifests/rows/date=2026-11-22/20261122T050000Z-20261122T060000Z.json"
    ended = run(
        "extract", "rows", "--manifests", uri, "--root", root, "--base-url", http_server.url,
        env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    assert json.loads(ended.out)["manifest"] == uri
    assert "error" not in ended.err


def test_a_window_that_is_not_one_of_the_feeds_is_refused(http_server, tmp_path):
    """Before anything is requested or written."""
    root = f"file://{tmp_path}/lake"
    uri = f"{root}/manifests/rows/date=2026-11-22/20261122T050000Z-20261122T073000Z.json"
    ended = run(
        "extract", "rows", "--manifests", uri, "--root", root, "--base-url", http_server.url,
        env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert ended.exit_code == 2
    assert "is not a window of the feed, whose windows are 1h long" in ended.err
    assert http_server.asked == []


def test_a_step_reports_its_error_as_json(http_server, tmp_path):
    """How long to wait is a number there, and a refusal differs from a failure."""
    http_server.answer("/rows", b"", status=429, headers={"Retry-After": "7200"})
    root = f"file://{tmp_path}/lake"
    uri = f"{root}/manifests/rows/date=2026-11-22/20261122T050000Z-20261122T060000Z.json"
    ended = run(
        "extract", "rows", "--manifests", uri, "--root", root, "--base-url", http_server.url,
        env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert ended.exit_code == 3
    message = json.loads(next(line for line in ended.err.splitlines() if line.startswith("{")))
    assert (message["error"], message["retry_after_s"]) == ("RateLimitedError", 7200)
    assert "s3cret" not in ended.err


def test_each_unit_is_reported_in_a_line_of_json(http_server: HttpServer, tmp_path):
    """Three windows of one slice, in order; logs go elsewhere."""
    TradesApi(http_server, trades(30))
    feeds = feed_file(tmp_path / "feeds").parent
    ended = run(
        "extract", "trades", "--slice", "symbol=BTCUSDT", "--start", "2026-11-22T04:30",
        "--end", "2026-11-22T06:30", "--base-url", http_server.url,
        env=environment(TICKLAKE_FEEDS=str(feeds), TICKLAKE_ROOT=f"file://{tmp_path}/lake"),
    )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    results = [json.loads(line) for line in ended.out.splitlines()]
    assert [result["rows"] for result in results] == [0, 30, 0]
    uris = [result["manifest"] for result in results]
    prefix = f"file://{tmp_path}/lake/manifests/trades/symbol=BTCUSDT/date=2026-11-22/"
    assert [uri.removeprefix(prefix)[9:13] for uri in uris] == ["0400", "0500", "0600"]
    assert ended.err.count("extract.done feed=trades slice=symbol=BTCUSDT") == 3
    assert 30 * MIB < ended.peak_bytes < peak_limit_bytes()
    reported_bytes = max(result["peak_bytes"] for result in results)
    # Between the last report and the end of the process there is little left to do.
    assert 0.9 * ended.peak_bytes < reported_bytes < ended.peak_bytes + MIB


def test_publish_renews_the_newest_records(http_server: HttpServer, tmp_path):
    """As the publish task does, for those without Airflow."""
    http_server.answer("/rows", b'[{"id": 1, "t": 1795323600153}]')
    assert extract_rows(tmp_path, http_server.url).exit_code == 0
    ended = run(
        "publish", "rows", *HOUR, "--root", f"file://{tmp_path}/lake",
        env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert json.loads(ended.out) == {"latest_slices": 1}
    latest = json.loads((tmp_path / "lake/latest/rows/latest.json").read_bytes())
    assert latest["records"] == [{"id": 1, "t": 1795323600153}]


def drops(chunk: bytes, *, start: bytes, count: int = 4_000) -> Iterator[bytes]:
    yield start
    for _ in range(count):
        yield chunk


Body = bytes | Callable[[], Iterator[bytes]]
BAD: dict[str, tuple[Body, str, str]] = {
    "truncated body": (
        b'[{"id":1},{"id":2', ROWS, "the body ends at byte 17, inside its records",
    ),
    "invalid UTF-8": (b'[{"id":1},{"id":"\xff"}]', ROWS, "invalid UTF-8 at byte 17"),
    "no array": (
        b'{"rows":{"code":5}}', ROWS, "at '$': the body is an object with the names rows;",
    ),
    "HTML under 200": (
        b"<!DOCTYPE html><html></html>", ROWS, "not JSON near byte 0: the body begins as HTML",
    ),
    "undefined": (b'[{"id":1,"x":undefined}]', ROWS, "not JSON at byte 13"),
    "a 10 MB string": (
        lambda: drops(b"x" * 10_000, start=b'[{"id":"', count=1_000), ROWS,
        "a record at or after byte 1 is longer than limits.max_record_bytes: 8388608",
    ),
    "a 10 MB string among others": (
        lambda: drops(b"x" * 10_000, start=b'[{"id":1},{"id":2},{"id":"', count=1_000), ROWS,
        "a record at or after byte 19 is longer than limits.max_record_bytes: 8388608",
    ),
    "a 40 MB string beside the records": (
        lambda: drops(b"x" * 10_000, start=b'{"x":"'), ROWS, "longer than 1048576 bytes, at byte ",
    ),
    "nested 10,000 deep": (
        b'[{"id":' + b"[" * 10_000 + b"]" * 10_000 + b"}]", ROWS, "is nested too deep",
    ),
    "deep beside the records": (
        b'{"x":' + b"[" * 10_000, ROWS, "nested deeper than 64 levels at byte",
    ),
    "5,000 digits beside the records": (
        b'{"x":' + b"9" * 5_000 + b"}", ROWS, "a number of more than 4000 digits near byte",
    ),
    "a page that repeats": (
        b'[{"id":1,"t":1},{"id":2,"t":2}]', PAGED, "repeats the previous page",
    ),
    "a page without end": (
        lambda: drops(b'{"id":1},' * 5_000, start=b"[", count=10_000),
        ROWS.replace("attempts: 1", "attempts: 1, max_page_bytes: 5MiB"),
        "longer than limits.max_page_bytes: 5242880",
    ),
}  # fmt: skip


@pytest.mark.memory
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_reported_and_leaves_nothing_visible(tmp_path, http_server, name):
    """The message has the address, its secret cut out, and the byte; memory stays bounded."""
    body, text, message = BAD[name]
    http_server.answer_by(
        "/rows", lambda _: Reply(body=body if isinstance(body, bytes) else body())
    )
    ended = extract_rows(tmp_path, http_server.url, text=text)
    assert ended.exit_code == 3
    [line] = [line for line in ended.err.splitlines() if line.startswith("ticklake: ")]
    assert line.startswith(f"ticklake: {http_server.url}/rows?apiKey=***")
    assert message in line
    assert len(line) < 500
    assert "s3cret" not in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert visible(tmp_path) == []
    assert ended.peak_bytes < peak_limit_bytes()


def test_an_empty_page_is_not_an_error(http_server, tmp_path):
    """That nothing happened is committed, and the command ends with 0."""
    http_server.answer("/rows", b"[]")
    ended = extract_rows(tmp_path, http_server.url)
    assert ended.exit_code == 0
    assert json.loads(ended.out)["rows"] == 0
    assert [key.split("/")[0] for key in visible(tmp_path)] == ["manifests", "schemas"]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=400, body=b'{"msg":"bad s3cret"}'), "HTTP 400 (bad ***); check the feed's"),
        (Reply(status=500), "HTTP 500"),
        (
            Reply(status=429, headers={"Retry-After": "77"}),
            "HTTP 429 (application/json, '[]'): rate limited; retry in 77 s",
        ),
        (
            Reply(status=302, headers={"Location": "http://127.0.0.2/"}),
            "redirects to http://127.0.0.2/",
        ),
        (Reply(body=b"[1,2]", cut_after_bytes=3), "ended early after byte 3"),
    ],
    ids=["refused", "failed", "limited", "redirected", "cut"],
)
def test_a_source_that_fails_ends_with_three(
    tmp_path, http_server, capsys, monkeypatch, reply, message
):
    """Whether trying again helps or not: the message says so."""
    monkeypatch.setenv("TICKLAKE_FEEDS", rows_feed(tmp_path)["TICKLAKE_FEEDS"])
    http_server.answer_by("/rows", lambda _: reply)
    root = f"file://{tmp_path}/lake"
    argv = ["extract", "rows", *HOUR, "--root", root, "--base-url", http_server.url]
    assert main(argv) == 3
    output = capsys.readouterr().err
    assert f"ticklake: {http_server.url}/rows?apiKey=***: {message}" in output
    assert "s3cret" not in output
    assert visible(tmp_path) == []


def test_an_unreachable_source_ends_with_three(tmp_path, capsys, monkeypatch):
    """The kind of failure is named, without the library's own words."""
    monkeypatch.setenv("TICKLAKE_FEEDS", rows_feed(tmp_path)["TICKLAKE_FEEDS"])
    with RawServer() as server:
        url = server.url
    root = f"file://{tmp_path}/lake"
    assert main(["extract", "rows", *HOUR, "--root", root, "--base-url", url]) == 3
    assert (
        f"ticklake: {url}/rows?apiKey=***: {url[7:]} refused the connection"
        in capsys.readouterr().err
    )
