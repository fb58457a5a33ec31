"""A compaction as a step: its commands, and the counts of what it committed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.operators.access.settings import OperatorSettings
from include.operators.runners.compact_step import CompactStep
from include.operators.runners.step_report import StepReport
from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from include.ticklake.memory.capped_process import ChildEnd
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import split_range
from tests.support import lake_factory

MIB = 1024**2


def step(*manifests: str) -> CompactStep:
    """The step that compacts these days."""
    return CompactStep(
        feed=lake_factory.FEED,
        manifests=manifests,
        report=StepReport(cap_bytes=96 * MIB, peak_bytes=7),
    )


def test_the_days_are_named_by_the_manifests_that_they_will_have():
    """To the command that compacts, with the feed."""
    (argv,) = step("s3://b/manifests/x.day.json").argvs(root_uri="s3://b")
    assert argv[1:] == [
        "-m", "include.ticklake", "compact", "trades", "--manifests",
        "s3://b/manifests/x.day.json", "--root", "s3://b",
    ]  # fmt: skip
    assert step("x").secrets() == {}


def test_committed_days_are_counted_and_one_that_is_not_complete_is_none(tmp_path):
    """A pod is given days; one that is not complete yet is left for a later run."""
    storage = Storage.open(f"file://{tmp_path}", {})
    feed = lake_factory.FEED.model_copy(update={"window": timedelta(hours=12)})
    table = lake_factory.day_of_trades(300)
    for window in split_range(lake_factory.DAY.start, lake_factory.DAY.end, length=feed.window):
        lake_factory.ingest(storage, table, window, feed=feed)
    compact.compact(
        feed, lake_factory.BTC, lake_factory.DAY, storage=storage, budget=lake_factory.BUDGET
    )
    keys = (
        layout.day_manifest_key("trades", slice_, lake_factory.DAY)
        for slice_ in (lake_factory.BTC, Slice.of({"symbol": "X"}))
    )
    compacting = step(*map(storage.uri, keys))
    compacting.count_committed(OperatorSettings(root_uri=storage.root_uri))
    result = compacting.result()
    assert (result["manifests"], result["rows"]) == (1, table.num_rows)
    assert (result["cap_bytes"], result["peak_bytes"]) == (96 * MIB, 7)


def test_a_failure_is_that_of_a_compaction():
    """With the words of the command line."""
    compacting = step("x")
    compacting.read_line("ticklake: the windows of trades are days or longer")
    with pytest.raises(UsageError, match="the compaction failed with exit code 2: the windows"):
        compacting.raise_for(2)


def test_out_of_memory_names_no_record():
    """A compaction reads Parquet, not records."""
    end = ChildEnd(
        mechanism="docker",
        cap_bytes=96 * MIB,
        peak_bytes=96 * MIB,
        exit_code=137,
        out_of_memory=True,
    )
    message = str(step("x").out_of_memory(end))
    assert message.startswith("compact trades: out of memory at its limit of 96 MiB (docker")
    assert "record" not in message.replace("every size", "")
