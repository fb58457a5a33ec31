"""A unit is staged from the parts of others: every record once, however often that is done."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT
from include.ticklake.lake import layout, manifest, unfinished
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.recut import Recut, TimedRecord, lacking
from include.ticklake.model.record import Record
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support import staged_factory
from tests.support.lake_factory import BTC, DAY, hour
from tests.support.memory_storage import memory_storage

HOURLY = staged_factory.feed()
DAILY = staged_factory.feed(window="1d")
HOURS = [hour(number) for number in range(24)]


@pytest.fixture
def storage() -> Storage:
    return memory_storage()


def source(storage: Storage, window: Window, *numbers: int, of: Feed = HOURLY) -> Manifest:
    """A unit with a record for each of *numbers*, a second after the other."""
    lines = [
        staged_factory.record(number, at_ms=window.start_ms + at * 1000)
        for at, number in enumerate(numbers)
    ]
    parts = [lines] if lines else []
    return staged_factory.stage(of, parts, storage=storage, unit=Unit(BTC, window))


def recut(storage: Storage, sources: list[Manifest], **more: Any) -> Recut:
    """The day of *sources*."""
    call = {"feed": DAILY, "unit": Unit(BTC, DAY), "covers_all": True} | more
    return Recut(sources=sources, storage=storage, **call)


def numbers(made: Manifest, storage: Storage) -> list[int]:
    """What is in the parts."""
    bodies = [gzip.decompress(storage.read(part.key) or b"") for part in made.json.parts]
    return [row["n"] for body in bodies for row in json.loads(body)]


def test_all_records_are_in_one_unit_and_accounted_for(storage):
    """In the order of time, from as few parts as the feed says."""
    job = recut(storage, [source(storage, HOURS[3], 1, 2), source(storage, HOURS[5], 3)])
    made = job.run()
    assert numbers(made, storage) == [1, 2, 3]
    assert len(made.json.parts) == 1
    assert (made.json.received_rows, made.json.rows, made.json.duplicate_rows) == (3, 3, 0)
    assert sorted(job.routed.values()) == [1, 2]
    assert manifest.read(made.key, storage=storage) == made


def test_done_again_it_changes_nothing(storage):
    sources = [source(storage, HOURS[3], 1, 2)]
    made = recut(storage, sources).run()
    before = {key: storage.read(key) for key in storage.list("")}
    assert recut(storage, sources).run() == made
    assert {key: storage.read(key) for key in storage.list("")} == before


def test_what_comes_later_is_added_beside_what_is_there(storage):
    """Under a number that no part had; what is there already counts as a duplicate."""
    first = source(storage, HOURS[3], 1, 2)
    recut(storage, [first]).run()
    made = recut(storage, [first, source(storage, HOURS[5], 3)]).run()
    assert numbers(made, storage) == [1, 2, 3]
    assert (made.json.received_rows, made.json.duplicate_rows) == (5, 2)
    assert [f".part-{n:05d}." in part.key for n, part in enumerate(made.json.parts)] == [True] * 2


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_records_come_in_the_order_of_the_source(storage, order):
    """Newest first, where the feed's pages are."""
    feed = staged_factory.feed(window="1d", order=order)
    sources = [source(storage, HOURS[3], 1), source(storage, HOURS[5], 2)]
    made = recut(storage, sources, feed=feed).run()
    assert numbers(made, storage) == ([1, 2] if order == "ascending" else [2, 1])


def test_a_unit_gets_the_records_of_its_window_only(storage):
    """A record without a time goes to the unit with the start of the window that had it."""
    lines = [
        '{"n":1,"t":"soon"}',
        *(staged_factory.record(n, at_ms=hour(n).start_ms) for n in (2, 3, 4)),
    ]
    day = staged_factory.stage(DAILY, [lines], storage=storage, unit=Unit(BTC, DAY))
    found = {
        number: numbers(
            recut(storage, [day], feed=HOURLY, unit=Unit(BTC, HOURS[number])).run(), storage
        )
        for number in (0, 2, 3, 5)
    }
    assert found == {0: [1], 2: [2], 3: [3], 5: []}


def test_what_was_not_fetched_as_a_whole_is_unfinished(storage):
    """Until the unit is over; a mark lets the next run find it."""
    made = recut(storage, [source(storage, HOURS[3], 1)], covers_all=False).run()
    assert made.json.unfinished_until_ms == DAY.end_ms
    due = unfinished.due_units(DAILY, now=DAY.end + timedelta(hours=1), storage=storage)
    assert list(due) == [Unit(BTC, DAY)]


def test_snapshots_keep_their_moments(storage):
    """A part of each, as it was, with the time that it was fetched."""
    fields = {
        "number": {"from": "n", "type": "int64"},
        "at": {"from": FETCHED_AT, "type": "timestamp", "event_time": True},
    }
    daily = staged_factory.feed(fields, window="1d", snapshot=True)
    moments = [hour(n).end_ms + 1000 for n in (3, 4)]
    sources = [
        staged_factory.stage(
            staged_factory.feed(fields, snapshot=True), [['{"n":7}']], storage=storage,
            unit=Unit(BTC, hour(n)), fetched_at_ms=at_ms,
        )
        for n, at_ms in zip((3, 4), moments, strict=True)
    ]  # fmt: skip
    for _ in range(2):
        made = recut(storage, sources, feed=daily).run()
        assert [part.fetched_at_ms for part in made.json.parts] == moments
        assert numbers(made, storage) == [7, 7]


def test_a_damaged_part_is_an_error_with_what_to_do(storage):
    """Nothing is committed."""
    made = source(storage, HOURS[3], 1)
    storage.put(made.json.parts[0].key, b"damaged")
    with pytest.raises(CorruptPartError, match="readers still see the old windows"):
        recut(storage, [made]).run()
    assert manifest.read(layout.manifest_key("made_up", BTC, DAY), storage=storage) is None


@pytest.mark.parametrize("held", [1, 2, 100])
def test_what_is_lacking_is_found_with_a_bounded_memory(held):
    """A record that comes twice in the new and once in the old is lacking once."""

    def timed(*texts: str) -> list[TimedRecord]:
        return [(Record(f'{{"s":"{text}"}}'.encode()), 5) for text in texts]

    feed = staged_factory.feed(
        {"note": {"from": "s", "type": "string"}, "at": staged_factory.FIELDS["at"]}
    )
    old, new = timed("a", "b", "c"), timed("a", "a", "d", "b", "e")
    found = lacking(feed, lambda: old, lambda: new, old_rows=len(old), held=held)
    assert Counter(bytes(record) for record, _ in found) == Counter(
        [b'{"s":"a"}', b'{"s":"d"}', b'{"s":"e"}']
    )


def test_numbers_of_sets_are_not_used_twice(storage):
    """A manifest that was emptied before names what it had, and is filled again."""
    made = recut(storage, [source(storage, HOURS[3], 1)]).run()
    assert made.json.number == 1
    added = recut(storage, [source(storage, HOURS[5], 2)]).run()
    assert added.json.number == 2
    assert replace(added.json, parts=()).rows == 0
