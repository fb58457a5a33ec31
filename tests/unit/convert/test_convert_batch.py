"""Windows of several feeds are converted in one batch; what they share is read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert_batch import converted
from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.model.batch_results import batch_results
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range
from tests.support.staged_factory import UNIT, WINDOW, feed, record, stage

FEEDS = {name: feed(name=name) for name in ("one", "two")}


class CountedReads:
    """A store that counts the objects that are read whole, by their first folder."""

    def __init__(self, store, reads: Counter[str]) -> None:
        self._store, self._reads = store, reads

    def __getattr__(self, name):
        return getattr(self._store, name)

    def read_versioned(self, key):
        self._reads[key.partition("/")[0]] += 1
        return self._store.read_versioned(key)


def staged_windows(storage: Storage, count: int) -> Iterator[str]:
    """The manifests of *count* windows of each feed."""
    end = WINDOW.start + timedelta(hours=count)
    for window in split_range(WINDOW.start, end, length=timedelta(hours=1)):
        for of in FEEDS.values():
            unit = Unit(UNIT.slice, window)
            text = record(1, at_ms=window.start_ms)
            yield stage(of, [[text] * 3], storage=storage, unit=unit).key


@pytest.mark.parametrize("units_at_once", [1, 5])
def test_each_feed_s_record_is_read_once(tmp_path, units_at_once):
    """A window takes one more object that is read whole: its manifest."""
    storage, reads = Storage.open(f"file://{tmp_path}/lake", {}), Counter()
    keys = list(staged_windows(storage, 6))
    loads: list[str] = []
    with converted(
        keys,
        load=lambda name: loads.append(name) or FEEDS[name],
        storage=Storage(storage.root_uri, CountedReads(storage.store, reads)),
        budget=budget_for(128 * 2**20),
        units_at_once=units_at_once,
    ) as tasks:
        results = list(batch_results(tasks, FailedUnits()))
    assert [key for key, _ in results] == keys
    assert all(result.manifest.is_current for _, result in results)
    assert sorted(loads) == ["one", "two"]
    assert reads == {"manifests": 12, "schemas": 2}


def test_a_manifest_that_is_not_there_ends_the_batch(tmp_path):
    """As it does where one is converted after the other; those before it are reported."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    keys = list(staged_windows(storage, 2))
    missing = layout.manifest_key(
        "one", UNIT.slice, Window.parse("20261123T050000Z-20261123T060000Z")
    )
    done: list[str] = []
    with (
        pytest.raises(UsageError, match="there is no such manifest"),
        converted(
            [*keys, missing],
            load=FEEDS.__getitem__,
            storage=storage,
            budget=budget_for(128 * 2**20),
            units_at_once=3,
        ) as tasks,
    ):
        done.extend(key for key, _ in batch_results(tasks, FailedUnits()))
    assert done == keys
