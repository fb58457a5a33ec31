"""The feeds are listed; what is wrong with any is reported."""

from __future__ import annotations

import json

from include.ticklake.cli.main import main
from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from tests.support.rows_feed import ROWS, rows_feed


def test_feeds_are_listed(capsys):
    """With their slices, host and description."""
    assert main(["feeds"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(loader.feed_paths({}))
    [line] = [line for line in lines if line.startswith("binance_klines ")]
    assert "2 symbol x 1 interval" in line
    assert "data-api.binance.vision" in line


def test_a_check_looks_at_columns_and_keys(tmp_path, capsys, monkeypatch):
    """Two columns of one value, and keys that a file system without case would mix up."""
    two = ROWS.replace("fields:", "fields:\n  twin: {from: id, type: string}")
    for name, value in rows_feed(tmp_path, two).items():
        monkeypatch.setenv(name, value)
    assert main(["feeds"]) == 0
    monkeypatch.setenv("TICKLAKE_SHIPPED_FEEDS", "none")
    lake = Storage.open(f"file://{tmp_path}/lake", {})
    for interval in ("1m", "1M", "1h"):
        lake.put(f"json/rows/interval={interval}/a.json", b"[]")
    capsys.readouterr()
    assert main(["feeds", "--check", "--keys-of", lake.root_uri]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert (
        first == f"{lake.root_uri}/json/rows/interval=1m: differs from json/rows/interval=1M"
        " by case only"
    )
    assert second.startswith(f"{tmp_path}/feeds/rows.yaml:6: ")
    assert "fields twin and id: both read the same value 'id'" in second


def test_every_broken_feed_is_reported(tmp_path, capsys, monkeypatch):
    """The good ones are listed all the same."""
    monkeypatch.setenv("TICKLAKE_FEEDS", rows_feed(tmp_path)["TICKLAKE_FEEDS"])
    (tmp_path / "feeds" / "one.yaml").write_text(ROWS.replace("kind: http", "kind: htpp"))
    (tmp_path / "feeds" / "two.yaml").write_text("a: [")
    assert main(["feeds", "--check"]) == 2
    output = capsys.readouterr()
    assert (
        "one.yaml:2: source.kind: 'htpp' is not one of http, sql, files; did you mean 'http'?"
        in output.err
    )
    assert "two.yaml:2: not YAML" in output.err
    assert "rows " in output.out


def test_the_list_is_one_json_value_on_request(capsys):
    """Each feed with how many values its slices have."""
    assert main(["feeds", "--json"]) == 0
    listed = {feed["feed"]: feed for feed in json.loads(capsys.readouterr().out)}
    assert set(listed) == set(loader.feed_paths({}))
    klines = listed["binance_klines"]
    assert (klines["slices"], klines["window"]) == ({"symbol": 2, "interval": 1}, "1h")


def test_a_statement_is_one_json_value_on_request(capsys):
    """With what it is for."""
    assert main(["ddl", "binance_klines", "--engine", "duckdb", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["feed"], value["engine"]) == ("binance_klines", "duckdb")
    assert "read_parquet" in value["statement"]


def test_a_draft_is_one_json_value_on_request(http_server, capsys):
    """The text of the file, and whether it can be used as it is."""
    http_server.answer("/rows", b'[{"id":1,"t":1795323600000},{"id":2,"t":1795323600001}]')
    assert main(["probe", f"{http_server.url}/rows", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["complete"] is True
    assert "fields:" in value["feed_file"]
