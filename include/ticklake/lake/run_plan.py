"""The plan of a run as one object: which units each of its batches has.

``plans/<feed>/date=2026-11-22/20261122T050000Z.<hash>.jsonl.gz`` is written once and never
changed: its name holds the hash of what it says. Its first line names the run, and each further
line is a batch: runs of adjacent windows of a slice, as its path, the first window and how many
there are. Each line is a gzip member of its own, so that a batch is one range of bytes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

if TYPE_CHECKING:
    # The DAG files import this module, and storage imports pyarrow.
    from include.ticklake.lake.storage import Storage

KEPT = timedelta(days=30)
"""How long a plan is kept after it was written, and in any case as long as its run is active."""

_LEVEL = 6
_HEAD_BYTES = 4096
"""At least as many as the first line has: Airflow's names have 250 characters at most."""
_METADATA = {"Content-Type": "application/gzip"}
_DAMAGED = (ValueError, TypeError, KeyError, EOFError, zlib.error, gzip.BadGzipFile, UsageError)


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRunName:
    """The run that a plan is of."""

    dag_id: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRange:
    """Where a batch is in its plan."""

    offset: int
    bytes: int
    units: int


class RunPlan:
    """A plan that is being written: its batches are held as compressed bytes, not as units."""

    def __init__(self, feed: str, run: DagRunName) -> None:
        self.feed = feed
        head = {"feed": feed, "dag_id": run.dag_id, "run_id": run.run_id}
        self._body = bytearray(_member(head))

    def add(self, units: Iterable[Unit]) -> BatchRange:
        """Append a batch."""
        offset, runs = len(self._body), list(_runs(units))
        self._body += _member([[slice_, window, count] for slice_, window, count in runs])
        return BatchRange(
            offset=offset,
            bytes=len(self._body) - offset,
            units=sum(count for _, _, count in runs),
        )

    def save(self, run_after: datetime, *, storage: Storage) -> str:
        """Write the plan; return its key. Only then are the ranges those of an object."""
        body = bytes(self._body)
        key = plan_key(self.feed, run_after, sha256=sha256(body).hexdigest())
        storage.put(key, body, metadata=_METADATA)
        return key


def plan_key(feed: str, run_after: datetime, *, sha256: str) -> str:
    """``plans/<feed>/date=2026-11-22/20261122T050000Z.<hash>.jsonl.gz``."""
    folder = f"{layout.feed_folder(Area.PLANS, feed)}/{layout.date_folder(run_after.date())}"
    return f"{folder}/{run_after:%Y%m%dT%H%M%SZ}.{sha256[:8]}.jsonl.gz"


def read_batch(key: str, *, offset: int, size_bytes: int, storage: Storage) -> list[Unit]:
    """The units of the batch at that range of the plan at *key*: one request.

    ``UsageError`` where the plan is gone or is another one: its run has to be planned again.
    """
    body = storage.read_range(key, offset, size_bytes)
    if body is None:
        raise _gone(key, storage)
    try:
        return list(_units(gzip.decompress(body)))
    except _DAMAGED as error:
        raise _unusable(key, f"has no batch at byte {offset} ({error})", storage) from None


def read_all(key: str, *, storage: Storage) -> Iterator[list[Unit]]:
    """Yield the units of each batch of the plan at *key*, read as a stream."""
    try:
        with storage.open_input(key) as stream, gzip.GzipFile(fileobj=stream) as lines:
            next(lines)
            for line in lines:
                yield list(_units(line))
    except FileNotFoundError:
        raise _gone(key, storage) from None
    except (*_DAMAGED, StopIteration) as error:
        raise _unusable(key, f"cannot be read ({error})", storage) from None


def read_run(key: str, *, storage: Storage) -> DagRunName | None:
    """The run of the plan at *key*; None where it does not say that, or is gone."""
    start = storage.read_range(key, 0, _HEAD_BYTES) or b""
    try:
        head = json.loads(zlib.decompressobj(wbits=31).decompress(start))
        return DagRunName(dag_id=str(head["dag_id"]), run_id=str(head["run_id"]))
    except _DAMAGED:
        return None


def find_old(feed: str, *, before: datetime, storage: Storage) -> dict[str, int]:
    """The plans of *feed* that were written *before*, with their bytes."""
    infos = storage.infos(layout.feed_folder(Area.PLANS, feed))
    return {key: info.bytes for key, info in infos.items() if info.modified_at < before}


def _member(plain: object) -> bytes:
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode() + b"\n", _LEVEL, mtime=0)


def _runs(units: Iterable[Unit]) -> Iterator[tuple[str, str, int]]:
    """Slice, first window and number of each run of adjacent windows that have one length."""
    first: Unit | None = None
    last, count = None, 0
    for unit in units:
        if (
            first is not None
            and last is not None
            and unit.slice == first.slice
            and unit.window.start == last.end
            and unit.window.end - unit.window.start == last.end - last.start
        ):
            count += 1
        else:
            if first is not None:
                yield first.slice.path, first.window.name, count
            first, count = unit, 1
        last = unit.window
    if first is not None:
        yield first.slice.path, first.window.name, count


def _units(line: bytes) -> Iterator[Unit]:
    for path, name, count in json.loads(line):
        slice_, first = Slice.parse(path), Window.parse(name)
        for number in range(count):
            yield Unit(slice_, _window(first, number))


@lru_cache(maxsize=20_000)  # two years of hours: the slices of a run have the same windows
def _window(first: Window, number: int) -> Window:
    ahead = number * (first.end - first.start)
    return Window(first.start + ahead, first.end + ahead)


def _gone(key: str, storage: Storage) -> UsageError:
    return _unusable(key, f"is gone; it is kept for {KEPT.days} days", storage)


def _unusable(key: str, problem: str, storage: Storage) -> UsageError:
    return UsageError(
        f"{storage.uri(key)}: the run's plan {problem}; clear the task `plan` of the run with the "
        "tasks after it, which plans it again"
    )
