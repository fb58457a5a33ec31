"""What has expired is listed, and deleted with a flag of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.ticklake.cli.main import main
from include.ticklake.model.window import Window
from tests.support import lake_factory


def test_retention_is_a_dry_run_unless_it_is_told_to_delete(lake, capsys):
    """Both print the same table."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=365)
    window = Window(start, start + timedelta(hours=1))
    lake_factory.ingest(lake, hour_of_trades(window), window)
    before = sorted(lake.list(""))
    staged = list(lake.list("json"))
    assert main(["retention"]) == 0
    *table, hint = capsys.readouterr().out.splitlines()
    assert hint == "dry run: nothing was deleted; add --delete to delete it"
    assert sorted(lake.list("")) == before
    assert main(["retention", "--delete"]) == 0
    assert capsys.readouterr().out.splitlines() == table
    assert len(list(lake.list("json"))) < len(staged)


def test_retention_deletes_of_the_valid_feeds_and_names_the_broken_one(lake, tmp_path, capsys):
    """It fails in the end, so that nobody takes the others for all."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=365)
    window = Window(start, start + timedelta(hours=1))
    lake_factory.ingest(lake, hour_of_trades(window), window)
    before = len(list(lake.list("json")))
    (tmp_path / "feeds" / "broken.yaml").write_text("[" * 200_000)
    assert main(["retention", "--delete"]) == 2
    assert "broken.yaml:1: nested more than 50 levels" in capsys.readouterr().err
    assert len(list(lake.list("json"))) < before


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


def test_retention_prints_json_on_request(lake, capsys):
    """One object per feed and area, and nothing else."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=365)
    window = Window(start, start + timedelta(hours=1))
    lake_factory.ingest(lake, hour_of_trades(window), window)
    assert main(["retention", "trades", "--json"]) == 0
    totals = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [total] = [total for total in totals if total["objects"]]
    assert (total["feed"], total["area"], total["windows"]) == ("trades", "json", 1)
    assert total["deleted"] is False
