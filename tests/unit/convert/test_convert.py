"""A manifest's parts become one Parquet file with every record, or nothing changes."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pyarrow import parquet as pq

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import ConvertResult, convert
from include.ticklake.errors import (
    CorruptPartError,
    ParityError,
    TooManyBadRecordsError,
    UsageError,
)
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.support.staged_factory import FIELDS, WINDOW, feed, record, stage
from tools.servers.s3 import Bucket

FEED = feed()
BUDGETS = budget_for(128 * MIB)
SMALL = replace(BUDGETS, block_bytes=2_000, row_group_rows=300, workers=1)
"""Sizes at which a few thousand records are many blocks and row groups."""

PARQUET = f"parquet/made_up/symbol=BTCUSDT/date=2026-11-22/{WINDOW.name}.parquet"
QUARANTINE = f"quarantine/made_up/symbol=BTCUSDT/date=2026-11-22/{WINDOW.name}.jsonl.gz"


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


def done(
    made: Manifest, storage: Storage, *, described: Feed = FEED, budgets=SMALL
) -> ConvertResult:
    """The report on converting *made*."""
    return convert(made.key, feed=described, storage=storage, budget=budgets)


def rows(storage: Storage, key: str = PARQUET) -> list[dict[str, Any]]:
    """Every row of the Parquet, times as integers."""
    with storage.open_file(key) as source:
        table = pq.ParquetFile(source).read()
    at = table.schema.get_field_index("at")
    return table.set_column(at, "at", table.column(at).cast("int64")).to_pylist()


def meant(text: str) -> dict[str, Any]:
    """What a good record's row is."""
    found = json.loads(text)
    price = Decimal(found["p"]).quantize(Decimal("1e-8"))
    return {"number": found["n"], "price": price, "note": found["s"], "at": found["t"]}


def lake(storage: Storage) -> dict[str, bytes]:
    """Every object of the lake, but for what is staged."""
    return {
        key: storage.read(key) or b"" for key in storage.list("") if not key.startswith("json/")
    }


def test_every_record_is_a_row_with_every_digit(storage):
    """Parts of several blocks, in order, on disk and on S3; and nothing is left unfinished."""
    records = [record(n) for n in range(3000)]
    made = stage(FEED, [records[:1000], records[1000:1001], records[1001:]], storage=storage)
    report = done(made, storage)
    assert rows(storage) == [meant(text) for text in records]
    account = report.manifest.parquet
    assert account is not None
    body = storage.read(PARQUET)
    assert body is not None
    assert account.key == PARQUET
    assert account.rows == 3000
    assert account.row_groups == 10
    assert account.parquet_bytes == len(body)
    assert account.sha256 == hashlib.sha256(body).hexdigest()
    assert (account.quarantine_key, account.quarantined_rows) == (None, 0)
    assert account.sorted
    assert account.key_range == {"number": ("0", "2999")}
    assert account.first_event_ns == WINDOW.start_ns
    assert account.last_event_ns == (WINDOW.start_ms + 2999 * 1000) * 10**6
    assert manifest.read(made.key, storage=storage) == report.manifest
    assert report.manifest.is_current
    areas = {key.split("/")[0] for key in storage.list("")}
    assert areas == {"json", "manifests", "parquet", "schemas"}


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_same_parts_give_the_same_bytes(disk, workers):
    """Again, with more threads: not a byte differs, manifest and quarantine included."""
    records = [record(n) for n in range(2000)]
    for place in random.Random(7).sample(range(2000), 40):
        records[place] = f'{{"n":"no number","t":{place}}}'
    made = stage(FEED, [records[:900], records[900:]], storage=disk)
    done(made, disk)
    before = lake(disk)
    done(made, disk, budgets=replace(SMALL, workers=workers))
    assert lake(disk) == before
    assert QUARANTINE in before


def test_a_report_says_what_was_done(disk):
    """Counts and addresses, for the log and XCom; nothing of what is in the records."""
    made = stage(FEED, [[record(1), "{}"]], storage=disk)
    summary = done(made, disk).summary()
    assert summary.items() >= {
        "manifest": disk.uri(made.key),
        "rows": 1,
        "quarantined_rows": 1,
        "json_bytes": made.json.parts[0].json_bytes,
        "sorted": True,
    }.items()  # fmt: skip
    assert summary["parquet_bytes"] == len(disk.read(PARQUET) or b"")
    assert summary["peak_bytes"] > 10 * MIB


def test_the_file_says_where_its_rows_come_from(disk):
    """Provenance in the key-value metadata, nothing that differs between runs."""
    done(stage(FEED, [[record(1)]], storage=disk), disk)
    with disk.open_file(PARQUET) as source:
        metadata = pq.ParquetFile(source).metadata.metadata
    assert metadata == {
        b"ticklake.version": b"0.1.0",
        b"ticklake.schema_version": b"1",
        b"ticklake.feed": b"made_up",
        b"ticklake.slice": b"symbol=BTCUSDT",
        b"ticklake.window": WINDOW.name.encode(),
        b"ticklake.source_host": b"api.example.com",
    }


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
    made = stage(FEED, [staged[:500], staged[500:]], storage=storage)
    account = done(made, storage).manifest.parquet
    assert account is not None
    assert (account.rows, account.quarantined_rows) == (996, 4)
    assert account.quarantine_key == QUARANTINE
    assert rows(storage) == [meant(text) for n, text in enumerate(records) if n not in bad]
    lines = gzip.decompress(storage.read(QUARANTINE) or b"").decode().split("\n")[:-1]
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
    done(stage(FEED, [[record(1), huge]], storage=disk), disk)
    (line,) = gzip.decompress(disk.read(QUARANTINE) or b"").splitlines()
    entry = json.loads(line)
    assert entry["record"] == huge[: 64 * 1024]
    assert entry["record_bytes"] == len(huge)
    assert len(entry["reason"]) < 200


def test_too_many_bad_records_commit_nothing(disk):
    """The error counts them and gives the first reasons; the old state stays, to the byte."""
    strict = feed(limits={"max_bad_share": 0.01})
    done(stage(strict, [[record(n) for n in range(500)]], storage=disk), disk, described=strict)
    staged = [record(n) if n % 50 else f'{{"n":{n}}}' for n in range(1000)]
    made = stage(strict, [staged], storage=disk)
    before = lake(disk)
    with pytest.raises(TooManyBadRecordsError) as refused:
        done(made, disk, described=strict)
    said = str(refused.value)
    assert "11 of 1000 records do not fit" in said
    assert "allows 1.00%" in said
    assert f"{made.json.parts[0].key} at byte 1: at: there is no value at 't'" in said
    assert said.count("there is no value") == 3
    assert lake(disk) == before


def test_bad_records_up_to_the_limit_are_let_pass(disk):
    """Ten of a thousand are one in a hundred."""
    strict = feed(limits={"max_bad_share": 0.01})
    staged = [record(n) if n % 100 else "{}" for n in range(1000)]
    made = stage(strict, [staged], storage=disk)
    account = done(made, disk, described=strict).manifest.parquet
    assert account is not None
    assert (account.rows, account.quarantined_rows) == (990, 10)


@pytest.mark.parametrize("staged", [[], [["{}", "null"]]], ids=["nothing staged", "all refused"])
def test_no_rows_are_no_file(storage, staged):
    """A window that has no row any more loses the file it had."""
    done(stage(FEED, [[record(1), "[]"]], storage=storage), storage)
    assert storage.exists(PARQUET)
    account = done(stage(FEED, staged, storage=storage), storage).manifest.parquet
    assert account is not None
    assert (account.key, account.rows, account.parquet_bytes, account.sha256) == (None, 0, 0, None)
    assert account.key_range == {}
    assert not storage.exists(PARQUET)
    assert storage.exists(QUARANTINE) == bool(staged)


def test_a_quarantine_that_no_longer_applies_is_removed(disk):
    """After the feed was mended, or the window fetched again, no refused record is left."""
    done(stage(FEED, [[record(1), "[]"]], storage=disk), disk)
    assert disk.exists(QUARANTINE)
    done(stage(FEED, [[record(1)]], storage=disk), disk)
    assert not disk.exists(QUARANTINE)


def test_a_source_that_sends_the_newest_first_comes_out_in_order(disk):
    """Parts and records are turned round; of one instant, the last that was sent comes first."""
    newest_first = feed(order="descending")
    times = [WINDOW.start_ms + n // 3 * 7 for n in range(2000)]
    records = [record(n, at_ms=at) for n, at in enumerate(times)]
    sent = records[::-1]
    made = stage(newest_first, [sent[:700], sent[700:1500], sent[1500:]], storage=disk)
    account = done(made, disk, described=newest_first).manifest.parquet
    assert account is not None
    assert account.sorted
    assert rows(disk) == [meant(text) for text in records]


def test_records_that_come_a_little_late_are_put_in_their_place(disk):
    """The file is sorted, and says so."""
    records = [record(n) for n in range(2000)]
    sent = [text for n in range(0, 2000, 20) for text in reversed(records[n : n + 20])]
    account = done(stage(FEED, [sent], storage=disk), disk).manifest.parquet
    assert account is not None
    assert account.sorted
    assert rows(disk) == [meant(text) for text in records]


def test_a_file_without_order_does_not_claim_one(disk):
    """Every record is there, each row group is sorted, and nothing says that the file is."""
    records = [record(n) for n in range(2000)]
    sent = random.Random(7).sample(records, k=2000)
    account = done(stage(feed(order="none"), [sent], storage=disk), disk).manifest.parquet
    assert account is not None
    assert not account.sorted
    found = rows(disk)
    assert sorted(found, key=lambda row: row["number"]) == [meant(text) for text in records]
    with disk.open_file(PARQUET) as source:
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
    made = stage(coins, [staged], storage=disk, fetched_at_ms=WINDOW.end_ms + 60_000)
    account = done(made, disk, described=coins).manifest.parquet
    assert account is not None
    assert account.first_event_ns == account.last_event_ns == (WINDOW.end_ms + 60_000) * 10**6
    at = WINDOW.end_ms + 60_000
    assert rows(disk) == [{"name": f"c{n}", "at": at} for n in range(50)]


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
    done(stage(FEED, [[record(n) for n in range(500)]], storage=disk), disk)
    made = stage(FEED, [[record(n)] for n in range(3)], storage=disk)
    key = made.json.parts[1].key
    disk.put(key, damage(disk.read(key) or b""))
    before = lake(disk)
    with pytest.raises(CorruptPartError, match=key):
        done(made, disk)
    assert lake(disk) == before


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


class SpoilingStorage(Storage):
    """A storage on which Parquet does not arrive as it was written."""

    place = 0

    def open_output(self, key: str, **more: Any) -> Any:
        stream = super().open_output(key, **more)
        return Spoiling(stream, self.place) if key.endswith(".parquet") else stream


@pytest.mark.parametrize("place", [0, 3, 100, 1000, 3000])
def test_a_parquet_that_arrived_changed_is_not_committed(disk, place):
    """Whatever byte it is: the file is read back before anybody may see it."""
    made = stage(FEED, [[record(n) for n in range(500)]], storage=disk)
    before = lake(disk)
    spoiling = SpoilingStorage(disk.root_uri, disk.filesystem, disk.keys, disk.prefix)
    spoiling.__class__.place = place
    with pytest.raises(ParityError):
        done(made, spoiling)
    assert lake(disk) == before


def test_what_a_killed_run_left_is_removed(disk):
    """The next run of the unit leaves nothing of it; what other units are writing stays."""
    made = stage(FEED, [[record(1)]], storage=disk)
    unfinished = f"_incomplete/parquet/made_up/symbol=BTCUSDT/date=2026-11-22/{WINDOW.name}"
    disk.put(f"{unfinished}/0123.parquet", b"half")
    disk.put(f"{unfinished}x/0123.parquet", b"of another unit")
    done(made, disk)
    assert list(disk.list("_incomplete")) == [f"{unfinished}x/0123.parquet"]


def test_a_manifest_that_is_not_there_is_a_wrong_call(disk):
    """So is one of another feed."""
    with pytest.raises(UsageError, match=r"there is no manifest at file:///.*extract the window"):
        convert("manifests/made_up/x.json", feed=FEED, storage=disk, budget=SMALL)
    made = stage(FEED, [[record(1)]], storage=disk)
    with pytest.raises(UsageError, match="is of made_up, not of other"):
        done(made, disk, described=feed(name="other"))


def test_fields_are_as_the_feed_says(disk):
    """A window staged under another description of the feed is read by the present one."""
    made = stage(FEED, [[record(1)]], storage=disk)
    fields = {"price": {"from": "p", "type": "string"}, "at": FIELDS["at"]}
    done(made, disk, described=feed(fields))
    assert rows(disk) == [{"price": "1.00000001", "at": WINDOW.start_ms + 1000}]
