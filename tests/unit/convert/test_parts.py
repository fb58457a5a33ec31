"""The records of all parts arrive in the order of time, or an error names the part."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from include.ticklake.convert.parse.block_parser import ParsedBatch, RefusedRecord
from include.ticklake.convert.parts import begin
from include.ticklake.errors import (
    CorruptPartError,
)
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema
from tests.support.converted_lake import (
    FEED,
    SMALL_BUDGET,
    converted,
    expected_row,
    objects,
    stored_rows,
)
from tests.support.staged_factory import WINDOW, feed, record, stage


@pytest.fixture
def disk(tmp_path) -> Storage:
    """A lake on disk: for what does not depend on the storage."""
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_a_source_that_sends_the_newest_first_comes_out_in_order(disk):
    """Parts and records are turned round; of one instant, the last that was sent comes first."""
    newest_first = feed(order="descending")
    times = [WINDOW.start_ms + n // 3 * 7 for n in range(2000)]
    records = [record(n, at_ms=at) for n, at in enumerate(times)]
    sent = records[::-1]
    staged_manifest = stage(newest_first, [sent[:700], sent[700:1500], sent[1500:]], storage=disk)
    section = converted(staged_manifest, disk, described=newest_first).manifest.parquet
    assert section is not None
    assert section.sorted
    assert stored_rows(disk) == [expected_row(text) for text in records]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: body[:-20], id="cut"),
        pytest.param(lambda body: body[:50] + b"\0" + body[51:], id="changed"),
        pytest.param(lambda body: body[:0], id="empty"),
        pytest.param(lambda body: gzip.compress(gzip.decompress(body)), id="packed again"),
    ],
)
def test_a_part_that_was_changed_commits_nothing(disk, damage):
    """The error names the part; the old Parquet stays."""
    converted(stage(FEED, [[record(n) for n in range(500)]], storage=disk), disk)
    staged_manifest = stage(FEED, [[record(n)] for n in range(3)], storage=disk)
    key = staged_manifest.json.parts[1].key
    disk.put(key, damage(disk.read(key) or b""))
    before = objects(disk)
    with pytest.raises(CorruptPartError, match=key):
        converted(staged_manifest, disk)
    assert objects(disk) == before


def test_a_part_that_is_too_long_to_be_reversed_is_written_unsorted(disk):
    """A page may be of any length; every record is there, and the file does not claim an order."""
    newest_first = feed(order="descending")
    records = [record(n) for n in range(2000)]
    staged_manifest = stage(newest_first, [records[::-1]], storage=disk)
    small = replace(SMALL_BUDGET, reversed_bytes=10_000)
    section = converted(
        staged_manifest, disk, described=newest_first, budget=small
    ).manifest.parquet
    assert section is not None
    assert not section.sorted
    rows = sorted(stored_rows(disk), key=lambda row: row["number"])
    assert rows == [expected_row(text) for text in records]


def test_refused_records_of_a_part_to_reverse_are_not_held(disk):
    """All of them are in the quarantine, whatever comes between them."""
    newest_first = feed(order="descending")
    records = [record(n) if n % 3 == 0 else f'{{"n":"x","t":{n}}}' for n in range(999)]
    staged_manifest = stage(newest_first, [records[::-1]], storage=disk)
    section = converted(staged_manifest, disk, described=newest_first).manifest.parquet
    assert section is not None
    assert (section.rows, section.quarantined_rows, section.sorted) == (333, 666, True)


def test_a_block_of_refused_records_is_parsed_as_it_is_read():
    """Not all of it ahead of its reader, as rows are."""
    schema = LakeSchema.of(FEED)
    refused = RefusedRecord(part="p", offset=1, reason="no", record=b"{}" * 500, record_bytes=1000)
    empty = pa.RecordBatch.from_pylist([], schema=schema.arrow)
    parsed: list[int] = []

    def batches(refusals: tuple[RefusedRecord, ...]) -> Iterator[ParsedBatch]:
        for number in range(100):
            parsed.append(number)
            yield ParsedBatch(rows=empty, refused=refusals)

    ahead = begin(batches((refused,)), max_bytes=10_000)
    assert 5 < len(parsed) < 10
    assert len(list(ahead)) == 100
    parsed.clear()
    begin(batches(()), max_bytes=10_000)
    assert len(parsed) == 100
