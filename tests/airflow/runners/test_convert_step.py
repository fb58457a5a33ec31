"""A conversion as a step: its commands, and the counts of what it committed."""

from __future__ import annotations

import pytest

from include.operators.access.settings import OperatorSettings
from include.operators.runners.convert_step import ConvertStep
from include.operators.runners.step_report import StepReport
from include.ticklake.errors import SourceUnavailableError
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.capped_process import ChildEnd
from include.ticklake.model.messages import LargestRecord, encode
from tests.support import lake_factory

MIB = 1024**2


def step(*manifests: str) -> ConvertStep:
    """The step that converts these."""
    return ConvertStep(
        feed=lake_factory.FEED,
        manifests=manifests,
        report=StepReport(cap_bytes=96 * MIB, peak_bytes=7),
    )


def test_the_windows_are_named_by_their_manifests():
    """Nothing else is passed on but the root."""
    (argv,) = step("s3://b/manifests/x.json").argvs(root_uri="s3://b")
    assert argv[1:] == [
        "-m", "include.ticklake", "convert", "s3://b/manifests/x.json", "--root", "s3://b",
    ]  # fmt: skip
    assert step("x").secrets() == {}


def test_committed_windows_are_counted_from_their_manifests(tmp_path):
    """For a runner that may have lost part of the output; memory figures stay."""
    storage = Storage.open(f"file://{tmp_path}", {})
    table = lake_factory.day_of_trades(300)
    window = lake_factory.DAY
    feed = lake_factory.FEED.model_copy(update={"window": window.end - window.start})
    made = lake_factory.ingest(storage, table, window, feed=feed)
    converted = step(storage.uri(made.key))
    converted.report.rows = 1_000_000
    converted.count_committed(OperatorSettings(root_uri=storage.root_uri))
    result = converted.result()
    assert (result["manifests"], result["rows"]) == (1, made.parquet.rows)
    assert result["parquet_bytes"] == made.parquet.parquet_bytes
    assert (result["cap_bytes"], result["peak_bytes"]) == (96 * MIB, 7)


def test_a_window_that_is_not_committed_is_retried(tmp_path):
    """A pod that ended with 0 and left nothing is not believed."""
    uri = f"file://{tmp_path}/manifests/trades/x.json"
    with pytest.raises(SourceUnavailableError, match=r"x\.json: .* did not commit this window"):
        step(uri).count_committed(OperatorSettings(root_uri=f"file://{tmp_path}"))


def test_out_of_memory_names_the_record_and_the_sizes_in_force():
    """All that is needed to choose another limit."""
    converting = step("x")
    converting.read_line(
        encode(LargestRecord(largest_record_bytes=41 * MIB, largest_record_at="byte 7 of json/x"))
    )
    end = ChildEnd(
        mechanism="cgroup v2",
        cap_bytes=96 * MIB,
        peak_bytes=96 * MIB,
        exit_code=137,
        out_of_memory=True,
    )
    message = str(converting.out_of_memory(end))
    assert message.startswith("convert trades: out of memory at its limit of 96 MiB (cgroup v2")
    assert "sizes in force: blocks of 512 KiB" in message
    assert "largest record so far 41 MiB (at byte 7 of json/x)" in message
