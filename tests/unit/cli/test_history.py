"""The versions of a window are listed and restored from the command line."""

from __future__ import annotations

import json

import pytest

from include.ticklake.cli.main import main
from include.ticklake.lake import read
from include.ticklake.lake.storage import Storage
from tests.support.trades_api import WINDOW, TradesApi, feed_file, trades, trades_feed

UNIT = ["trades", "--slice", "symbol=BTCUSDT", "--window", WINDOW.name]


@pytest.fixture
def api(http_server, tmp_path, monkeypatch) -> TradesApi:
    feed_file(tmp_path / "feeds")
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    monkeypatch.setenv("TICKLAKE_BASE_URL", http_server.url)
    return TradesApi(http_server, trades(20))


def run(*arguments: str) -> None:
    assert main(list(arguments)) == 0


def fetch(*options: str) -> None:
    start, end = WINDOW.start.isoformat(), WINDOW.end.isoformat()
    run("extract", *UNIT[:3], "--start", start, "--end", end, *options)


def test_a_version_is_listed_and_restored(api, tmp_path, capsys):
    """What --replace took away is back, in the Parquet as well."""
    fetch()
    api.rows = api.rows[:3]
    fetch("--replace")
    capsys.readouterr()
    run("history", *UNIT)
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["version"], one["rows"], one["parts_missing"]) for one in listed] == [
        (2, 3, 0), (1, 20, 0),
    ]  # fmt: skip
    run("restore", *UNIT, "--version", "1")
    assert json.loads(capsys.readouterr().out)["rows"] == 20
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    assert len(read.table(trades_feed(), storage=storage)) == 20
    run("restore", *UNIT, "--version", "2")
    assert len(read.table(trades_feed(), storage=storage)) == 3


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        (UNIT, "it was never fetched"),
        ([*UNIT[:-1], "20261122T050000Z-20261122T070000Z"], "is not a window of the feed"),
        ([*UNIT[:-1], "yesterday"], "yesterday"),
        (["trades", "--slice", "pair=X", "--window", WINDOW.name], "invalid slice"),
        (["trades", "--window", WINDOW.name], "it was never fetched"),
    ],
)
@pytest.mark.usefixtures("api")
def test_what_names_no_unit_is_refused(capsys, unit, message):
    """Exit 2; a feed with one slice needs none named."""
    assert main(["history", *unit]) == 2
    assert message in capsys.readouterr().err
