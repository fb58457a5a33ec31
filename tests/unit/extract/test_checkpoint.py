"""An attempt that died is resumed, unless it fetched something else."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from msgspec.structs import replace

from include.ticklake.extract import checkpoint
from include.ticklake.extract.checkpoint import Checkpoint, SavedCheckpoints
from include.ticklake.extract.dedup import OverlapState
from include.ticklake.extract.part_writer import StagedPart
from include.ticklake.lake.manifest import Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.feed_texts import feed

WORK = Unit(Slice(), Window.parse("20261122T050000Z-20261122T060000Z"))
NOW_MS = 1_795_327_200_000
HOUR_MS = 3_600_000
FEED = feed()
KEY = f"_incomplete/json/small/date=2026-11-22/{WORK.window.name}/progress.json"


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def start(
    storage: Storage, *, of=FEED, base_url: str | None = None, now_ms: int = NOW_MS
) -> Checkpoint:
    return load(storage, of=of, base_url=base_url, now_ms=now_ms)[0]


def load(
    storage: Storage, *, of=FEED, base_url: str | None = None, now_ms: int = NOW_MS
) -> tuple[Checkpoint, bool]:
    return checkpoint.load_or_start(
        of,
        WORK,
        digest=checkpoint.digest_of(of, base_url=base_url),
        now_ms=now_ms,
        storage=storage,
        saved_checkpoints=SavedCheckpoints(of, storage=storage),
    )


def part(name: str) -> StagedPart:
    described = Part(
        key=f"json/small/{name}",
        rows=1,
        json_bytes=2,
        gzip_bytes=3,
        sha256="ab",
        first_event_ns=None,
        last_event_ns=5,
    )
    return StagedPart(temporary_key=f"_incomplete/json/small/{name}", part=described)


def saved(storage: Storage, *, written=("one", "two")) -> Checkpoint:
    """The checkpoint of an attempt that is half done."""
    parts = tuple(part(name) for name in written)
    for staged in parts:
        storage.put(staged.temporary_key, b"")
    at = replace(
        start(storage),
        cursor="17",
        received_rows=30,
        out_of_window_rows=4,
        duplicate_rows=1,
        pages=3,
        page_bytes=999,
        lost_range=(1, 2),
        parts=parts,
        overlap=OverlapState(recent=("a", "b"), edges=("5:a",)),
        new_fields=("venue",),
    )
    checkpoint.save(at, FEED, WORK, storage=storage)
    return at


def test_the_first_try_begins_at_the_beginning(storage):
    """Nothing counted, nothing written, the time of now."""
    fresh = start(storage)
    assert (fresh.cursor, fresh.parts) == (None, ())
    assert fresh.fetched_at_ms == NOW_MS


def test_an_attempt_that_died_is_resumed(storage):
    """With its cursor, its parts, its counts and the time of its own beginning."""
    died = saved(storage)
    assert start(storage, now_ms=NOW_MS + HOUR_MS) == died


def test_parts_may_have_been_moved_already(storage):
    """A kill in the middle of publishing leaves some here and some there."""
    died = saved(storage)
    staged, _ = died.parts
    storage.move(staged.temporary_key, staged.part.key)
    assert start(storage) == died


@pytest.mark.parametrize(
    "now",
    [
        pytest.param({"of": feed(part_bytes="1MiB")}, id="another description"),
        pytest.param({"base_url": "http://127.0.0.1:8900"}, id="another address"),
        pytest.param({"now_ms": NOW_MS + 6 * HOUR_MS + 1}, id="too long ago"),
    ],
)
def test_what_was_fetched_for_something_else_is_not_resumed(storage, now):
    """Half a unit of the replay and half of the real API would be neither."""
    saved(storage)
    fresh = start(storage, **now)
    assert (fresh.cursor, fresh.parts, fresh.received_rows) == (None, (), 0)


def test_six_hours_are_not_too_long_ago(storage):
    """As the feed says by limits.resume_within."""
    died = saved(storage)
    assert start(storage, now_ms=NOW_MS + 6 * HOUR_MS) == died


@pytest.mark.parametrize("gone", [0, 1])
def test_an_attempt_whose_parts_are_gone_is_not_resumed(storage, gone):
    """Somebody cleaned up in between."""
    died = saved(storage)
    storage.delete(died.parts[gone].temporary_key)
    assert start(storage).parts == ()


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b"5", b"{}", b'{"parts":5}', b'{"parts":[{}]}',
     b'{"feed_digest":"x","parts":[],"x":1}', b'{"parts":[],"feed_digest":"x"',
     b'{"feed_digest":"x","parts":[],"lost_range":5,"overlap":{}}'],
)  # fmt: skip
def test_what_is_not_a_checkpoint_is_ignored(storage, body):
    """Of another version, or cut off by a kill."""
    saved(storage)
    storage.put(KEY, body)
    assert start(storage).cursor is None


def test_progress_is_kept_among_the_unfinished(storage):
    """Where no reader looks."""
    saved(storage, written=())
    assert list(storage.list("")) == [KEY]


def test_counts_are_added():
    """Page by page."""
    at = Checkpoint(feed_digest="x", pages=1).plus(pages=2, received_rows=5)
    assert (at.pages, at.received_rows, at.out_of_window_rows) == (3, 5, 0)


def test_a_forgotten_checkpoint_is_not_resumed(storage):
    """Before a commit: or the next attempt would commit the same again, and ask nobody."""
    saved(storage, written=())
    assert load(storage)[1] is True
    checkpoint.forget(FEED, WORK, storage=storage)
    assert load(storage) == (
        Checkpoint(feed_digest=start(storage).feed_digest, fetched_at_ms=NOW_MS),
        False,
    )


def test_a_complete_attempt_of_an_older_version_is_not_resumed(storage):
    """It may have been committed long ago: the source is asked again."""
    died = saved(storage)
    body = storage.read(KEY)
    storage.put(KEY, body.replace(b'{"feed_digest"', b'{"complete":true,"feed_digest"'))
    assert start(storage) != died


def test_a_batch_asks_for_a_list_once_where_it_has_many_units(storage):
    """What the list has is found as by a request of its own; nobody asks for what it lacks."""
    key = "_incomplete/json/small/date=2026-11-22/20261122T120000Z-20261122T130000Z/progress.json"
    storage.put(key, b"{}")
    units = [
        Unit(Slice(), Window(start, start + timedelta(hours=1)))
        for start in (WORK.window.start + timedelta(hours=hour) for hour in range(15))
    ]
    counts: Counter[str] = Counter()
    listed = SavedCheckpoints(FEED, storage=replace_store(storage, counts))
    bodies = {unit.window.name: listed.read(unit) for unit in units}
    assert {name for name, body in bodies.items() if body} == {"20261122T120000Z-20261122T130000Z"}
    assert counts == {"read": 12, "infos": 1}
    listed.read(units[7])
    assert counts == {"read": 13, "infos": 1}


def replace_store(storage: Storage, counts: Counter[str]) -> Storage:
    class CountedCalls:
        def __getattr__(self, name):
            counts[name] += 1
            return getattr(storage.store, name)

    return Storage(storage.root_uri, CountedCalls())
