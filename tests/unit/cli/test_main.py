"""The command line ends with a code and a message that say what to do; nothing is half done."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.ticklake import __main__, __version__
from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.support.commands import Ended, environment, run, start
from tests.support.market import Market, feed_file, trades
from tests.support.servers.http import HttpServer, Reply
from tests.support.servers.raw import RawServer
from tools.servers.s3 import Bucket

HOUR = ("--start", "2026-11-22T05:00Z", "--end", "2026-11-22T06:00Z")
PEAK_BYTES = 120 * MIB  # pyarrow brings numpy along where that is installed

ROWS = """\
source:
  kind: http
  base_url: https://api.example.com
  path: /rows
  params: {apiKey: s3cret}
fields:
  id: {type: int64, key: true}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
limits: {attempts: 1, read_timeout_s: 5}
"""
PAGED = ROWS.replace("params: {", "paging: {kind: page, param: p}\n  params: {")


def rows_feed(folder: Path, text: str = ROWS) -> dict[str, str]:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds" / "rows.yaml").write_text(text)
    return {"TICKLAKE_FEEDS": str(folder / "feeds")}


def extract_rows(folder: Path, url: str, *, text: str = ROWS) -> Ended:
    return run(
        "extract", "rows", *HOUR, "--root", f"file://{folder}/lake", "--base-url", url,
        env=environment(**rows_feed(folder, text)),
    )  # fmt: skip


def visible(folder: Path) -> list[str]:
    """What readers see of the lake."""
    keys = Storage.open(f"file://{folder}/lake", {}).list("")
    return [key for key in keys if not key.startswith("_incomplete/")]


# ---- when it goes well


def test_windows_are_named_by_the_manifests_that_they_will_have(http_server, tmp_path):
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


def test_a_step_is_told_in_json_what_went_wrong(http_server, tmp_path):
    """How long to wait is a number there, and a refusal is told from a failure."""
    http_server.answer("/rows", b"", status=429, headers={"Retry-After": "7200"})
    root = f"file://{tmp_path}/lake"
    uri = f"{root}/manifests/rows/date=2026-11-22/20261122T050000Z-20261122T060000Z.json"
    ended = run(
        "extract", "rows", "--manifests", uri, "--root", root, "--base-url", http_server.url,
        env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert ended.exit_code == 3
    told = json.loads(next(line for line in ended.err.splitlines() if line.startswith("{")))
    assert (told["error"], told["retry_after_s"]) == ("RateLimitedError", 7200)
    assert "s3cret" not in ended.err


def test_each_unit_is_told_in_a_line_of_json(http_server: HttpServer, tmp_path):
    """Three windows of one slice, in order; logs go elsewhere."""
    Market(http_server, trades(30))
    feeds = feed_file(tmp_path / "feeds").parent
    ended = run(
        "extract", "trades", "--slice", "symbol=BTCUSDT", "--start", "2026-11-22T04:30",
        "--end", "2026-11-22T06:30", "--base-url", http_server.url,
        env=environment(TICKLAKE_FEEDS=str(feeds), TICKLAKE_ROOT=f"file://{tmp_path}/lake"),
    )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["rows"] for one in told] == [0, 30, 0]
    uris = [one["manifest"] for one in told]
    prefix = f"file://{tmp_path}/lake/manifests/trades/symbol=BTCUSDT/date=2026-11-22/"
    assert [uri.removeprefix(prefix)[9:13] for uri in uris] == ["0400", "0500", "0600"]
    assert ended.err.count("extract.done feed=trades slice=symbol=BTCUSDT") == 3
    assert 30 * MIB < ended.peak_bytes < PEAK_BYTES
    assert abs(max(one["peak_bytes"] for one in told) - ended.peak_bytes) < 4 * MIB


def test_publish_renews_the_newest_records(http_server: HttpServer, tmp_path):
    """As the publish task does, for who has no Airflow."""
    http_server.answer("/rows", b'[{"id": 1, "t": 1795323600153}]')
    assert extract_rows(tmp_path, http_server.url).exit_code == 0
    ended = run(
        "publish", "rows", *HOUR, "--root", f"file://{tmp_path}/lake",
        env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert json.loads(ended.out) == {"latest_slices": 1}
    found = json.loads((tmp_path / "lake/latest/rows/latest.json").read_bytes())
    assert found["records"] == [{"id": 1, "t": 1795323600153}]


def test_the_version_is_told(capsys):
    """For bug reports."""
    with pytest.raises(SystemExit) as ended:
        __main__.main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")


def test_feeds_are_listed(capsys):
    """With their slices, host and description."""
    assert __main__.main(["feeds"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(loader.feed_paths({}))
    [line] = [line for line in lines if line.startswith("binance_klines ")]
    assert "2 symbol x 1 interval" in line
    assert "data-api.binance.vision" in line


def test_a_reader_that_has_read_enough_is_no_failure():
    """``feeds | head``: as other tools end, and without a word."""
    process = start("feeds", env=environment())
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 128 + signal.SIGPIPE


def test_a_check_looks_at_columns_and_keys(tmp_path, capsys, monkeypatch):
    """Two columns of one value, and keys that a file system without case would mix up."""
    two = ROWS.replace("fields:", "fields:\n  twin: {from: id, type: string}")
    for name, value in rows_feed(tmp_path, two).items():
        monkeypatch.setenv(name, value)
    assert __main__.main(["feeds"]) == 0
    lake = Storage.open(f"file://{tmp_path}/lake", {})
    for interval in ("1m", "1M", "1h"):
        lake.put(f"json/rows/interval={interval}/a.json", b"[]")
    capsys.readouterr()
    assert __main__.main(["feeds", "--check", "--keys-of", lake.root_uri]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert (
        first == f"{lake.root_uri}/json/rows/interval=1m: differs from json/rows/interval=1M"
        " by case only"
    )
    assert "fields twin and id: two fields read the same value 'id'" in second


def test_broken_feeds_are_all_told(tmp_path, capsys, monkeypatch):
    """The good ones are listed all the same."""
    monkeypatch.setenv("TICKLAKE_FEEDS", rows_feed(tmp_path)["TICKLAKE_FEEDS"])
    (tmp_path / "feeds" / "one.yaml").write_text(ROWS.replace("kind: http", "kind: htpp"))
    (tmp_path / "feeds" / "two.yaml").write_text("a: [")
    assert __main__.main(["feeds", "--check"]) == 2
    said = capsys.readouterr()
    assert (
        "one.yaml:2: source.kind: 'htpp' is not one of http, sql; did you mean 'http'?" in said.err
    )
    assert "two.yaml:2: not YAML" in said.err
    assert "rows " in said.out


# ---- wrong calls


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["extract", "trades", *HOUR[:2]], "--end is missing", id="half an interval"),
        pytest.param(["extract", "trades", "--manifests", "file:///lake/json/x.json", "--root",
                      "file:///lake"], "is not a window's manifest", id="no manifest"),
        pytest.param(["extract", "trades", "--manifests", "file:///lake/x.json", "--slice", "a=b"],
                     "--manifests says slices and times already", id="manifests and a slice"),
        pytest.param(["extract", "trads", *HOUR], "unknown feed 'trads'; did you mean 'trades'?",
                     id="unknown feed"),
        pytest.param(["extract", "trades", "--start", "now", "--end", "2026-11-22"],
                     "'now' is not a time; write it as 2026-11-22T05:00:00Z", id="no time"),
        pytest.param(["extract", "trades", "--start", "2026-11-22", "--end", "2026-11-22"],
                     "is not after start", id="no interval"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "symbol"],
                     "--slice symbol: write it as symbol=BTCUSDT", id="no value"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "=x"],
                     "--slice =x: write it as symbol=BTCUSDT", id="no name"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "pair=X"],
                     "trades is sliced by symbol; 'pair=X' does not fit that", id="another name"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "symbol=A", "--slice", "symbol=B"],
                     "'symbol=A,symbol=B' does not fit that", id="a name twice"),
        pytest.param(["extract", "trades", *HOUR, "--slice", "symbol=btcusdt"],
                     "did you mean that by 'btcusdt'?", id="another case"),
        pytest.param(["extract", "trades", *HOUR, "--root", "/tmp/lake"],  # noqa: S108
                     "root '/tmp/lake': use file:///folder", id="no root"),
        pytest.param(["extract", "trades", *HOUR, "--root", "s3://k3y:s3cret@bucket"],
                     "a root URI holds no credentials", id="a key in the root"),
        pytest.param(["extract", "trades", *HOUR, "--base-url", "localhost:8900"],
                     "check the base URL", id="no base URL"),
        pytest.param(["convert", "x.json", "--cap", "lots"], "'lots' is not a size", id="no size"),
        pytest.param(["convert", "file:///elsewhere/x.json"], "does not lie under the root",
                     id="another lake's manifest"),
    ],
)  # fmt: skip
def test_a_wrong_call_ends_with_two(tmp_path, capsys, monkeypatch, argv, message):
    """One line that says what would be right; nothing is asked, nothing is written."""
    feed_file(tmp_path / "feeds")
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    assert __main__.main(argv) == 2
    said = capsys.readouterr()
    [line] = [line for line in said.err.splitlines() if line.startswith("ticklake: ")]
    assert message in line
    assert said.out == ""
    assert "s3cret" not in said.err
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    "argv",
    [[], ["fetch"], ["extract"], ["extract", "trades"], ["extract", "trades", *HOUR, "--fast"]],
    ids=" ".join,
)
def test_what_is_no_call_ends_with_two(argv, capsys):
    """The usage is shown."""
    with pytest.raises(SystemExit) as ended:
        __main__.main(argv)
    assert ended.value.code == 2
    assert "usage: python -m include.ticklake" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TICKLAKE_RUNNER", "podman", "TICKLAKE_RUNNER is 'podman'; it must be one of: process"),
        ("TICKLAKE_CAP", "lots", "'lots' is not a size"),
        ("TICKLAKE_FEEDS", "/no/such/folder", "TICKLAKE_FEEDS names /no/such/folder"),
    ],
)
def test_a_wrong_setting_ends_with_two(capsys, monkeypatch, name, value, message):
    """With a message and no traceback, whatever the command."""
    monkeypatch.setenv(name, value)
    assert __main__.main(["feeds"]) == 2
    assert f"ticklake: {message}" in capsys.readouterr().err


# ---- storage


def test_storage_that_fails_is_told_in_a_line(http_server, tmp_path):
    """Here a file lies where a folder should be."""
    http_server.answer("/rows", b"[]")
    (tmp_path / "lake").write_text("")
    ended = extract_rows(tmp_path, http_server.url)
    assert ended.exit_code == 1
    assert "ticklake: storage: " in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.s3
def test_an_s3_that_refuses_is_told_without_its_key(s3: Bucket, http_server, tmp_path):
    """The secret stands in no message, and a wrong one is not tried for ever."""
    http_server.answer("/rows", b"[]")
    env = s3.environment | {"AWS_SECRET_ACCESS_KEY": "wr0ng-s3cret"} | rows_feed(tmp_path)
    ended = run(
        "extract", "rows", *HOUR, "--root", s3.root, "--base-url", http_server.url,
        env=environment(**env),
    )  # fmt: skip
    assert ended.exit_code == 1
    assert "ticklake: storage: " in ended.err
    assert "wr0ng" not in ended.err


# ---- bad input


def drops(piece: bytes, *, start: bytes, count: int = 4_000) -> Iterator[bytes]:
    yield start
    for _ in range(count):
        yield piece


Body = bytes | Callable[[], Iterator[bytes]]
BAD: dict[str, tuple[Body, str, str]] = {
    "truncated body": (
        b'[{"id":1},{"id":2', ROWS, "the body ends at byte 17, inside its records",
    ),
    "invalid UTF-8": (b'[{"id":1},{"id":"\xff"}]', ROWS, "invalid UTF-8 at byte 17"),
    "no array": (
        b'{"error":{"code":5}}', ROWS, "no array of records at '$'; the body's own names: error",
    ),
    "HTML under 200": (
        b"<!DOCTYPE html><html></html>", ROWS, "not JSON near byte 0: lexical error",
    ),
    "NaN": (b'[{"id":1,"x":NaN}]', ROWS, "not JSON at byte 13"),
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
        b'[{"id":1,"t":1},{"id":2,"t":2}]', PAGED, "is the page before it once more",
    ),
    "a page without end": (
        lambda: drops(b'{"id":1},' * 5_000, start=b"[", count=10_000),
        ROWS.replace("attempts: 1", "attempts: 1, max_page_bytes: 5MiB"),
        "longer than limits.max_page_bytes: 5242880",
    ),
}  # fmt: skip


@pytest.mark.memory
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_and_leaves_nothing_visible(tmp_path, http_server, name):
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
    assert ended.peak_bytes < PEAK_BYTES


def test_an_empty_page_is_no_mistake(http_server, tmp_path):
    """Nothing happened: that is committed, and ends with 0."""
    http_server.answer("/rows", b"[]")
    ended = extract_rows(tmp_path, http_server.url)
    assert ended.exit_code == 0
    assert json.loads(ended.out)["rows"] == 0
    assert [key.split("/")[0] for key in visible(tmp_path)] == ["manifests"]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=400, body=b'{"msg":"bad s3cret"}'), "HTTP 400 (bad ***); check the feed's"),
        (Reply(status=500), "HTTP 500"),
        (Reply(status=429, headers={"Retry-After": "77"}), "HTTP 429: rate limited; retry in 77 s"),
        (
            Reply(status=302, headers={"Location": "http://127.0.0.2/"}),
            "redirects to http://127.0.0.2/",
        ),
        (Reply(body=b"[1,2]", cut_after_bytes=3), "broke off after byte 3"),
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
    assert __main__.main(argv) == 3
    said = capsys.readouterr().err
    assert f"ticklake: {http_server.url}/rows?apiKey=***: {message}" in said
    assert "s3cret" not in said
    assert visible(tmp_path) == []


def test_a_source_that_is_not_there_ends_with_three(tmp_path, capsys, monkeypatch):
    """The kind of failure is told, without the library's own words."""
    monkeypatch.setenv("TICKLAKE_FEEDS", rows_feed(tmp_path)["TICKLAKE_FEEDS"])
    with RawServer() as server:
        url = server.url
    root = f"file://{tmp_path}/lake"
    assert __main__.main(["extract", "rows", *HOUR, "--root", root, "--base-url", url]) == 3
    assert f"ticklake: {url}/rows?apiKey=***: ConnectionError" in capsys.readouterr().err


def test_verbose_tells_every_page_and_no_secret(http_server, tmp_path):
    """Of our own modules only: others would log whole addresses."""
    http_server.answer("/rows", b"[]")
    ended = run(
        "--verbose", "extract", "rows", *HOUR, "--root", f"file://{tmp_path}/lake",
        "--base-url", http_server.url, env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert ended.exit_code == 0
    assert f"DEBUG page.read url={http_server.url}/rows?apiKey=*** rows=0 bytes=2" in ended.err
    assert "s3cret" not in ended.err
