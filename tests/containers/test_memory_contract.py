"""Conversion stays under a hard 128 MiB, flat: the real image, its cgroup read from outside.

Staged JSON is on an S3 server, as in production.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from tests.containers.watched import CAP_BYTES, ContainerEnd, WatchedContainer, keeping
from tests.support import lake_factory
from tests.support.staged_factory import (
    FIELDS,
    WINDOW,
    feed,
    record,
    repeat_parts,
    stage,
    stage_copy,
)
from tools import trades
from tools.servers.s3 import Bucket

pytestmark = [
    pytest.mark.containers,
    pytest.mark.memory,
    pytest.mark.s3,
    # docker-py leaves the sockets of its streams to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerLake:
    """Staged units on an S3 server, and the image that converts them."""

    bucket: Bucket
    storage: Storage
    image: WatchedContainer

    def convert(self, made: Manifest, **options: object) -> ContainerEnd:
        """Convert one window in a container."""
        uris, root_uri = [self.storage.uri(made.key)], self.storage.root_uri
        end = self.image.convert(uris, root_uri=root_uri, **self.settings(**options))
        return checked(end)

    def settings(self, **options: object) -> dict[str, object]:
        """How a container reaches the bucket, and its other options."""
        environment = options.pop("environment", {})
        return {"environment": self.bucket.environment | environment, **options}


def checked(end: ContainerEnd) -> ContainerEnd:
    """Return *end*, which must be a success and below the limit."""
    assert set(end.exit_codes) == {0}, end.output[-20:]
    assert not end.out_of_memory
    assert end.peak_bytes < CAP_BYTES
    return end


@pytest.fixture(scope="module")
def watched(engine, image) -> Iterator[WatchedContainer]:
    """The image, with its memory counted."""
    with keeping(engine, image):
        yield WatchedContainer(engine, image)


@pytest.fixture(scope="module")
def lake(s3_server, watched) -> ContainerLake:
    """An empty bucket."""
    bucket = s3_server.bucket()
    storage = Storage.open(bucket.root, bucket.environment)
    return ContainerLake(bucket=bucket, storage=storage, image=watched)


def scattered(rows: int) -> list[str]:
    """Flat records of one instant with numbers that do not compress: parts of an upload fill up."""
    ids, prices, sizes = (
        pc.floor(pc.multiply(pc.random(rows, initializer=n), 10.0**15)).cast(pa.int64())
        for n in range(3)
    )
    at = pa.repeat(pa.scalar(trades.HOUR.start_ms), rows)
    sides = pc.less(pc.random(rows, initializer=9), 0.5)
    columns = {"a": ids, "p": prices, "q": sizes, "f": ids, "l": ids, "T": at, "m": sides}
    return trades.text(pa.table(columns)).to_pylist()


@pytest.fixture(scope="module")
def million(lake) -> Manifest:
    """A staged window of a million flat objects."""
    texts = [scattered(MILLION // 4) for _ in range(4)]
    return stage(trades.AGG_TRADES, texts, storage=lake.storage)


@pytest.fixture(scope="module")
def flat(lake, million) -> dict[int, ContainerEnd]:
    """Conversions of few flat objects and of many, by their number.

    A million is converted three times, and the highest peak counts: which threads coincide, and
    which files of the image are read for the first time, is chance.
    """
    ends = {}
    for rows in (7_000, 100_000):
        unit = Unit(Slice.of({"symbol": f"ROWS{rows}"}), WINDOW)  # apart from the million's parts
        few = stage(trades.AGG_TRADES, [scattered(rows)], storage=lake.storage, unit=unit)
        ends[rows] = lake.convert(few)
    for times, tries in ((1, 3), (10, 1)):
        # Repeated parts are still in the order of time: all records are of one instant.
        many = repeat_parts(million, times, storage=lake.storage)
        again = [lake.convert(many) for _ in range(tries)]
        ends[times * MILLION] = max(again, key=lambda end: end.peak_bytes)
    return ends


def test_any_number_of_flat_records_stays_under_the_cap(flat):
    """Conversion stays under a hard limit of 128 MiB, from 7 thousand to 10 million records.

    7 thousand, 100 thousand, 1 million and 10 million, and every one of them is stored.
    """
    assert {rows: end.results[0].rows for rows, end in flat.items()} == {
        rows: rows for rows in (7_000, 100_000, MILLION, 10 * MILLION)
    }


def test_ten_million_records_take_what_a_million_takes(flat):
    """Measured: 3 to 7 % more. The rest is room for chance, which moves each of them by 4 %."""
    peaks = {rows: f"{end.peak_bytes / MIB:.1f} MiB" for rows, end in flat.items()}
    assert flat[10 * MILLION].peak_bytes <= 1.15 * flat[MILLION].peak_bytes, peaks


def test_a_batch_of_large_windows_stays_under_the_cap(lake, million):
    """Four windows of a million, one after the other: publishing the first one needs more code."""
    slices = [Slice.of({"symbol": f"S{n}USDT"}) for n in range(4)]
    windows = [stage_copy(million, slice_, storage=lake.storage) for slice_ in slices]
    uris = [lake.storage.uri(window.key) for window in windows]
    end = checked(lake.image.convert(uris, root_uri=lake.storage.root_uri, **lake.settings()))
    assert [result.rows for result in end.results] == [MILLION] * 4


WIDE = {
    f"c{n}": {"from": f"part{n % 6}.v{n}", "type": kind}
    for n, kind in enumerate(["decimal(28,10)", "int64", "decimal(18,8)", "string"] * 15)
}
WIDE_ROWS = 60_000


def wide() -> Iterator[str]:
    """Records of sixty values in six objects; a thousand different ones."""
    parts: list[dict[str, object]] = [{} for _ in range(6)]
    for n in range(0, 60, 4):
        parts[n % 6][f"v{n}"] = f"@{n:02}.{n:09}"
        parts[(n + 1) % 6][f"v{n + 1}"] = f"@{n:02}"
        parts[(n + 2) % 6][f"v{n + 2}"] = f"0.@{n:02}"
        parts[(n + 3) % 6][f"v{n + 3}"] = f"name @{n:02}"
    text = json.dumps({f"part{n}": values for n, values in enumerate(parts)} | {"t": "#"})
    for row in range(WIDE_ROWS):
        number = f"{1 + row * 7919 % 100_000}"
        yield text.replace("@", number).replace('"#"', str(WINDOW.start_ms + row))


def huge() -> Iterator[str]:
    """Records of a megabyte; the last one is not good."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789" * 30_000
    for row in range(100):
        note = f"{letters[row:]}{letters[:row]}"
        number = row if row < 99 else '"none"'
        yield f'{{"n":{number},"s":"{note}","t":{WINDOW.start_ms + row}}}'


@pytest.mark.parametrize(
    ("described", "records", "refused"),
    [
        pytest.param(
            feed(WIDE | {"at": FIELDS["at"]}, name="wide"), wide, 0, id="sixty nested columns"
        ),
        pytest.param(feed(), huge, 1, id="a megabyte a record"),
    ],
)
def test_wide_and_huge_records_stay_under_the_cap(lake, tmp_path, described, records, refused):
    """A block and a row group are bounded in bytes, however few records that is."""
    texts = list(records())
    per_part = max(1, 32 * MIB // len(texts[0]))
    parts = [texts[n : n + per_part] for n in range(0, len(texts), per_part)]
    made = stage(described, parts, storage=lake.storage)
    folder = feeds_folder(described, tmp_path)
    end = lake.convert(made, environment={"TICKLAKE_FEEDS": folder}, binds=[folder])
    [result] = end.results
    assert (result.rows, result.quarantined_rows) == (len(texts) - refused, refused)


def feeds_folder(described: Feed, folder) -> str:
    """A folder with the file of a feed."""
    text = json.loads(described.model_dump_json(by_alias=True, exclude={"name", "window"}))
    (folder / f"{described.name}.yaml").write_text(yaml.safe_dump(text, sort_keys=False))
    return str(folder)


def test_a_batch_of_5000_tiny_slices_stays_under_the_cap(watched, tmp_path):
    """What one conversion held is gone when the next one begins; here the lake is files."""
    (tmp_path / "lake").mkdir()
    (tmp_path / "feeds").mkdir()
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    described = feed(slices={"symbol": ["BTCUSDT"]})
    first = stage(described, [[record(n) for n in range(3)]], storage=storage)
    uris = []
    for number in range(5_000):
        slice_ = Slice.of({"symbol": f"S{number:04}USDT"})
        made = stage_copy(first, slice_, storage=storage)
        uris.append(storage.uri(made.key))
    folder = feeds_folder(described, tmp_path / "feeds")
    end = checked(
        watched.convert(
            uris,
            root_uri=storage.root_uri,
            environment={"TICKLAKE_FEEDS": folder},
            binds=[folder, str(tmp_path / "lake")],
        )
    )
    assert [result.rows for result in end.results] == [3] * 5_000


def test_compacting_24_files_stays_under_the_cap(lake, tmp_path):
    """A million rows, an hour in each file."""
    described = lake_factory.FEED
    lake_factory.ingest_day(lake.storage, lake_factory.day_of_trades(MILLION))
    folder = feeds_folder(described, tmp_path)
    day = ["--start", lake_factory.DAY.start.isoformat(), "--end", lake_factory.DAY.end.isoformat()]
    slices = [f"--slice={name}={value}" for name, value in lake_factory.BTC.as_dict().items()]
    command = ["compact", described.name, *slices, *day, "--root", lake.storage.root_uri]
    settings = lake.settings(environment={"TICKLAKE_FEEDS": folder}, binds=[folder])
    [result] = checked(lake.image.run([command], **settings)).results
    assert result.files == 24
    assert result.rows > 0.9 * MILLION
