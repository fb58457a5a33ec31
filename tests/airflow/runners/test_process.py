"""A step in a child process of its task: the real commands, and how they end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import yaml

from include.ticklake.errors import OutOfMemoryError
from include.ticklake.lake import day_manifest, layout
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.window import split_range
from tests.support import lake_factory
from tests.support.staged_factory import WINDOW, feed, stage

pytestmark = [
    pytest.mark.dag,
    pytest.mark.memory,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

LONG_BYTES = 80 * MIB


@pytest.fixture
def described(tmp_path, monkeypatch):
    """A feed that allows records which do not fit into its memory limit, and a lake to convert."""
    allowed = feed(limits={"max_record_bytes": "200MiB"}, cap="96MiB")
    text = json.loads(allowed.model_dump_json(by_alias=True, exclude={"name", "window"}))
    (tmp_path / "made_up.yaml").write_text(yaml.safe_dump(text, sort_keys=False))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    return allowed


def test_the_record_that_memory_ran_out_over_is_named(described, tmp_path):
    """The message has the limit, the peak, the sizes in force, that record and the setting."""
    from include.operators.runners.process import ProcessStepOperator

    storage = Storage.open(f"file://{tmp_path}/lake", {})
    short = f'{{"n":1,"p":"1.5","s":"short","t":{WINDOW.start_ms}}}'
    long = f'{{"n":2,"p":"2.5","s":"{"x" * LONG_BYTES}","t":{WINDOW.start_ms}}}'
    made = stage(described, [[short] * 40_000, [long]], storage=storage)
    task = ProcessStepOperator(
        task_id="convert", feed=described.name, step="convert", manifests=[storage.uri(made.key)]
    )
    with pytest.raises(OutOfMemoryError) as ended:
        task.execute({})
    message = str(ended.value)
    assert message.startswith("convert made_up: out of memory at its limit of 96 MiB (")
    assert "; peak " in message
    assert "sizes in force: blocks of 512 KiB, row groups of 65,536 rows or 4 MiB" in message
    told = message.partition("largest record so far ")[2]
    assert 10 < float(told.partition(" MiB ")[0]) <= LONG_BYTES / MIB
    assert f"(at byte 1 of {made.json.parts[1].key})" in told
    assert "raise TICKLAKE_CAP, or `cap` in the feed's file" in message


@pytest.fixture
def half_days(tmp_path, monkeypatch):
    """A day of trades in two windows, both converted, and the feed's file."""
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    feed = lake_factory.FEED.model_copy(update={"window": timedelta(hours=12)})
    text = json.loads(feed.model_dump_json(by_alias=True, exclude={"name"}))
    (tmp_path / f"{feed.name}.yaml").write_text(yaml.safe_dump(text, sort_keys=False))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    table = lake_factory.day_of_trades(300)
    for window in split_range(lake_factory.DAY.start, lake_factory.DAY.end, length=feed.window):
        lake_factory.ingest(storage, table, window, feed=feed)
    return storage


def test_a_day_is_compacted_and_one_that_is_not_complete_counts_as_nothing(half_days):
    """Two days are named; the result counts the one that was written."""
    from include.operators.runners.process import ProcessStepOperator

    before = split_range(
        lake_factory.DAY.start - timedelta(days=1), lake_factory.DAY.start, length=timedelta(days=1)
    )
    days = [*before, lake_factory.DAY]
    keys = [layout.day_manifest_key("trades", lake_factory.BTC, day) for day in days]
    task = ProcessStepOperator(
        task_id="compact",
        feed="trades",
        step="compact",
        manifests=[half_days.uri(key) for key in keys],
    )
    result = task.execute({})
    day = day_manifest.read(keys[1], storage=half_days)
    assert (result["manifests"], result["rows"]) == (1, day.rows)
    assert day_manifest.read(keys[0], storage=half_days) is None
