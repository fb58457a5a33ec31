"""A manifest that is damaged, or names what is not its own, is refused by whoever reads it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from include.ticklake.errors import CorruptManifestError
from include.ticklake.lake import day_manifest, layout, manifest, manifest_checks
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED

KEY = layout.manifest_key(FEED.name, BTC, lake_factory.hour(5))
DAY_KEY = layout.day_manifest_key(FEED.name, BTC, DAY)
OTHER = layout.parquet_key(FEED.name, BTC, lake_factory.hour(6))


@pytest.fixture(scope="module")
def storage(tmp_path_factory) -> Storage:
    """A compacted day of a few trades."""
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    lake_factory.ingest_day(storage, lake_factory.day_of_trades(200))
    compact.compact(FEED, BTC, DAY, storage=storage, budget=BUDGET)
    return storage


def changed(storage: Storage, key: str, path: str, value: object) -> bytes:
    """The manifest at *key* with *value* at *path*: ``json.parts.0.rows``."""
    described = json.loads(storage.read(key) or b"")
    *folders, name = path.split(".")
    inner: Any = described
    for folder in folders:
        inner = inner[int(folder) if folder.isdigit() else folder]
    inner[int(name) if name.isdigit() else name] = value
    return json.dumps(described).encode()


def refusal(storage: Storage, key: str, body: bytes) -> str:
    """What reading *body* at *key* is refused with; what was there is back afterwards."""
    read: Callable[..., object] = (
        day_manifest.read if layout.is_day_manifest(key) else manifest.read
    )
    before = storage.read(key) or b""
    storage.put(key, body)
    try:
        with pytest.raises(CorruptManifestError) as refused:
            read(key, storage=storage)
    finally:
        storage.put(key, before)
    assert read(key, storage=storage) is not None
    return str(refused.value)


WINDOW_CHANGES = [
    ("feed", "other"),
    ("feed", "../x"),
    ("slice", {"symbol": "ETHUSDT"}),
    ("slice", {"symbol": 1}),
    ("window", lake_factory.hour(6).name),
    ("window", "20261122T050000Z-20261122T050001Z"),
    ("version", 2),
    ("json.parts.0.key", "../x"),
    ("json.parts.0.key", "/etc/passwd"),
    ("json.parts.0.key", "parquet/trades/symbol=BTCUSDT/date=2026-11-22/x.parquet"),
    ("json.parts.0.rows", -1),
    ("json.parts.0.rows", 10**30),
    ("json.parts.0.rows", 1.5),
    ("json.parts.0.rows", True),
    ("json.parts.0.rows", None),
    ("json.parts.0.sha256", "0" * 64),
    ("json.parts.0.sha256", "x"),
    ("json.parts.0.gzip_bytes", -5),
    ("json.parts.0.first_event_ns", 10**30),
    ("json.parts.0.first_event_ns", 2 * 10**18),
    ("json.received_rows", 10**9),
    ("json.outside_rows", -1),
    ("json.pages", -1),
    ("json.fetched_at_ms", 10**18),
    ("json.missed", [5, 4]),
    ("json.parts", []),
    ("json", 7),
    ("parquet.key", OTHER),
    ("parquet.key", "parquet/other/date=2026-11-22/x.parquet"),
    ("parquet.key", "../../x.parquet"),
    ("parquet.key", None),
    ("parquet.rows", 10**6),
    ("parquet.sha256", None),
    ("parquet.sha256", "zz"),
    ("parquet.parts_digest", ""),
    ("parquet.quarantine_key", layout.manifest_key("trades", BTC, DAY)),
    ("parquet.quarantined_rows", 3),
    ("parquet.first_event_ns", None),
    ("parquet.key_range", {"a": [[[[["x"]]]]]}),
    ("json.number", -1),
    ("json.parts.0.fetched_at_ms", 10**18),
    ("next_part", -1),
    ("superseded", [{"superseded_at_ms": 5}]),
    ("more", 1),
]
DAY_CHANGES = [
    ("feed", "other"),
    ("window", lake_factory.hour(0).name),
    ("key", OTHER),
    ("key", "/absolute.parquet"),
    ("rows", -1),
    ("rows", 10**6),
    ("sha256", "x"),
    ("hours.0.window", "../x"),
    ("hours.0.window", "20261121T000000Z-20261121T010000Z"),
    ("hours.0.window", lake_factory.hour(1).name),
    ("hours.0.rows", 10**20),
    ("hours.0.last_event_ns", 5),
    ("renewing", [{"window": "x"}]),
    ("version", 0),
]


@pytest.mark.parametrize(("path", "value"), WINDOW_CHANGES)
def test_a_changed_manifest_of_a_window_is_refused(storage, path, value):
    """The message names the feed, the window and the command that restores it."""
    message = refusal(storage, KEY, changed(storage, KEY, path, value))
    assert "feed trades, window symbol=BTCUSDT 20261122T050000Z-20261122T060000Z" in message
    assert "run `audit trades --slice symbol=BTCUSDT --start 2026-11-22T05:00:00Z" in message
    assert len(message) < 1_000


@pytest.mark.parametrize(("path", "value"), DAY_CHANGES)
def test_a_changed_manifest_of_a_day_is_refused(storage, path, value):
    """The message names the feed and the day."""
    message = refusal(storage, DAY_KEY, changed(storage, DAY_KEY, path, value))
    assert "feed trades, day symbol=BTCUSDT 20261122T000000Z-20261123T000000Z" in message


def test_a_part_that_is_named_twice_is_refused(storage):
    """Its records would be in the Parquet twice."""
    part = json.loads(storage.read(KEY) or b"")["json"]["parts"][0]
    twice = changed(storage, KEY, "json.parts", [part, part | {"rows": 0}])
    assert "described in two ways" in refusal(storage, KEY, twice)


HOSTILE = [
    pytest.param(b"[" * 100_000, id="nested deep"),
    pytest.param(b'{"feed":' + b'{"a":' * 100_000, id="objects in objects"),
    pytest.param(b'{"feed":"\\ud800","slice":' + b"[" * 100_000, id="half a pair, nested deep"),
    pytest.param(b'{"version":' + b"9" * 5_000 + b"}", id="a huge number"),
    pytest.param(b'{"json":{"received_rows":NaN}}', id="NaN"),
    pytest.param(b'{"json":{"received_rows":1e999}}', id="an infinite number"),
    pytest.param(b"\x00" * 100, id="zeros, as after a power cut"),
    pytest.param(b"\xff\xfe", id="not text"),
    pytest.param(b"", id="empty"),
]


@pytest.mark.parametrize("key", [KEY, DAY_KEY], ids=["window", "day"])
@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_text_is_refused(storage, key, body):
    """Whatever it is, it is one error that names the unit."""
    assert "symbol=BTCUSDT" in refusal(storage, key, body)


def test_a_manifest_at_the_key_of_another_unit_is_refused(storage):
    """As where somebody copied it there."""
    other = storage.read(layout.manifest_key(FEED.name, BTC, lake_factory.hour(6))) or b""
    assert "it says that it is of feed 'trades'" in refusal(storage, KEY, other)


def test_a_longer_text_than_a_manifest_has_is_not_parsed():
    """A manifest of a gigabyte costs no memory but its own."""
    with pytest.raises(ValueError, match="at most 16777216 are read"):
        manifest_checks.decode(b" " * (manifest_checks.MAX_BYTES + 1), manifest.Manifest)


def test_an_object_that_is_not_named_like_a_manifest_says_so():
    """Its name has no unit to name."""
    error = manifest_checks.corrupt("manifests/trades/notes.txt", uri="file:///x", problem="?")
    assert "its name is not that of one" in str(error)


def test_a_manifest_of_a_gigabyte_costs_no_memory(storage):
    """No more of it is read than the longest manifest has."""
    path = storage.local_path(KEY)
    before = storage.read(KEY) or b""
    with open(path, "ab") as grown:  # noqa: PTH123 - a hole: it takes no room on the disk
        grown.truncate(2**30)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptManifestError, match="at most 16777216 are read"):
            manifest.read(KEY, storage=storage)
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()
        storage.put(KEY, before)
