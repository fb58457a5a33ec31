"""Windows of a batch, converted side by side under one memory limit: they wait for the storage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from include.ticklake.convert.batch import ConversionRoom, ConvertBatch
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.convert import ConvertResult, convert_window
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.usage import use_frugal_allocators
from include.ticklake.model.failed_units import ends_batch
from include.ticklake.model.side_by_side import SideBySide
from include.ticklake.model.stop_signal import StopSignal


@contextmanager
def converted(
    manifest_keys: Iterable[str],
    *,
    load: Callable[[str], Feed],
    storage: Storage,
    budget: Budget,
    units_at_once: int,
    largest: LargestRecordReporter | None = None,
) -> Iterator[SideBySide[str, ConvertResult]]:
    """The tasks that ``convert_window`` each of *manifest_keys*, of any feeds that *load* knows.

    Those that still run end with the block.
    """
    use_frugal_allocators()
    stop = StopSignal()
    room = ConversionRoom(budget, units_at_once=units_at_once)
    batches: dict[str, tuple[Feed, ConvertBatch]] = {}
    lock = threading.Lock()

    def batch_of(name: str) -> tuple[Feed, ConvertBatch]:
        with lock:  # a feed of thousands of slices takes a while to load
            if name not in batches:
                feed = load(name)
                batch = ConvertBatch(feed, storage=storage, room=room, stop=stop)
                batches[name] = feed, batch
            return batches[name]

    def convert(key: str) -> ConvertResult:
        feed, batch = batch_of(layout.parse_manifest(key).feed)
        return convert_window(key, feed=feed, storage=storage, batch=batch, largest=largest)

    with SideBySide(
        convert, manifest_keys, threads=room.threads, stop=stop, is_fatal=ends_batch
    ) as tasks:
        yield tasks
