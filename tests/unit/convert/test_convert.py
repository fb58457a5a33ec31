"""A manifest's parts become one Parquet file with every record, or nothing changes."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.errors import (
    UsageError,
)
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from tests.support.converted_lake import (
    FEED,
    PARQUET_KEY,
    QUARANTINE_KEY,
    SMALL_BUDGET,
    converted,
    expected_row,
    objects,
    stored_rows,
)
from tests.support.staged_factory import FIELDS, WINDOW, feed, record, stage
from tools.servers.s3 import Bucket


@pytest.fixture(params=["file", "s3"])
def storage(request, tmp_path) -> Storage:
    """A lake on disk, and one on S3."""
    if request.param == "file":
        return Storage.open(f"file://{tmp_path}/lake", {})
    bucket: Bucket = request.getfixturevalue("s3")
    return Storage.open(bucket.root, bucket.environment)


@pytest.fixture
def disk(tmp_path) -> Storage:
    """A lake on disk: for what does not depend on the storage."""
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_every_record_is_a_row_with_every_digit(storage):
    """Parts of several blocks, in order, on disk and on S3; and nothing is left unfinished."""
    records = [record(n) for n in range(3000)]
    staged_manifest = stage(
        FEED, [records[:1000], records[1000:1001], records[1001:]], storage=storage
    )
    result = converted(staged_manifest, storage)
    assert stored_rows(storage) == [expected_row(text) for text in records]
    section = result.manifest.parquet
    assert section is not None
    body = storage.read(PARQUET_KEY)
    assert body is not None
    assert section.key == PARQUET_KEY
    assert section.rows == 3000
    assert section.row_groups == 10
    assert section.parquet_bytes == len(body)
    assert section.sha256 == hashlib.sha256(body).hexdigest()
    assert (section.quarantine_key, section.quarantined_rows) == (None, 0)
    assert section.sorted
    assert section.key_range == {"number": ("0", "2999")}
    assert section.first_event_ns == WINDOW.start_ns
    assert section.last_event_ns == (WINDOW.start_ms + 2999 * 1000) * 10**6
    assert manifest.read(staged_manifest.key, storage=storage) == result.manifest
    assert result.manifest.is_current
    areas = {key.split("/")[0] for key in storage.list("")}
    assert areas == {"json", "manifests", "parquet", "schemas"}


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_same_parts_give_the_same_bytes(disk, workers):
    """Again, with more threads: not a byte differs, manifest and quarantine included."""
    records = [record(n) for n in range(2000)]
    for place in random.Random(7).sample(range(2000), 40):
        records[place] = f'{{"n":"no number","t":{place}}}'
    staged_manifest = stage(FEED, [records[:900], records[900:]], storage=disk)
    converted(staged_manifest, disk)
    before = objects(disk)
    converted(staged_manifest, disk, budget=replace(SMALL_BUDGET, workers=workers))
    assert objects(disk) == before
    assert QUARANTINE_KEY in before


def test_a_report_says_what_was_done(disk):
    """Counts and addresses, for the log and XCom; nothing of what is in the records."""
    staged_manifest = stage(FEED, [[record(1), "{}"]], storage=disk)
    summary = converted(staged_manifest, disk).summary()
    assert summary.items() >= {
        "manifest": disk.uri(staged_manifest.key),
        "rows": 1,
        "quarantined_rows": 1,
        "json_bytes": staged_manifest.json.parts[0].json_bytes,
        "sorted": True,
    }.items()  # fmt: skip
    assert summary["parquet_bytes"] == len(disk.read(PARQUET_KEY) or b"")
    assert summary["peak_bytes"] > 10 * MIB


@pytest.mark.parametrize("staged", [[], [["{}", "null"]]], ids=["nothing staged", "all refused"])
def test_no_rows_are_no_file(storage, staged):
    """Where there never was one."""
    section = converted(stage(FEED, staged, storage=storage), storage).manifest.parquet
    assert section is not None
    assert (section.key, section.rows, section.parquet_bytes, section.sha256) == (None, 0, 0, None)
    assert section.key_range == {}
    assert not storage.exists(PARQUET_KEY)
    assert storage.exists(QUARANTINE_KEY) == bool(staged)


@pytest.mark.parametrize("staged", [[], [["{}", "null"]]], ids=["nothing staged", "all refused"])
def test_a_window_that_has_no_row_any_more_has_a_file_without_rows(storage, staged):
    """It takes the place of the one with rows: it is not deleted while others may write it."""
    converted(stage(FEED, [[record(1), "[]"]], storage=storage), storage)
    section = converted(stage(FEED, staged, storage=storage), storage).manifest.parquet
    assert section is not None
    assert (section.key, section.rows, section.parquet_bytes) == (PARQUET_KEY, 0, 0)
    assert stored_rows(storage) == []
    assert storage.exists(QUARANTINE_KEY) == bool(staged)


def test_what_others_are_writing_stays(disk):
    """Also what a killed run left: retention deletes it once it is old."""
    staged_manifest = stage(FEED, [[record(1)]], storage=disk)
    unfinished = f"_incomplete/parquet/made_up/symbol=BTCUSDT/date=2026-11-22/{WINDOW.name}.parquet"
    disk.put(f"{unfinished}.0123", b"half")
    converted(staged_manifest, disk)
    assert list(disk.list("_incomplete")) == [f"{unfinished}.0123"]


def test_a_manifest_that_is_not_there_is_a_wrong_call(disk):
    """So is one of another feed."""
    key = layout.manifest_key("made_up", Slice.of({"symbol": "B TC"}), WINDOW)
    command = "extract made_up --slice 'symbol=B TC' --start 2026-11-22T05:00:00Z --end"
    with pytest.raises(UsageError, match=f"there is no such manifest; run `{command}"):
        convert(key, feed=FEED, storage=disk, budget=SMALL_BUDGET)
    staged_manifest = stage(FEED, [[record(1)]], storage=disk)
    with pytest.raises(UsageError, match="belongs to feed made_up, not to other"):
        converted(staged_manifest, disk, described=feed(name="other"))


def test_fields_are_as_the_feed_says(disk):
    """A window staged under another description of the feed is read by the present one."""
    staged_manifest = stage(FEED, [[record(1)]], storage=disk)
    fields = {"price": {"from": "p", "type": "string"}, "at": FIELDS["at"]}
    converted(staged_manifest, disk, described=feed(fields))
    assert stored_rows(disk) == [{"price": "1.00000001", "at": WINDOW.start_ms + 1000}]
