"""The feed's record: replaced only as it was read, and what every command looks at first."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from include.ticklake.errors import RetryableError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record, layout
from include.ticklake.lake.feed_record import FeedRecord
from include.ticklake.lake.grid import Grid, Regridding
from include.ticklake.lake.storage import Storage
from tests.support import lake_factory, staged_factory
from tests.support.memory_storage import memory_storage

HOURLY = staged_factory.feed()
DAILY = staged_factory.feed(window="1d")
KEY = "schemas/made_up.json"


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def created(storage: Storage, feed: Feed = HOURLY) -> FeedRecord:
    """The record after the first extraction of *feed*."""
    stored = feed_record.check_before_extract(feed, storage=storage)
    return feed_record.create(stored, feed, storage=storage).record


def bucket(*, has_conditions: bool) -> tuple[Storage, Counter[str]]:
    """A lake in a bucket of which nobody knows yet what it can, and its requests by kind."""
    inner = memory_storage(has_conditions=has_conditions)
    inner.store.has_conditions = None
    requests: Counter[str] = Counter()
    return replace(inner, store=CountedRequests(inner.store, requests)), requests


class CountedRequests:
    """The operations of *store*, each counted by its name."""

    def __init__(self, store: Any, requests: Counter[str]) -> None:
        self._store, self._requests = store, requests
        self.has_conditions: bool | None = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            self._requests[name] += 1
        return found


def test_the_first_extraction_records_the_grid_and_the_columns(storage):
    """The columns are those that the first conversion will write: it then need not write them."""
    record = created(storage)
    assert record.grid == Grid(window_s=3600, slices=("symbol",))
    assert list(record.versions[0]) == ["number", "price", "note", "at"]
    assert feed_record.read("made_up", storage=storage).record == record


def test_nothing_is_stored_before_there_is_a_unit(storage):
    """Looking is not writing: also where the extraction fails afterwards."""
    assert feed_record.check_before_extract(HOURLY, storage=storage).is_new
    feed_record.check(HOURLY, storage=storage)
    assert list(storage.list("")) == []


@pytest.mark.parametrize(
    "look",
    [
        feed_record.check,
        feed_record.check_before_extract,
        feed_record.check_before_convert,
    ],
)
@pytest.mark.parametrize("is_recorded", [True, False], ids=["recorded", "of an older version"])
def test_another_grid_is_refused_with_the_command_that_helps(storage, look, is_recorded):
    """Also in a lake that has no record yet: the first window says how it was cut."""
    if is_recorded:
        created(storage)
    else:
        key = layout.manifest_key("made_up", lake_factory.BTC, lake_factory.hour(3))
        storage.put(key, b"{}")
    with pytest.raises(UsageError, match=r"says windows of 1d, the lake has windows of 1h.*"
                       r"`regrid made_up`"):  # fmt: skip
        look(DAILY, storage=storage)
    look(HOURLY, storage=storage)


@pytest.mark.parametrize(
    ("slices", "command"),
    [
        ({"pair": ["BTCUSDT"]}, "`regrid made_up --renamed symbol=pair`"),
        ({"symbol": ["BTCUSDT"], "side": ["bid"]}, "`regrid made_up --value side=VALUE`"),
        ({}, "`regrid made_up`"),
    ],
    ids=["another name", "one more", "one less"],
)
def test_other_names_of_slices_are_refused(storage, slices, command):
    """With the command as far as it is clear."""
    created(storage)
    source = staged_factory.SOURCE | {"path": "/trades/" + "/".join(f"{{{n}}}" for n in slices)}
    other = staged_factory.feed(slices=slices, source=source)
    with pytest.raises(UsageError) as refused:
        feed_record.check(other, storage=storage)
    assert command in str(refused.value)


def test_other_values_of_slices_are_no_change(storage):
    """Symbols come and go."""
    created(storage)
    feed_record.check(staged_factory.feed(slices={"symbol": ["ETHUSDT"]}), storage=storage)


def test_nothing_is_done_while_a_feed_is_cut_again(storage):
    """What was staged meanwhile would be missed."""
    created(storage)
    feed_record.read("made_up", storage=storage).update(
        lambda record: msgspec.structs.replace(record, regridding=Regridding(to=Grid.of(DAILY))),
        storage=storage,
    )
    for feed in (HOURLY, DAILY):
        with pytest.raises(UsageError, match=r"being cut again.*`regrid made_up`"):
            feed_record.check(feed, storage=storage)


@pytest.mark.parametrize("has_conditions", [True, False], ids=["honours", "ignores"])
def test_what_a_bucket_can_is_found_out_once(has_conditions, caplog):
    """The first extraction leaves it to the second; from then on the record says it."""
    storage, requests = bucket(has_conditions=has_conditions)
    created(storage)
    assert requests == {"read_versioned": 1, "put_if": 1}
    storage.store.has_conditions = None
    feed_record.check_before_extract(HOURLY, storage=storage)
    assert storage.store.has_conditions is has_conditions
    assert ("storage.no_conditions" in caplog.text) is not has_conditions
    storage.store.has_conditions = None
    requests.clear()
    record = feed_record.check_before_extract(HOURLY, storage=storage).record
    assert record.conditions == {"memory": has_conditions}
    assert storage.store.has_conditions is has_conditions
    assert requests == {"read_versioned": 1}


def test_a_conversion_leaves_what_it_finds_out_to_who_writes_next():
    """Which saves it a request: the look itself is one."""
    storage, requests = bucket(has_conditions=True)
    created(storage)
    requests.clear()
    stored = feed_record.check_before_convert(HOURLY, storage=storage)
    assert requests == {"read_versioned": 1, "put_if": 1}
    assert storage.store.has_conditions is True
    assert stored.record.conditions == {"memory": True}
    assert feed_record.read("made_up", storage=storage).record.conditions == {}


def test_two_processes_that_add_to_it_at_once_both_do(storage):
    """Whoever loses the race reads again and adds to what is there by then."""
    created(storage)
    first = second = feed_record.read("made_up", storage=storage)
    for stored, name in ((first, "a"), (second, "b")):
        stored.update(
            lambda record, name=name: msgspec.structs.replace(
                record, conditions=record.conditions | {name: True}
            ),
            storage=storage,
        )
    record = feed_record.read("made_up", storage=storage).record
    assert record.conditions == {"a": True, "b": True}


def test_a_race_that_is_always_lost_is_to_be_tried_again(storage):
    """It ends."""
    created(storage)

    def changed(record: FeedRecord) -> FeedRecord:
        body = json.dumps({**json.loads(storage.read(KEY)), "conditions": {str(len(seen)): True}})
        storage.put(KEY, body.encode())
        seen.append(record)
        return msgspec.structs.replace(record, grid=None)

    seen: list[FeedRecord] = []
    with pytest.raises(RetryableError, match=r"schemas/made_up.json: other processes"):
        feed_record.read("made_up", storage=storage).update(changed, storage=storage)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"feed": "other"},
        {"versions": 5},
        {"grid": {"window_s": 0, "slices": []}},
        {"grid": {"window_s": "x", "slices": []}},
        {"conditions": {"a": "yes"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_damaged_record_is_an_error_with_its_address(storage, change):
    """It is not taken for a lake that has none."""
    created(storage)
    storage.put(KEY, json.dumps({**json.loads(storage.read(KEY)), **change}).encode())
    with pytest.raises(UsageError, match=r"schemas/made_up.json is not a feed's history"):
        feed_record.check(HOURLY, storage=storage)


def test_what_a_later_version_adds_is_no_error(storage):
    created(storage)
    storage.put(KEY, json.dumps({**json.loads(storage.read(KEY)), "more": 1}).encode())
    feed_record.check(HOURLY, storage=storage)
