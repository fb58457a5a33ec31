"""A unit of work becomes parts and a manifest that account for every record, or nothing at all."""

from __future__ import annotations

import json
import logging

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.extract import extract
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from tests.support import manifests
from tests.support.feed_texts import feed
from tests.support.servers.http import HttpServer
from tests.support.stepping_store import CHANGES, SteppingStore
from tests.support.trades_api import (
    NO_RETRIES,
    NOW_S,
    UNIT,
    WINDOW,
    TradesApi,
    extract_trades,
    objects,
    staged_records,
    trades,
    trades_feed,
)

RECORD = "schemas/trades.json"


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.fixture
def api(http_server: HttpServer) -> TradesApi:
    return TradesApi(http_server, trades(25))


def test_every_record_of_the_window_is_staged(storage, api):
    """In the source's order, under the unit's own keys; nothing unfinished stays behind."""
    committed = extract_trades(storage, api.server)
    assert staged_records(storage, committed) == api.rows
    parts = [part.key for part in committed.json.parts]
    assert list(storage.list("")) == sorted([*parts, committed.key, RECORD])
    assert all(key.startswith("json/trades/symbol=BTCUSDT/date=2026-11-22/") for key in parts)
    assert manifest.read(committed.key, storage=storage) == committed


def test_an_empty_window_is_committed_too(storage, http_server):
    """Nothing happened is something to know: a manifest without parts."""
    TradesApi(http_server, [])
    committed = extract_trades(storage, http_server)
    assert (committed.json.parts, committed.json.received_rows, committed.json.pages) == ((), 0, 1)
    assert list(storage.list("")) == [committed.key, RECORD]


def test_parts_roll_over_at_the_end_of_a_page(storage, api):
    """The first page that reaches the size is the last one of its part."""
    committed = extract_trades(storage, api.server, of=trades_feed(page_rows=4, part_bytes=400))
    sizes = [part.json_bytes for part in committed.json.parts]
    assert [part.rows for part in committed.json.parts] == [8, 8, 8, 1]
    assert all(400 <= size < 400 + 4 * 60 for size in sizes[:-1])


def test_one_part_holds_many_pages(storage, api):
    """Objects are as large as the feed says, not as small as a page."""
    committed = extract_trades(storage, api.server, of=trades_feed(page_rows=4, part_bytes=100_000))
    assert [part.rows for part in committed.json.parts] == [25]


def test_the_same_run_again_gives_the_same_bytes(storage, api):
    """The same run again gives the same bytes at the same keys: no duplicates, nothing orphaned.

    At the same keys, with other pages too; only a manifest's page counts tell them apart.
    """
    extract_trades(storage, api.server)
    first = objects(storage)
    extract_trades(storage, api.server)
    assert objects(storage) == first
    again = extract_trades(storage, api.server, of=trades_feed(page_rows=5, part_bytes=10**6))
    other = extract_trades(storage, api.server, of=trades_feed(page_rows=7, part_bytes=10**6))
    assert again.json.parts == other.json.parts


def test_what_has_changed_supersedes_what_was(storage, api):
    """Parts that are the same stay, others get new numbers; the set before stays in the lake."""
    of = trades_feed(page_rows=5, part_bytes=200)
    old = extract_trades(storage, api.server, of=of)
    before = objects(storage)
    api.rows[-1] |= {"price": "7"}
    new = extract_trades(storage, api.server, of=of)
    assert staged_records(storage, new) == api.rows
    assert [one == other for one, other in zip(old.json.parts, new.json.parts, strict=True)] == (
        [True] * (len(old.json.parts) - 1) + [False]
    )
    [superseded] = new.superseded
    assert (superseded.json, superseded.superseded_at_ms) == (old.json, int(NOW_S * 1000))
    assert (old.json.number, new.json.number, new.next_part) == (1, 2, 2 * len(new.json.parts))
    mark = layout.superseded_key("trades", UNIT.slice, UNIT.window)
    assert set(storage.list("")) == {*before, new.json.parts[-1].key, mark}


def test_readers_see_the_old_state_or_the_new_one(storage, api):
    """At every step the manifest names parts that are there, with the bytes it says."""
    extract_trades(storage, api.server)
    api.rows = trades(31)
    states = []

    def look() -> None:
        [seen] = manifest.read_all("trades", storage=storage)
        states.append(len(staged_records(storage, seen)))
        assert {part.key for part in seen.json.parts} <= set(storage.list("json"))

    watched = Storage(storage.root_uri, SteppingStore(storage.store, look, CHANGES))
    extract_trades(watched, api.server)
    assert states == sorted(states)
    assert set(states) == {25, 31}


def test_a_snapshot_is_of_the_moment_of_fetching(storage, http_server):
    """Nothing of it is outside of any window; the manifest keeps the moment."""
    snapshot = feed(
        snapshot=True,
        fields={
            "id": {"type": "int64", "key": True},
            "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True},
        },
    )
    http_server.answer("/rows", b'[{"id":1},{"id":2,"at":5}]')
    committed = extract_trades(storage, http_server, of=snapshot, unit=Unit(Slice(), WINDOW))
    assert (committed.json.rows, committed.json.out_of_window_rows) == (2, 0)
    assert committed.json.fetched_at_ms == int(NOW_S * 1000)
    [part] = committed.json.parts
    assert (part.first_event_ns, part.last_event_ns) == (1_795_330_000_500_000_000,) * 2
    assert staged_records(storage, committed) == [{"id": 1}, {"id": 2, "at": 5}]


def test_an_unreadable_manifest_does_not_stand_in_the_way(storage, api):
    """Extracting again is what its message tells people to do."""
    key = layout.manifest_key("trades", UNIT.slice, UNIT.window)
    storage.put(key, b'{"version": 0}')
    assert extract_trades(storage, api.server).json.rows == 25
    assert manifest.read(key, storage=storage) is not None


def test_the_parquet_of_before_is_kept_until_it_is_converted_again(storage, api):
    """The manifest says itself that it is of older parts."""
    first = extract_trades(storage, api.server)
    old = manifest.ParquetSection(
        key=layout.parquet_key("trades", UNIT.slice, UNIT.window), rows=25, parquet_bytes=1,
        sha256="ab" * 32, row_groups=1, quarantine_key=None, quarantined_rows=0,
        first_event_ns=1, last_event_ns=2, key_range={}, sorted=True,
        parts_digest=first.json.digest,
    )  # fmt: skip
    manifests.put(first.converted(old), storage=storage)
    assert extract_trades(storage, api.server).is_current
    api.rows = trades(26)
    again = extract_trades(storage, api.server)
    assert again.parquet == old
    assert not again.is_current


def test_what_is_told_of_a_run_names_counts_and_no_records(storage, api, caplog):
    """One line at the end, and a summary for XCom of addresses and counts."""
    caplog.set_level(logging.INFO)
    of, url = trades_feed(part_bytes=10**6), api.server.url
    done = extract.extract(of, UNIT, storage=storage, base_url=url, patience=NO_RETRIES)
    summary = done.summary()
    assert (
        summary.items() >= {"pages": 4, "received_rows": 25, "rows": 25, "outside_rows": 0}.items()
    )
    assert summary["manifest"] == storage.uri(done.manifest.key)
    assert summary["json_bytes"] == done.manifest.json.parts[0].gzip_bytes
    assert json.loads(json.dumps(summary)) == summary
    assert (
        "extract.done feed=trades slice=symbol=BTCUSDT window=20261122T050000Z-20261122T060000Z "
        "pages=4 received=25 staged=25 outside=0"
    ) in caplog.text
    assert "00000000" not in caplog.text


def test_a_refusal_is_told_as_one(storage, http_server):
    """A bad symbol does not come back as a broken page."""
    http_server.answer("/trades", b'{"code":-1121,"msg":"Invalid symbol."}', status=400)
    with pytest.raises(SourceRefusedError, match=r"HTTP 400 \(Invalid symbol\.\)"):
        extract_trades(storage, http_server)
    assert list(storage.list("")) == []
