"""A unit of work becomes parts and a manifest that account for every record, or nothing at all."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ticklake.errors import (
    MalformedPageError,
    SourceRefusedError,
    TicklakeError,
    TimeUnitError,
)
from include.ticklake.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.feed_texts import feed
from tests.support.market import WINDOW, WORK, PagedMarket, trade, trades, trades_feed
from tests.support.servers.http import HttpServer, Reply

NOW_S = 1_795_330_000.5
ONCE = SourceRetryPolicy(max_attempts=1)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.fixture
def market(http_server: HttpServer) -> PagedMarket:
    return PagedMarket(http_server, trades(25))


def run(
    storage: Storage, server: HttpServer, *, of: Feed | None = None, work: Unit = WORK, **options
) -> Manifest:
    options = {"base_url": server.url, "patience": ONCE, "clock": lambda: NOW_S} | options
    return extract.extract(of or trades_feed(), work, storage=storage, **options).manifest


def records(storage: Storage, found: Manifest) -> list[dict]:
    bodies = [storage.read(part.key) or b"" for part in found.json.parts]
    return [record for body in bodies for record in json.loads(gzip.decompress(body))]


def lake(storage: Storage) -> dict[str, bytes]:
    return {key: storage.read(key) or b"" for key in storage.list("")}


# ---- what is left when it went well


def test_every_record_of_the_window_is_staged(storage, market):
    """In the source's order, under the unit's own keys; nothing unfinished stays behind."""
    found = run(storage, market.server)
    assert records(storage, found) == market.rows
    parts = [part.key for part in found.json.parts]
    assert list(storage.list("")) == sorted([*parts, found.key])
    assert all(key.startswith("json/trades/symbol=BTCUSDT/date=2026-11-22/") for key in parts)
    assert manifest.read(found.key, storage=storage) == found


@settings(max_examples=12)
@given(
    before=st.integers(0, 15), inside=st.integers(0, 25), after=st.integers(0, 15),
    page_rows=st.integers(2, 12), part_bytes=st.integers(1, 1_500),
)  # fmt: skip
def test_every_record_is_accounted_for(
    tmp_path_factory, before, inside, after, page_rows, part_bytes
):
    """Every record received is accounted for: staged, outside the window, duplicate or
    quarantined.

    Staged and outside of the window are what was received, whatever the sizes.
    """
    storage = Storage.open(f"file://{tmp_path_factory.mktemp('lake')}", {})
    with HttpServer() as server:
        rows = trades(inside, before=before, after=after)
        market = PagedMarket(server, rows)
        of = trades_feed(page_rows=page_rows, part_bytes=part_bytes)
        found = run(storage, server, of=of)
        staged = found.json
        assert staged.pages == len(server.asked)
    wanted = rows[before : before + inside]
    assert records(storage, found) == wanted
    assert staged.received_rows == staged.rows + staged.out_of_window_rows
    assert staged.rows == inside
    assert staged.duplicate_rows == 0
    assert staged.out_of_window_rows <= market_after(market, wanted)
    for part, bounds in zip(staged.parts, part_bounds(storage, found), strict=True):
        assert (part.rows, part.first_event_ns, part.last_event_ns) == bounds


def market_after(market: PagedMarket, wanted: list[dict]) -> int:
    """How many rows follow the last one that is wanted."""
    return len(market.rows) - (market.rows.index(wanted[-1]) + 1) if wanted else 0


def part_bounds(storage: Storage, found: Manifest):
    for part in found.json.parts:
        times = [row["time"] * 10**6 for row in json.loads(gzip.decompress(storage.read(part.key)))]
        yield len(times), min(times), max(times)


def test_an_empty_window_is_committed_too(storage, http_server):
    """Nothing happened is something to know: a manifest without parts."""
    PagedMarket(http_server, [])
    found = run(storage, http_server)
    assert (found.json.parts, found.json.received_rows, found.json.pages) == ((), 0, 1)
    assert list(storage.list("")) == [found.key]


def test_parts_roll_over_at_the_end_of_a_page(storage, market):
    """The first page that reaches the size is the last one of its part."""
    found = run(storage, market.server, of=trades_feed(page_rows=4, part_bytes=400))
    sizes = [part.json_bytes for part in found.json.parts]
    assert [part.rows for part in found.json.parts] == [8, 8, 8, 1]
    assert all(400 <= size < 400 + 4 * 60 for size in sizes[:-1])


def test_one_part_holds_many_pages(storage, market):
    """Objects are as large as the feed says, not as small as a page."""
    found = run(storage, market.server, of=trades_feed(page_rows=4, part_bytes=100_000))
    assert [part.rows for part in found.json.parts] == [25]


def test_the_same_run_again_gives_the_same_bytes(storage, market):
    """The same run again gives the same bytes at the same keys: no duplicates, nothing orphaned.

    At the same keys, with other pages too; only a manifest's page counts tell them apart.
    """
    run(storage, market.server)
    first = lake(storage)
    run(storage, market.server)
    assert lake(storage) == first
    again = run(storage, market.server, of=trades_feed(page_rows=5, part_bytes=10**6))
    other = run(storage, market.server, of=trades_feed(page_rows=7, part_bytes=10**6))
    assert again.json.parts == other.json.parts


def test_what_has_changed_takes_the_place_of_what_was(storage, market):
    """Parts that are the same stay, others are swapped, none is left that no manifest names."""
    of = trades_feed(page_rows=5, part_bytes=200)
    old = run(storage, market.server, of=of)
    market.rows[-1] |= {"price": "7"}
    new = run(storage, market.server, of=of)
    assert records(storage, new) == market.rows
    assert [one == other for one, other in zip(old.json.parts, new.json.parts, strict=True)] == (
        [True] * (len(old.json.parts) - 1) + [False]
    )
    assert set(storage.list("")) == {new.key, *(part.key for part in new.json.parts)}


class WatchedKeys:
    """Keys that look at the lake before each change."""

    def __init__(self, storage: Storage, look) -> None:
        self._keys, self._look = storage.keys, look

    def move(self, source: str, target: str) -> None:
        self._look()
        self._keys.move(source, target)

    def delete(self, path: str) -> None:
        self._look()
        self._keys.delete(path)


def test_readers_see_the_old_state_or_the_new_one(storage, market):
    """At every step the manifest names parts that are there, with the bytes it says."""
    run(storage, market.server)
    market.rows = trades(31)
    states = []

    def look() -> None:
        [seen] = manifest.read_all("trades", storage=storage)
        states.append(len(records(storage, seen)))
        assert {part.key for part in seen.json.parts} <= set(storage.list("json"))

    watched = Storage(
        storage.root_uri, storage.filesystem, WatchedKeys(storage, look), storage.prefix
    )
    run(watched, market.server)
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
    found = run(storage, http_server, of=snapshot, work=Unit(Slice(), WINDOW))
    assert (found.json.rows, found.json.out_of_window_rows) == (2, 0)
    assert found.json.fetched_at_ms == int(NOW_S * 1000)
    [part] = found.json.parts
    assert (part.first_event_ns, part.last_event_ns) == (1_795_330_000_500_000_000,) * 2
    assert records(storage, found) == [{"id": 1}, {"id": 2, "at": 5}]


def test_a_record_whose_time_cannot_be_read_is_kept(storage, http_server):
    """The converter says why it does not fit; dropping it here would lose it without a word."""
    odd = [{"id": 1, "time": None}, {"id": 2}, {"id": 3, "time": "x"}, [4], "5"]
    PagedMarket(http_server, [trade(9, at_ms=WINDOW.start_ms)])
    rows = [*odd, trade(9, at_ms=WINDOW.start_ms)]
    replies = iter([rows, []])
    http_server.answer_by("/trades", lambda _: Reply(body=json.dumps(next(replies)).encode()))
    of = trades_feed().model_copy(update={"source": feed(source={"path": "/trades"}).source})
    found = run(storage, http_server, of=of)
    assert records(storage, found) == rows
    assert (found.json.rows, found.json.out_of_window_rows) == (6, 0)


def served(server: HttpServer, rows: list[dict], **changes: object) -> Feed:
    """A feed whose one page has *rows*."""
    server.answer("/rows", json.dumps(rows).encode())
    plain = trades_feed()
    at = plain.fields["trade_time"].model_copy(update=changes)
    fields = plain.fields | {"trade_time": at}
    return plain.model_copy(update={"source": feed().source, "fields": fields})


@pytest.mark.parametrize(
    ("declared", "at", "said"),
    [
        pytest.param("ms", WINDOW.start_ms * 1_000, "in us it is 2026-11-22T05:00:00.000000Z",
                     id="us for ms"),
        pytest.param("us", WINDOW.start_ms, "in ms it is 2026-11-22T05:00:00.000000Z",
                     id="ms for us"),
        pytest.param("ns", WINDOW.start_ms // 1_000, "in s it is 2026-11-22T05:00:00.000000Z",
                     id="s for ns"),
        pytest.param("ms", "2026-11-22T05:00:00Z", "as iso it is 2026-11-22T05:00:00.000000Z",
                     id="text for ms"),
    ],
)  # fmt: skip
def test_a_source_that_changes_its_unit_is_an_error(storage, http_server, declared, at, said):
    """Not an empty window: the error says field, value, both units and what to set."""
    of = served(http_server, [{"id": 1, "time": at}], unit=declared)
    with pytest.raises(TimeUnitError) as wrong:
        run(storage, http_server, of=of)
    value = f"feed trades, field trade_time: {at} in {declared}"
    assert str(wrong.value).startswith(f"{value} is not between 2009 and 2100; {said}. ")
    assert "set unit: " in str(wrong.value)
    assert list(manifest.read_all("trades", storage=storage)) == []


def test_a_feed_may_declare_two_units(storage, http_server):
    """Each time is read in the one that leads to a plausible year; the window decides."""
    start_ms = WINDOW.start_ms
    times = [start_ms, start_ms * 1_000 + 1, WINDOW.end_ms * 1_000, start_ms - 1]
    rows = [{"id": n, "time": at} for n, at in enumerate(times)]
    found = run(storage, http_server, of=served(http_server, rows, unit=["ms", "us"]))
    assert records(storage, found) == rows[:2]
    assert found.json.out_of_window_rows == 2
    [part] = found.json.parts
    assert (part.first_event_ns, part.last_event_ns) == (start_ms * 10**6, start_ms * 10**6 + 1_000)


@pytest.mark.parametrize("at", [0, "0", -1, 7, "0001-01-01T00:00:00Z"])
def test_a_time_of_no_year_is_kept_for_the_quarantine(storage, http_server, at):
    """It is of no other window, so nobody else would keep it; and no unit makes it a time."""
    rows = [{"id": 1, "time": at}, {"id": 2, "time": WINDOW.start_ms}]
    found = run(storage, http_server, of=served(http_server, rows))
    assert records(storage, found) == rows
    assert found.json.out_of_window_rows == 0


def test_a_feed_says_which_years_are_plausible(storage, http_server):
    """A record of 1999 is another window's for a feed that goes back so far."""
    rows = [{"id": 1, "time": 915_148_800_000}]
    of = served(http_server, rows)
    assert run(storage, http_server, of=of).json.rows == 1
    older = of.model_copy(update={"plausible_years": [1990, 2100]})
    assert run(storage, http_server, of=older).json.out_of_window_rows == 1


@pytest.mark.parametrize("edge", ["start", "end"])
def test_windows_are_half_open(storage, http_server, edge):
    """A record at the start belongs to the window, one at the end to the next."""
    at_ms = WINDOW.start_ms if edge == "start" else WINDOW.end_ms
    rows = [trade(1, at_ms=WINDOW.start_ms + 1), trade(2, at_ms=at_ms)]
    http_server.answer("/rows", json.dumps(rows).encode())
    of = trades_feed().model_copy(update={"source": feed().source})
    found = run(storage, http_server, of=of)
    assert (found.json.rows, found.json.out_of_window_rows) == (
        (2, 0) if edge == "start" else (1, 1)
    )


# ---- what is left when it did not

BREAKS: Mapping[str, Reply] = {
    "refused": Reply(status=400),
    "failed": Reply(status=500),
    "limited": Reply(status=418, headers={"Retry-After": "999"}),
    "html": Reply(body=b"<html>"),
    "cut": Reply(body=b'[{"id":1020,"time":1', cut_after_bytes=12),
    "truncated": Reply(body=b'[{"id":1020,"time":1}'),
    "not UTF-8": Reply(body=b'[{"id":"\xff"}]'),
    "no array": Reply(body=b'{"rows":[]}'),
}


@pytest.mark.parametrize("part_bytes", [1, 10**6], ids=["a part per page", "one part"])
@pytest.mark.parametrize("earlier", [False, True], ids=["first run", "second run"])
@pytest.mark.parametrize("name", BREAKS)
def test_a_page_that_breaks_commits_nothing(storage, market, name, earlier, part_bytes):
    """What was visible before is all that is visible after, byte for byte."""
    of = trades_feed(part_bytes=part_bytes)
    if earlier:
        run(storage, market.server, of=of)
    before = lake(storage)
    market.rows = trades(30)
    market.hook = lambda asked: BREAKS[name] if asked.params.get("fromId") == "1020" else None
    with pytest.raises(TicklakeError) as wrong:
        run(storage, market.server, of=of)
    assert f"{market.server.url}/trades?symbol=BTCUSDT&limit=10&fromId=1020: " in str(wrong.value)
    after = lake(storage)
    assert {
        key: body for key, body in after.items() if not key.startswith("_incomplete/")
    } == before


def test_a_failed_try_is_gone_on_with(storage, market):
    """The next try asks for the page that broke, and the lake is as if none had."""
    market.hook = lambda asked: BREAKS["failed"] if asked.params.get("fromId") == "1020" else None
    of = trades_feed(part_bytes=1)
    with pytest.raises(TicklakeError):
        run(storage, market.server, of=of)
    market.hook = lambda _: None
    tried = len(market.server.asked)
    found = run(storage, market.server, of=of)
    assert market.asked_from[tried:] == ["1020", "1025"]
    assert records(storage, found) == market.rows
    assert found.json.pages == 4
    whole = lake(storage)
    storage.delete(found.key)
    run(storage, market.server, of=of)
    assert lake(storage) == whole


def test_a_failed_try_without_a_whole_part_begins_anew(storage, market):
    """And what it left unfinished is swept away."""
    market.hook = lambda asked: BREAKS["failed"] if asked.params.get("fromId") == "1020" else None
    with pytest.raises(TicklakeError):
        run(storage, market.server, of=trades_feed(part_bytes=10**6))
    market.hook = lambda _: None
    tried = len(market.server.asked)
    found = run(storage, market.server, of=trades_feed(part_bytes=10**6))
    assert market.asked_from[tried:] == [None, "1010", "1020", "1025"]
    assert set(storage.list("")) == {found.key, found.json.parts[0].key}


def test_a_try_from_another_source_is_not_gone_on_with(storage, market):
    """Half of a unit from the replay and half from the real API would be neither."""
    market.hook = lambda asked: BREAKS["failed"] if asked.params.get("fromId") == "1020" else None
    with pytest.raises(TicklakeError):
        run(storage, market.server, of=trades_feed(part_bytes=1))
    with HttpServer() as other:
        elsewhere = PagedMarket(other, [row | {"price": "1"} for row in trades(25)])
        found = run(storage, other, of=trades_feed(part_bytes=1))
        assert elsewhere.asked_from[0] is None
    assert {record["price"] for record in records(storage, found)} == {"1"}


def test_an_unreadable_manifest_does_not_stand_in_the_way(storage, market):
    """Extracting again is what its message tells people to do."""
    key = layout.manifest_key("trades", WORK.slice, WORK.window)
    storage.put(key, b'{"version": 0}')
    assert run(storage, market.server).json.rows == 25
    assert manifest.read(key, storage=storage) is not None


def test_the_parquet_of_before_is_kept_until_it_is_converted_again(storage, market):
    """The manifest says itself that it is of older parts."""
    first = run(storage, market.server)
    old = manifest.ParquetSection(
        key="parquet/x", rows=25, parquet_bytes=1, sha256="x", row_groups=1, quarantine_key=None,
        quarantined_rows=0, first_event_ns=None, last_event_ns=None, key_range={}, sorted=True,
        parts_digest=first.json.digest,
    )  # fmt: skip
    manifest.write(first.converted(old), storage=storage)
    assert run(storage, market.server).is_current
    market.rows = trades(26)
    again = run(storage, market.server)
    assert again.parquet == old
    assert not again.is_current


def test_an_error_leaves_no_thread_and_no_stream_behind(storage, market):
    """A process whose extraction failed can end."""
    market.hook = lambda asked: BREAKS["html"] if asked.params.get("fromId") == "1020" else None
    ours = threading.active_count()
    with pytest.raises(MalformedPageError):
        run(storage, market.server, of=trades_feed(part_bytes=10**6))
    [key] = storage.list("")
    assert key.startswith("_incomplete/json/trades/")
    assert threading.active_count() <= ours + 1  # the test's own server


def test_what_is_told_of_a_run_names_counts_and_no_records(storage, market, caplog):
    """One line at the end, and a summary for XCom of addresses and counts."""
    caplog.set_level(logging.INFO)
    of, url = trades_feed(part_bytes=10**6), market.server.url
    done = extract.extract(of, WORK, storage=storage, base_url=url, patience=ONCE)
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
        run(storage, http_server)
    assert list(storage.list("")) == []
