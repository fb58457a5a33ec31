"""Repair of a damaged compacted day replaces first and deletes after, or does nothing."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from pyarrow import parquet as pq

from include.ticklake.errors import CorruptParquetError
from include.ticklake.lake import manifest
from tests.support import lake_factory, manifests
from tests.support.day_lake import DAY_FILE, DAY_MANIFEST, RANGE, DayLake, manifest_key
from tests.support.lake_factory import DAY
from tests.support.stepping_store import SteppingStore
from tools import trades

ORPHAN = ("orphan", DAY.name, "none")
NEWEST_ONLY = {
    "source": {
        "kind": "http",
        "base_url": "https://api.example.com",
        "path": "/recent/{symbol}",
        "paging": {"kind": "newest_only", "page_rows": 1000},
    }
}


def flip_a_byte(lake: DayLake, key: str = DAY_FILE, at: float = 0.4) -> None:
    """Change one byte of an object, in the middle of its first row group."""
    body = bytearray(lake.storage.read(key) or b"")
    body[int(len(body) * at)] ^= 0x55
    lake.storage.put(key, bytes(body))


def retire_json(lake: DayLake, *hours: int) -> None:
    """Remove the JSON of *hours*, as retention does."""
    for hour in hours:
        window = manifest.read(manifest_key(hour), storage=lake.storage)
        assert window is not None
        for part in window.json.parts:
            lake.storage.delete(part.key)
        manifests.put(
            replace(window, json=replace(window.json, removed=True)), storage=lake.storage
        )


def ids_of(*hours: int) -> list[int]:
    """The ids of some hours."""
    table = lake_factory.day_of_trades(400)
    return [
        each
        for hour in hours
        for each in lake_factory.of_hour(table, lake_factory.hour(hour))["a"].to_pylist()
    ]


@pytest.mark.parametrize("damage", ["a flipped byte", "cut", "missing"])
def test_a_damaged_day_is_rebuilt_from_its_json(compacted, originals, damage):
    """Every row is there afterwards, once, for readers of the folder and of the manifests."""
    if damage == "a flipped byte":
        flip_a_byte(compacted)
    elif damage == "cut":
        compacted.storage.put(DAY_FILE, (compacted.storage.read(DAY_FILE) or b"")[:-999])
    else:
        compacted.storage.delete(DAY_FILE)
    assert {kind for kind, _, _ in compacted.findings()} == {"parquet_broken"}
    ended = compacted.run("audit", *RANGE, "--repair")
    assert (ended.code, compacted.findings()) == (0, set())
    assert compacted.ids() == originals[2]
    assert [*compacted.storage.list("parquet"), *compacted.storage.list("late")] == [DAY_FILE]


def test_at_no_moment_of_the_repair_is_a_row_missing(compacted, originals, monkeypatch):
    """Killed before any change of the storage, each row that could be read still can be."""
    flip_a_byte(compacted)
    readable = set(compacted.ids(on_error="skip"))
    seen: list[set[int]] = []
    store = compacted.storage.store
    changes = frozenset({"put", "put_if", "move", "move_if", "delete"})
    stepping = SteppingStore(
        store, lambda: seen.append(set(compacted.ids(on_error="skip"))), changes
    )
    monkeypatch.setattr("include.ticklake.lake.storage.LocalDisk", lambda _folder: stepping)
    assert compacted.run("audit", *RANGE, "--repair").code == 0
    assert len(seen) > 24
    assert all(readable <= ids for ids in seen)
    assert compacted.ids() == originals[2]


def test_with_the_json_retired_and_no_history_nothing_is_changed(compacted):
    """It says so; the rest of the file can still be read."""
    compacted.describe(**NEWEST_ONLY)
    retire_json(compacted, *range(24))
    flip_a_byte(compacted)
    before = compacted.objects()
    readable = compacted.ids(on_error="skip")
    ended = compacted.run("audit", *RANGE, "--repair")
    assert ended.code == 4
    assert "the source has no history, so it is not fetched again" in ended.out
    assert "not repaired: parquet_broken" in ended.err
    assert compacted.objects() == before
    assert compacted.ids(on_error="skip") == readable


def test_what_has_json_is_repaired_and_the_file_stays_for_the_rest(compacted, originals):
    """One hour of the day lost its JSON: all others are good again, and nothing is deleted."""
    compacted.describe(**NEWEST_ONLY)
    retire_json(compacted, 5)
    flip_a_byte(compacted)
    before = compacted.storage.read(DAY_FILE)
    ended = compacted.run("audit", *RANGE, "--repair")
    assert ended.code == 4
    assert lake_factory.hour(5).name in ended.err
    assert compacted.storage.read(DAY_FILE) == before
    assert {(kind, window) for kind, window, _ in compacted.findings()} == {
        ("parquet_broken", lake_factory.hour(5).name)
    }
    assert set(originals[2]) - set(ids_of(5)) <= set(compacted.ids(on_error="skip"))
    again = compacted.run("compact", *RANGE)
    assert again.code == 4
    assert compacted.storage.read(DAY_FILE) == before


def test_with_history_it_is_fetched_again_and_replaced_only_when_complete(compacted, http_server):
    """A source that returns less changes nothing."""
    retire_json(compacted, *range(24))
    flip_a_byte(compacted)
    before = compacted.storage.read(DAY_FILE)
    readable = compacted.ids(on_error="skip")
    rows = trades.text(lake_factory.day_of_trades(400)).to_pylist()
    http_server.answer("/api/v3/aggTrades", f"[{','.join(rows[:30])}]".encode())
    ended = compacted.run("audit", *RANGE, "--repair", "--base-url", http_server.url)
    assert ended.code == 4
    assert compacted.storage.read(DAY_FILE) == before
    assert set(readable) <= set(compacted.ids(on_error="skip"))


def test_one_bad_read_of_the_whole_file_is_not_taken_for_damage(compacted, monkeypatch):
    """Nothing is found, and nothing is done."""
    before = compacted.objects()
    whole = before[DAY_FILE]
    reads = iter([bytes(len(whole))])

    def step() -> None:
        compacted.storage.put(DAY_FILE, next(reads, whole))

    flaky = SteppingStore(compacted.storage.store, step, frozenset({"open_input"}))
    monkeypatch.setattr("include.ticklake.lake.storage.LocalDisk", lambda _folder: flaky)
    assert compacted.run("audit", *RANGE, "--repair").code == 0
    monkeypatch.undo()
    assert compacted.objects() == before


def test_a_damaged_row_group_costs_no_other(compacted, originals, caplog):
    """A scan names the day; one that may skip reads the other row groups."""
    path = compacted.storage.local_path(DAY_FILE)
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows, path, row_group_size=100)
    group = pq.read_metadata(path).row_group(2)
    body = bytearray(compacted.storage.read(DAY_FILE) or b"")
    for number in range(group.num_columns):
        start = group.column(number).data_page_offset
        body[start : start + 30] = bytes(30)
    compacted.storage.put(DAY_FILE, bytes(body))
    with pytest.raises(CorruptParquetError, match=rf"feed trades, window .* {DAY.name}"):
        compacted.ids()
    assert compacted.ids(on_error="skip") == originals[2][:200] + originals[2][300:]
    assert DAY.name in caplog.text


def test_a_missing_manifest_of_a_day_is_made_again(compacted, originals):
    """Its file would be an orphan, and its windows would name files that are gone."""
    before = compacted.objects()
    compacted.storage.delete(DAY_MANIFEST)
    assert compacted.findings() == {("manifest_broken", DAY.name, "restore"), ORPHAN}
    assert compacted.ids(on_error="skip") == originals[2]
    assert compacted.run("audit", *RANGE, "--repair").code == 0
    assert compacted.objects() == before


@pytest.mark.parametrize("has_file", [True, False])
def test_a_damaged_manifest_of_a_day_is_made_again(compacted, originals, has_file):
    """From its file and the manifests of its windows; with the file gone, from the JSON."""
    compacted.storage.put(DAY_MANIFEST, b"{}")
    if not has_file:
        compacted.storage.delete(DAY_FILE)
    ended = compacted.run("audit", *RANGE, "--repair")
    assert (ended.code, compacted.findings()) == (0, set())
    assert compacted.ids() == originals[2]
    [kept] = compacted.storage.list("reports")
    assert compacted.storage.read(kept) == b"{}"


def test_a_damaged_manifest_of_a_window_is_made_again(hourly, originals):
    """From its parts; nothing is fetched."""
    key = manifest_key(5)
    whole = json.loads(hourly.storage.read(key) or b"")
    hourly.storage.put(key, b"\0" * 99)
    ended = hourly.run("audit", *RANGE, "--repair")
    assert (ended.code, hourly.findings()) == (0, set())
    assert hourly.ids() == originals[2]
    restored = json.loads(hourly.storage.read(key) or b"")
    assert restored["json"]["parts"] == whole["json"]["parts"]
    assert restored["parquet"] == whole["parquet"]


@pytest.mark.parametrize("is_compacted", [True, False])
def test_without_json_a_manifest_is_made_again_from_the_parquet(
    hourly, compacted, originals, is_compacted
):
    """Of the window, or of the day that holds it."""
    lake = compacted if is_compacted else hourly
    retire_json(lake, 5)
    lake.storage.put(manifest_key(5), b"")
    ended = lake.run("audit", *RANGE, "--repair")
    assert (ended.code, lake.findings()) == (0, set())
    assert lake.ids() == originals[2]
    window = manifest.read(manifest_key(5), storage=lake.storage)
    assert window is not None
    assert window.json.removed


def test_a_damaged_manifest_of_a_window_and_of_its_day_are_made_again(compacted, originals):
    """Each of them is described by the other."""
    compacted.storage.put(manifest_key(5), b"damaged")
    compacted.storage.put(DAY_MANIFEST, b"damaged")
    compacted.run("audit", *RANGE, "--repair")
    assert compacted.findings() == set()
    assert compacted.ids() == originals[2]


@pytest.mark.parametrize("is_compacted", [True, False])
def test_a_smaller_answer_does_not_replace_parquet_whose_manifest_is_damaged(
    hourly, compacted, originals, http_server, is_compacted
):
    """Its JSON was removed: the Parquet is all that is left of the window."""
    lake = compacted if is_compacted else hourly
    retire_json(lake, 5)
    lake.storage.put(manifest_key(5), b"damaged")
    rows = trades.text(
        lake_factory.of_hour(lake_factory.day_of_trades(400), lake_factory.hour(5))
    ).to_pylist()
    http_server.answer("/api/v3/aggTrades", f"[{','.join(rows[:2])}]".encode())
    hour = ("--start", "2026-11-22T05:00Z", "--end", "2026-11-22T06:00Z")
    ended = lake.run("extract", "--slice", "symbol=BTCUSDT", *hour, "--base-url", http_server.url)
    assert ended.code == 4
    assert lake_factory.hour(5).name in ended.err
    lake.run("rebuild", *hour)
    assert lake.run("audit", *RANGE, "--repair").code == 0
    assert lake.ids() == originals[2]
