"""A record that does not fit is kept with its place and reason; too many of them stop it all."""

from __future__ import annotations

import gzip
import json

import pytest

from include.ticklake.errors import (
    TooManyBadRecordsError,
)
from include.ticklake.lake.storage import Storage
from tests.support.converted_lake import (
    FEED,
    QUARANTINE_KEY,
    converted,
    expected_row,
    objects,
    stored_rows,
)
from tests.support.staged_factory import WINDOW, feed, record, stage
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


def test_what_does_not_fit_is_in_the_quarantine_with_its_place(storage):
    """Part, offset, reason and the text itself; the other records are rows."""
    records = [record(n) for n in range(1000)]
    bad = {
        17: f'{{"n":17,"p":"1.123456789","t":{WINDOW.start_ms}}}',
        400: "[1,2,3]",
        401: f'{{"n":401,"t":{WINDOW.start_ms - 1}}}',
        999: '{"n":999, "p":"\udcff"}',
    }  # fmt: skip
    staged = [bad.get(n, text) for n, text in enumerate(records)]
    staged_manifest = stage(FEED, [staged[:500], staged[500:]], storage=storage)
    section = converted(staged_manifest, storage).manifest.parquet
    assert section is not None
    assert (section.rows, section.quarantined_rows) == (996, 4)
    assert section.quarantine_key == QUARANTINE_KEY
    assert stored_rows(storage) == [
        expected_row(text) for n, text in enumerate(records) if n not in bad
    ]
    lines = gzip.decompress(storage.read(QUARANTINE_KEY) or b"").decode().split("\n")[:-1]
    kept = [json.loads(line) for line in lines]
    assert [entry["reason"] for entry in kept] == [
        'price: "1.123456789" has more digits after the point than decimal(18,8) holds',
        "the record is an array, not an object",
        f"at: {WINDOW.start_ms - 1} lies outside the window",
        "not UTF-8 at byte 15",
    ]
    for entry, text in zip(kept, bad.values(), strict=True):
        part = gzip.decompress(storage.read(entry["part"]) or b"")
        raw = text.encode(errors="surrogateescape")
        assert part[entry["offset"] :].startswith(raw)
        assert entry["record"] == raw.decode(errors="backslashreplace")
        assert entry["record_bytes"] == len(raw)


def test_a_huge_bad_record_is_cut_in_the_quarantine(disk):
    """Its whole length is told, and the part has it whole."""
    huge = f'{{"n":1,"p":"{"x" * 300_000}"}}'
    converted(stage(FEED, [[record(1), huge]], storage=disk), disk)
    (line,) = gzip.decompress(disk.read(QUARANTINE_KEY) or b"").splitlines()
    entry = json.loads(line)
    assert entry["record"] == huge[: 64 * 1024]
    assert entry["record_bytes"] == len(huge)
    assert len(entry["reason"]) < 200


def test_too_many_bad_records_commit_nothing(disk):
    """The error counts them and gives the first reasons; the old state stays, to the byte."""
    strict = feed(limits={"max_bad_share": 0.01})
    converted(
        stage(strict, [[record(n) for n in range(500)]], storage=disk), disk, described=strict
    )
    staged = [record(n) if n % 50 else f'{{"n":{n}}}' for n in range(1000)]
    staged_manifest = stage(strict, [staged], storage=disk)
    before = objects(disk)
    with pytest.raises(TooManyBadRecordsError) as refused:
        converted(staged_manifest, disk, described=strict)
    said = str(refused.value)
    assert "20 of 1000 records do not fit" in said
    assert "allows 1% (limits.max_bad_share);" in said
    assert f"{staged_manifest.json.parts[0].key} at byte 1: at: there is no value at 't'" in said
    assert said.count("there is no value") == 3
    assert objects(disk) == before


def test_bad_records_up_to_the_limit_are_let_pass(disk):
    """Ten of a thousand are one in a hundred."""
    strict = feed(limits={"max_bad_share": 0.01})
    staged = [record(n) if n % 100 else "{}" for n in range(1000)]
    staged_manifest = stage(strict, [staged], storage=disk)
    section = converted(staged_manifest, disk, described=strict).manifest.parquet
    assert section is not None
    assert (section.rows, section.quarantined_rows) == (990, 10)


def test_a_quarantine_that_no_longer_applies_is_removed(disk):
    """After the feed was mended, or the window fetched again, no refused record is left."""
    converted(stage(FEED, [[record(1), "[]"]], storage=disk), disk)
    assert disk.exists(QUARANTINE_KEY)
    converted(stage(FEED, [[record(1)]], storage=disk), disk)
    assert not disk.exists(QUARANTINE_KEY)
