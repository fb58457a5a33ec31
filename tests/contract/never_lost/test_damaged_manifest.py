"""One damaged manifest is a finding of its unit: the rest of the feed goes on."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import CorruptManifestError
from include.ticklake.feed.retention import Retention
from include.ticklake.lake import layout
from include.ticklake.lake.files import manifest_files
from include.ticklake.maintain import expire
from include.ticklake.publish import latest
from tests.support import day_lake, lake_factory
from tests.support.day_lake import DAY_MANIFEST, RANGE, DayLake, manifest_key
from tests.support.lake_factory import BTC, FEED

HOUR = lake_factory.hour(5)
UNIT = f"symbol=BTCUSDT {HOUR.name}"


def hostile(body: bytes, **changes: object) -> bytes:
    """The manifest *body* with other values in its first part."""
    described = json.loads(body)
    described["json"]["parts"][0] |= changes
    return json.dumps(described).encode()


@pytest.fixture(params=["cut", "empty", "zeros", "hostile"])
def damaged(request, hourly) -> DayLake:
    """The lake with one manifest that is not what was written."""
    key = manifest_key(5)
    whole = hourly.storage.read(key) or b""
    bodies = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "zeros": b"\0" * len(whole),
        "hostile": hostile(whole, key=f"{'../' * 9}etc/passwd"),
    }
    hourly.storage.put(key, bodies[request.param])
    return hourly


def test_audit_names_it_and_audits_the_rest(damaged):
    """One finding, of its window, with the repair that is safe; a second fault is found as well."""
    damaged.storage.delete(layout.parquet_key(FEED.name, BTC, lake_factory.hour(9)))
    assert damaged.findings() == {
        ("manifest_broken", HOUR.name, "restore"),
        ("parquet_broken", lake_factory.hour(9).name, "convert"),
    }


def test_rebuild_names_it_and_converts_the_rest(damaged):
    """And ends with 4."""
    ended = damaged.run("rebuild", *RANGE)
    assert ended.code == 4
    assert len(ended.out.splitlines()) == 23
    assert UNIT in ended.err


def test_compact_names_it_and_compacts_other_days(damaged):
    """The day with it is left as it is."""
    before = damaged.objects()
    ended = damaged.run("compact", "--start", "2026-11-21", "--end", "2026-11-24")
    assert ended.code == 4
    assert len(ended.out.splitlines()) == 2
    assert UNIT in ended.err
    assert damaged.objects() == before


def test_a_scan_names_it_or_leaves_it_out(damaged, originals, caplog):
    """As ``on_error`` says."""
    with pytest.raises(CorruptManifestError, match=UNIT):
        damaged.ids()
    of_hour = lake_factory.of_hour(lake_factory.day_of_trades(day_lake.ROWS), HOUR)
    assert damaged.ids(on_error="skip") == [
        each for each in originals[2] if each not in set(of_hour["a"].to_pylist())
    ]
    assert f"read.skipped {damaged.storage.uri(manifest_key(5))}" in caplog.text


def test_retention_deletes_the_rest_and_keeps_what_it_may_name(damaged, caplog):
    """Nobody knows whether its JSON is in its Parquet."""
    feed = FEED.model_copy(update={"retention": Retention(json="1d", parquet="1d")})
    now = lake_factory.at("00:00").replace(year=2027)
    expired = expire.find_expired(feed, now=now, storage=damaged.storage)
    list(expire.delete(feed, expired, now=now, storage=damaged.storage))
    left = [key for area in ("json", "parquet") for key in damaged.storage.list(area)]
    assert {layout.window_name(key) for key in left} == {HOUR.name}
    assert len(left) == 2
    assert UNIT in caplog.text


def test_the_newest_records_are_published_without_it(hourly, caplog):
    """``latest.json`` is of the windows that can be read."""
    hourly.storage.put(manifest_key(23), b"x")
    assert latest.publish(FEED, [BTC], storage=hourly.storage, max_rows=5) == 1
    written = json.loads(hourly.storage.read(layout.latest_key(FEED.name, BTC)) or b"")
    assert written["rows"] == 5
    assert written["start"] == lake_factory.hour(22).start.isoformat()
    assert lake_factory.hour(23).name in caplog.text


def test_a_damaged_manifest_of_a_day_is_one_finding(compacted):
    """Its windows are not all called broken."""
    compacted.storage.put(DAY_MANIFEST, b"{}")
    assert compacted.findings() == {("manifest_broken", lake_factory.DAY.name, "restore")}


def test_a_scan_reads_the_day_s_file_without_its_manifest(compacted, originals):
    """Where it may skip: the windows know where their rows are in it."""
    compacted.storage.put(DAY_MANIFEST, b"{}")
    with pytest.raises(CorruptManifestError, match=lake_factory.DAY.name):
        compacted.ids()
    assert compacted.ids(on_error="skip") == originals[2]


def test_retention_keeps_a_day_whose_manifest_is_damaged(compacted):
    """Which windows are in its file is unknown."""
    compacted.storage.put(DAY_MANIFEST, b"{}")
    feed = FEED.model_copy(update={"retention": Retention(parquet="1d")})
    now = lake_factory.at("00:00").replace(year=2027)
    assert list(expire.find_expired(feed, now=now, storage=compacted.storage)) == []


def test_an_object_that_is_not_a_manifest_stops_no_reader_that_may_skip(hourly, originals):
    """Whoever put it there."""
    hourly.storage.put("manifests/trades/notes.txt", b"x")
    with pytest.raises(CorruptManifestError, match=r"manifests/trades/notes\.txt"):
        manifest_files(FEED, storage=hourly.storage)
    assert hourly.ids(on_error="skip") == originals[2]


def test_a_damaged_record_of_the_feed_is_a_finding_and_stops_no_audit(hourly, originals):
    """What writes stops with its message; after what that says, the lake is repaired."""
    hourly.storage.put(manifest_key(5), b"damaged")
    hourly.storage.put(layout.schema_key(FEED.name), b"[" * 100_000)
    assert hourly.findings() == {
        ("record_broken", "all", "none"),
        ("manifest_broken", HOUR.name, "restore"),
    }
    ended = hourly.run("audit", *RANGE, "--repair")
    assert ended.code == 2
    assert "schemas/trades.json is not a feed's history" in ended.err
    hourly.storage.delete(layout.schema_key(FEED.name))
    assert hourly.run("audit", *RANGE, "--repair").code == 0
    assert hourly.ids() == originals[2]
