"""A window's file says where its rows come from, and is read back before it is published."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pyarrow import parquet as pq

from include.ticklake.convert import parquet_writer, window_file
from include.ticklake.errors import ParityError
from include.ticklake.lake import feed_record
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import SMALL_BYTES
from tests.support.converted_lake import (
    FEED,
    PARQUET_KEY,
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


def test_the_file_says_where_its_rows_come_from(disk):
    """Provenance in the key-value metadata, nothing that differs between runs."""
    converted(stage(FEED, [[record(1)]], storage=disk), disk)
    with disk.open_file(PARQUET_KEY) as source:
        metadata = pq.ParquetFile(source).metadata.metadata
    assert metadata == {
        b"ticklake.version": b"0.1.0",
        b"ticklake.schema_version": b"1",
        b"ticklake.feed": b"made_up",
        b"ticklake.slice": b"symbol=BTCUSDT",
        b"ticklake.window": WINDOW.name.encode(),
        b"ticklake.source_host": b"api.example.com",
    }


@pytest.mark.parametrize("rows", [2, 3])
def test_a_file_of_many_rows_has_no_page_index(disk, monkeypatch, rows):
    """It would be held until the end of the file; statistics by row group stay."""
    monkeypatch.setattr(parquet_writer, "MAX_INDEXED_ROWS", 2)
    converted(stage(FEED, [[record(n) for n in range(rows)]], storage=disk), disk)
    with disk.open_file(PARQUET_KEY) as source:
        column = pq.ParquetFile(source).metadata.row_group(0).column(0)
    assert column.is_stats_set
    assert column.has_offset_index is (rows == 2)


@pytest.mark.parametrize("few", [1, 2])
def test_the_window_after_a_large_one_returns_small_buffers(disk, monkeypatch, few):
    """A batch of large windows would have holes in its heap, as one file of many row groups."""
    returned: list[int] = []
    monkeypatch.setattr(
        window_file, "return_buffers", lambda *, from_bytes: returned.append(from_bytes)
    )
    monkeypatch.setattr(parquet_writer, "FEW_ROW_GROUPS", few)
    converted(stage(FEED, [[record(1)]], storage=disk), disk)
    assert returned == [SMALL_BYTES] * (few == 1)


def test_records_that_come_a_little_late_are_put_in_their_place(disk):
    """The file is sorted, and says so."""
    records = [record(n) for n in range(2000)]
    sent = [text for n in range(0, 2000, 20) for text in reversed(records[n : n + 20])]
    section = converted(stage(FEED, [sent], storage=disk), disk).manifest.parquet
    assert section is not None
    assert section.sorted
    assert stored_rows(disk) == [expected_row(text) for text in records]


def test_a_file_without_order_does_not_claim_one(disk):
    """Every record is there, each row group is sorted, and nothing says that the file is."""
    records = [record(n) for n in range(2000)]
    sent = random.Random(7).sample(records, k=2000)
    section = converted(stage(feed(order="none"), [sent], storage=disk), disk).manifest.parquet
    assert section is not None
    assert not section.sorted
    found = stored_rows(disk)
    assert sorted(found, key=lambda row: row["number"]) == [expected_row(text) for text in records]
    with disk.open_file(PARQUET_KEY) as source:
        file = pq.ParquetFile(source)
        assert file.num_row_groups > 5
        for number in range(file.num_row_groups):
            times = file.read_row_group(number, columns=["at"]).column("at").to_pylist()
            assert times == sorted(times)
            assert not file.metadata.row_group(number).sorting_columns


def test_a_snapshot_has_the_time_of_fetching(disk):
    """Its event time is the manifest's, in every row."""
    fields = {"name": {"type": "string", "key": True},
              "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True}}  # fmt: skip
    coins = feed(fields, snapshot=True, order="none")
    staged = [f'{{"name":"c{n}","at":5}}' for n in range(50)]
    staged_manifest = stage(coins, [staged], storage=disk, fetched_at_ms=WINDOW.end_ms + 60_000)
    section = converted(staged_manifest, disk, described=coins).manifest.parquet
    assert section is not None
    assert section.first_event_ns == section.last_event_ns == (WINDOW.end_ms + 60_000) * 10**6
    at = WINDOW.end_ms + 60_000
    assert stored_rows(disk) == [{"name": f"c{n}", "at": at} for n in range(50)]


class Spoiling:
    """A stream that changes a byte on its way to the storage."""

    def __init__(self, stream: Any, place: int) -> None:
        self._stream = stream
        self._place = place
        self._written = 0

    def write(self, data: Any) -> int:
        piece = bytearray(data)
        if 0 <= self._place - self._written < len(piece):
            piece[self._place - self._written] ^= 1
        self._written += len(piece)
        return int(self._stream.write(bytes(piece)))

    def close(self) -> None:
        self._stream.close()

    def abort(self) -> None:
        self._stream.abort()


class SpoilingStorage(Storage):
    """A storage on which Parquet does not arrive as it was written."""

    place = 0

    def open_output(self, key: str, **more: Any) -> Any:
        stream = super().open_output(key, **more)
        return Spoiling(stream, self.place) if ".parquet" in key else stream


@pytest.mark.parametrize("place", [0, 3, 100_000, 2_000_000])
def test_a_parquet_that_arrived_changed_is_not_committed(disk, place):
    """Whatever byte it is: a file on the storage is read back before anybody sees it."""
    noise = random.Random(7)
    notes = [f'"s":"{noise.randbytes(1000).hex()}"' for _ in range(2_500)]
    records = [record(n).replace(f'"s":"№ {n}"', note) for n, note in enumerate(notes)]
    staged_manifest = stage(FEED, [records], storage=disk)
    feed_record.check_before_convert(FEED, storage=disk)  # an extraction wrote the record
    before = objects(disk)
    spoiling = SpoilingStorage(disk.root_uri, disk.store)
    spoiling.__class__.place = place
    with pytest.raises(ParityError):
        converted(staged_manifest, spoiling)
    assert objects(disk) == before
