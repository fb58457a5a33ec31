"""A lake is maintained from the command line; deleting takes a flag of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.ticklake.cli.main import main
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import Window
from tests.support import lake_factory

HOURS = ("--start", "2026-11-22T03:00", "--end", "2026-11-22T05:00")
DAY = ("--start", "2026-11-22", "--end", "2026-11-23")


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Storage:
    """A lake with one hour of the feed ``trades``, whose JSON is kept for 30 days."""
    feed = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    feed.pop("name")
    (tmp_path / "feeds").mkdir()
    text = json.dumps(feed | {"retention": {"json": "30d"}})
    (tmp_path / "feeds" / "trades.yaml").write_text(text)
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", storage.root_uri)
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), lake_factory.hour(3))
    return storage


@pytest.mark.usefixtures("lake")
def test_an_audit_prints_a_line_per_finding(capsys):
    """Its columns line up, and the exit code says that there is one."""
    assert main(["audit", "trades", *HOURS]) == 4
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(
        "missing_window     symbol=BTCUSDT            20261122T040000Z-20261122T050000Z   "
    )


def test_an_empty_day_is_a_warning(lake, capsys):
    """It is printed, and nothing fails for it."""
    for key in list(lake.list("")):
        lake.delete(key)
    made = lake_factory.stage(lake, [], window=lake_factory.hour(3))
    assert main(["convert", lake.uri(made.key)]) == 0
    capsys.readouterr()
    hour = ("--start", "2026-11-22T03:00", "--end", "2026-11-22T04:00")
    assert main(["audit", "trades", *hour, "--json", "--repair"]) == 0
    finding = json.loads(capsys.readouterr().out)
    assert (finding["kind"], finding["window"]) == ("empty_day", lake_factory.DAY.name)


@pytest.mark.usefixtures("lake")
def test_an_audit_prints_json_on_request(capsys):
    """One object per finding, for other programs."""
    assert main(["audit", "trades", *HOURS, "--json"]) == 4
    finding = json.loads(capsys.readouterr().out)
    assert (finding["kind"], finding["slice"]) == ("missing_window", "symbol=BTCUSDT")


@pytest.mark.usefixtures("lake")
def test_a_day_that_is_not_complete_is_not_compacted(capsys):
    """One line of JSON per slice and day says why."""
    assert main(["compact", "trades", *DAY]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["slice"], result["day"]) == ("symbol=BTCUSDT", lake_factory.DAY.name)
    assert result["skipped"]


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("command", ["retry-quarantine", "requarantine"])
def test_quarantined_records_are_retried_under_both_names(capsys, command):
    """The command's first name still works."""
    assert main([command, "trades", *DAY]) == 0
    totals = {"windows": 0, "before_rows": 0, "after_rows": 0}
    assert json.loads(capsys.readouterr().out) == totals


def test_retention_is_a_dry_run_unless_it_is_told_to_delete(lake, capsys):
    """Both print the same table."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=365)
    window = Window(start, start + timedelta(hours=1))
    lake_factory.ingest(lake, hour_of_trades(window), window)
    before = sorted(lake.list(""))
    assert main(["retention"]) == 0
    *table, hint = capsys.readouterr().out.splitlines()
    assert hint == "dry run: nothing was deleted; add --delete to delete it"
    assert sorted(lake.list("")) == before
    assert main(["retention", "--delete"]) == 0
    assert capsys.readouterr().out.splitlines() == table
    assert len(sorted(lake.list(""))) < len(before)


def test_retention_deletes_of_the_valid_feeds_and_names_the_broken_one(lake, tmp_path, capsys):
    """It fails in the end, so that nobody takes the others for all."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=365)
    window = Window(start, start + timedelta(hours=1))
    lake_factory.ingest(lake, hour_of_trades(window), window)
    before = len(list(lake.list("")))
    (tmp_path / "feeds" / "broken.yaml").write_text("[" * 200_000)
    assert main(["retention", "--delete"]) == 2
    assert "broken.yaml:1: nested more than 50 levels" in capsys.readouterr().err
    assert len(list(lake.list(""))) < before


def hour_of_trades(window: Window) -> pa.Table:
    """Trades whose first ones lie in *window*."""
    table = lake_factory.day_of_trades(300)
    moved = pc.add(table["T"], window.start_ms - lake_factory.DAY.start_ms)
    return table.set_column(table.schema.get_field_index("T"), "T", moved)


@pytest.mark.usefixtures("lake")
def test_retention_says_where_nothing_has_expired(capsys, monkeypatch, tmp_path):
    """A dry run does not offer to delete it."""
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/empty")
    assert main(["retention"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing has expired; `retention`")


@pytest.mark.usefixtures("lake")
def test_retention_of_a_feed_that_keeps_everything_has_nothing_to_delete(tmp_path, capsys):
    """Its superseded sets and leftovers are looked for all the same."""
    path = tmp_path / "feeds" / "trades.yaml"
    feed = json.loads(path.read_text())
    feed.pop("retention")
    path.write_text(json.dumps(feed))
    assert main(["retention", "trades"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("nothing has expired; `retention`")
