"""A step's messages are counted; of all other lines the last ones are kept."""

from __future__ import annotations

from include.operators.runners.step_report import StepReport
from include.ticklake.model.messages import CompactDone, ConvertDone, LargestRecord, encode

CONVERTED = {
    "manifest": "file:///lake/manifests/x.json",
    "rows": 5,
    "quarantined_rows": 1,
    "json_bytes": 50,
    "parquet_bytes": 20,
    "sorted": True,
    "seconds": 0.1,
}
COMPACTED = {"day": "d", "slice": "s", "parquet_bytes": 30, "seconds": 0.1, "peak_bytes": 90}


def test_messages_are_counted_and_other_lines_are_kept():
    """Counts add up, a peak is the greatest, and JSON of a library is a line like any other."""
    report = StepReport(cap_bytes=128)
    lines = (
        encode(ConvertDone(**CONVERTED, peak_bytes=70, new_fields=("venue",))),
        "2026-11-22 INFO convert.done",
        encode(LargestRecord(largest_record_bytes=9, largest_record_at="byte 7 of json/x")),
        encode(LargestRecord(largest_record_bytes=8, largest_record_at="byte 1 of json/y")),
        encode(ConvertDone(**CONVERTED, peak_bytes=60, new_fields=("maker", "venue"))),
        '{"level": "info", "rows": 7, "error": "retry"}',
        "{not json",
    )
    log = [line for line in lines if report.read_line(line) is None]
    assert report.to_dict() == {
        "cap_bytes": 128,
        "manifests": 2,
        "rows": 10,
        "quarantined_rows": 2,
        "json_bytes": 100,
        "parquet_bytes": 40,
        "peak_bytes": 70,
        "largest_record_bytes": 9,
        "new_fields": ["maker", "venue"],
    }
    assert report.largest_record_at == "byte 7 of json/x"
    assert log == list(report.log_tail) == [lines[1], lines[5], lines[6]]


def test_unfinished_units_are_counted_where_there_are_any():
    """Of conversions, which come last."""
    report = StepReport(cap_bytes=128)
    report.read_line(encode(ConvertDone(**CONVERTED, peak_bytes=70)))
    assert "unfinished" not in report.to_dict()
    report.read_line(encode(ConvertDone(**CONVERTED, peak_bytes=70, unfinished_until_ms=1)))
    assert report.to_dict()["unfinished"] == 1


def test_a_compaction_that_was_skipped_is_not_a_manifest():
    """A day that is not complete yet has none."""
    report = StepReport(cap_bytes=128)
    report.read_line(encode(CompactDone(**COMPACTED, rows=12, files=24, skipped=None)))
    report.read_line(encode(CompactDone(**COMPACTED, rows=0, files=0, skipped="not complete")))
    assert (report.manifests, report.rows) == (1, 12)


def test_a_step_that_ran_out_of_memory_may_say_so_itself():
    """Under a limit that makes allocations fail, rather than a kill by the kernel."""
    report = StepReport(cap_bytes=128)
    report.read_line("INFO out of memory is only mentioned")
    assert not report.out_of_memory
    report.read_line("ticklake: out of memory: malloc of size 64 failed")
    assert report.out_of_memory
