"""A feed file with other windows or slices than the lake has doubles and orphans nothing.

Every command refuses, names the command that helps, and leaves the lake as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.ticklake.cli.main import main
from include.ticklake.convert.budget import budget_for
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.lake import layout
from include.ticklake.maintain import compact
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.support.rows_lake import HOUR, RowsLake, record
from tests.support.servers.http import HttpServer

DAY = ("--start", "2026-11-22", "--end", "2026-11-23")
HOUR_5 = Window.parse("20261122T050000Z-20261122T060000Z")
DAY_22 = Window.parse("20261122T000000Z-20261123T000000Z")
BTC = Slice.of({"symbol": "BTC"})
SOURCE = {"path": "/rows", "params": {"symbol": "{symbol}"}}
RENAMED = {"path": "/rows", "params": {"symbol": "{pair}"}}
COMMANDS: dict[str, tuple[str, ...]] = {
    "extract": DAY,
    "rebuild": DAY,
    "compact": DAY,
    "audit": DAY,
    "retry-quarantine": DAY,
    "publish": DAY,
}
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "windows of days": ({"window": "1d", "slices": {"symbol": ["BTC"]}}, "`regrid rows`"),
    "another name": (
        {"source": RENAMED, "slices": {"pair": ["BTC"]}},
        "`regrid rows --renamed symbol=pair`",
    ),
}


@pytest.fixture
def lake(tmp_path: Path, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> RowsLake:
    """A compacted day of hours in one slice: one record, the other hours are empty."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    made = RowsLake(tmp_path, http_server)
    made.describe(source=SOURCE, slices={"symbol": ["BTC"]}, may_be_outside=True)
    made.send(record(1, "1.5"))
    assert made.ingest(*DAY) == 0
    assert made.run("compact", *DAY) == 0
    assert made.column("id") == [1]
    return made


def objects(lake: RowsLake) -> dict[str, bytes | None]:
    """All that is in the lake."""
    return {key: lake.storage.read(key) for key in lake.storage.list("")}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("change", "advice"), CHANGES.values(), ids=CHANGES)
def test_after_a_change_every_command_refuses_and_names_the_one_that_helps(
    lake, capsys, change, advice, command
):
    """Changing `window:` or the order or names of `slices:` doubles no row, and audit says so."""
    before = objects(lake)
    lake.describe(**({"source": SOURCE, "may_be_outside": True} | change))
    assert lake.run(command, *COMMANDS[command]) == 2
    assert advice in capsys.readouterr().err
    assert objects(lake) == before


@pytest.mark.parametrize(("change", "advice"), CHANGES.values(), ids=CHANGES)
def test_commands_that_take_manifests_refuse_the_same(lake, capsys, change, advice):
    """Whether the manifests are of the lake's units or of the file's."""
    before = objects(lake)
    lake.describe(**({"source": SOURCE, "may_be_outside": True} | change))
    own = lake.storage.uri(layout.manifest_key("rows", BTC, HOUR_5))
    day = lake.storage.uri(layout.day_manifest_key("rows", BTC, DAY_22))
    for command, uri in (("extract", own), ("compact", day)):
        assert lake.run(command, "--manifests", uri) == 2
        assert advice in capsys.readouterr().err
    assert main(["convert", own, "--root", lake.storage.root_uri]) == 2
    assert advice in capsys.readouterr().err
    assert objects(lake) == before


def test_the_order_of_slices_is_part_of_the_change(tmp_path, http_server, monkeypatch, capsys):
    """A folder within a folder, the other way round, is another key."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    lake = RowsLake(tmp_path, http_server)
    slices = {"symbol": ["BTC"], "side": ["bid"]}
    source = {"params": {name: f"{{{name}}}" for name in slices}}
    lake.describe(source=source, slices=slices)
    lake.send(record(1, "1.5"))
    assert lake.run("extract", *HOUR) == 0
    lake.describe(source=source, slices=dict(reversed(slices.items())))
    assert lake.run("extract", *HOUR) == 2
    assert "has slices by side,symbol, the lake has slices by symbol,side" in (
        capsys.readouterr().err
    )


def test_values_of_slices_that_are_added_or_removed_are_no_change(lake):
    """Symbols come and go; the others stay where they are."""
    lake.describe(source=SOURCE, slices={"symbol": ["ETH"]}, may_be_outside=True)
    assert lake.ingest() == 0
    assert lake.column("id") == [1, 1]


@pytest.mark.parametrize("name", ["20261122T050000Z-20261122T070000Z", DAY_22.name])
def test_windows_that_are_none_of_the_feeds_are_refused_by_their_manifests(lake, capsys, name):
    """`extract --manifests` and `convert` accept no window that is none of the feed's."""
    before = objects(lake)
    uri = lake.storage.uri(layout.manifest_key("rows", BTC, Window.parse(name)))
    assert lake.run("extract", "--manifests", uri) == 2
    assert "is not a window of the feed, whose windows are 1h long" in capsys.readouterr().err
    assert main(["convert", uri, "--root", lake.storage.root_uri]) == 2
    assert objects(lake) == before


@pytest.mark.parametrize("command", ["extract", "convert", "compact"])
def test_slices_that_are_none_of_the_feeds_are_refused_by_their_manifests(lake, command):
    """Their folders are not those that readers of the feed know."""
    before = objects(lake)
    other = Slice.of({"pair": "BTC"})
    key = layout.manifest_key("rows", other, HOUR_5)
    if command == "compact":
        key = layout.day_manifest_key("rows", other, DAY_22)
    uri = lake.storage.uri(key)
    call = [command, *([] if command == "convert" else ["rows", "--manifests"])]
    assert main([*call, uri, "--root", lake.storage.root_uri]) == 2
    assert objects(lake) == before


@pytest.mark.parametrize("command", ["convert", "compact"])
def test_the_manifest_of_a_day_that_is_no_day_destroys_no_parquet(lake, capsys, command):
    """`convert X.day.json` of a window that is no day: the day's file would be the window's."""
    assert lake.ingest() == 0  # the hour has a file of its own again
    before = objects(lake)
    key = layout.manifest_key("rows", BTC, HOUR_5).replace(".json", ".day.json")
    call = [command, *(["rows", "--manifests"] if command == "compact" else [])]
    assert main([*call, lake.storage.uri(key), "--root", lake.storage.root_uri]) == 2
    assert "is not a manifest" in capsys.readouterr().err
    assert objects(lake) == before


def test_a_change_that_is_undone_is_none(lake):
    """Window: 1d and back to 1h: the compacted day is neither overwritten nor orphaned."""
    before = objects(lake)
    hourly = {"source": SOURCE, "slices": {"symbol": ["BTC"]}, "may_be_outside": True}
    lake.describe(window="1d", **hourly)
    assert lake.ingest(*DAY) == 2
    lake.describe(**hourly)
    assert lake.run("audit", *DAY) == 0
    assert lake.run("compact", *DAY) == 0
    assert lake.column("id") == [1]
    assert objects(lake) == before


def test_a_lake_of_an_older_version_is_recognised_by_its_first_window(lake, capsys):
    """It has no record of how it is cut, or none at all."""
    lake.storage.delete("schemas/rows.json")
    lake.describe(window="1d", source=SOURCE, slices={"symbol": ["BTC"]})
    before = objects(lake)
    assert lake.run("extract", *DAY) == 2
    assert "says windows of 1d, the lake has windows of 1h" in capsys.readouterr().err
    assert objects(lake) == before


def test_what_is_not_a_utc_day_is_not_compacted(lake):
    """Nor is it by a program: the day's file would take the place of the window's, and go."""
    assert lake.ingest() == 0
    before = objects(lake)
    feed, budget = loader.load("rows"), budget_for(128 * MIB)
    with pytest.raises(UsageError, match=f"is not a UTC day; name {DAY_22.name}"):
        compact.compact(feed, BTC, HOUR_5, storage=lake.storage, budget=budget)
    assert objects(lake) == before
