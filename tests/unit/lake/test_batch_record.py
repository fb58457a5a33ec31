"""A feed's record is read once a batch, and stored once, however many units ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake import batch_record, layout
from include.ticklake.lake.batch_record import KeptValue, RecordToExtract
from include.ticklake.lake.storage import Storage
from tests.support.feed_texts import feed

FEED = feed()


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_a_value_is_read_again_where_it_is_old_or_asked_for():
    """And again for the next one where reading failed."""
    now_s, reads, errors = [0.0], [], []

    def read() -> int:
        reads.append(now_s[0])
        if errors:
            raise errors.pop()
        return len(reads)

    kept = KeptValue(read=read, clock=lambda: now_s[0])
    assert [kept.get(), kept.get()] == [1, 1]
    assert kept.get(again=True) == 2
    now_s[0] += batch_record.READ_AGAIN_S
    errors.append(UsageError("is being cut again"))
    with pytest.raises(UsageError):
        kept.get()
    assert kept.get() == 4


def test_a_new_record_is_stored_by_one_of_many_threads(storage):
    """None of them loses a race against another; the batch still knows that it was new."""
    record, together = RecordToExtract(FEED, storage=storage), threading.Barrier(8)
    puts = []
    real = storage.store.put_if
    storage.store.put_if = lambda *args, **options: puts.append(args) or real(*args, **options)

    def unit(_: int) -> None:
        record.check()
        together.wait(30)
        record.create()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(unit, range(8)))
    assert len(puts) == 1
    assert storage.exists(layout.schema_key("small"))
    assert record.was_new
    assert not _later(storage).was_new


def test_another_grid_is_refused(storage):
    """As for a single unit."""
    _later(storage).create()
    other = RecordToExtract(feed(window="15m"), storage=storage)
    with pytest.raises(UsageError, match="its file says windows of 15m"):
        other.check()


def _later(storage: Storage) -> RecordToExtract:
    record = RecordToExtract(FEED, storage=storage)
    record.check()
    return record
