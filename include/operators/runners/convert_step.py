"""What a conversion in a capped step is told and what it answers, the same for every runner.

Manifest URIs in, the argv of ``python -m include.ticklake convert`` out; its lines of
output and exit code in, counts or the right error out.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from include.ticklake.convert.budget import MINIMUM_CAP_BYTES, budget_for
from include.ticklake.errors import (
    DataError,
    OutOfMemoryError,
    RetryableError,
    SourceUnavailableError,
    TicklakeError,
    UsageError,
)
from include.ticklake.memory.capped_process import ChildEnd, out_of_memory_error

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed

MAX_ARGV_BYTES = 64 * 1024
"""The kernel refuses an argv of a quarter of the stack limit, which a cap makes small."""

_LAST_WORDS = "ticklake: "

_SIGNALS = 128
"""Exit codes above are those of a process that a signal ended."""

_ERRORS: dict[int, type[TicklakeError]] = {
    error.exit_code: error
    for error in (UsageError, SourceUnavailableError, DataError, OutOfMemoryError)
}


def argvs(
    manifests: Sequence[str],
    *,
    root_uri: str,
    command: Sequence[str] = ("convert",),
    python: str = sys.executable,
    max_bytes: int = MAX_ARGV_BYTES,
) -> Iterator[list[str]]:
    """The calls of *command* for *manifests*, each with at most about *max_bytes* of them."""
    start = 0
    while start < len(manifests):
        end, size = start, 0
        while end < len(manifests) and (end == start or size < max_bytes):
            size += len(manifests[end].encode()) + 1
            end += 1
        some = manifests[start:end]
        yield [python, "-m", "include.ticklake", *command, *some, "--root", root_uri]
        start = end


@dataclass(slots=True, kw_only=True)
class StepReport:
    """What a step said, line by line: JSON is counted, of the rest the end is kept."""

    cap_bytes: int
    manifests: int = 0
    rows: int = 0
    quarantined_rows: int = 0
    json_bytes: int = 0
    parquet_bytes: int = 0
    peak_bytes: int = 0
    largest_record_bytes: int = 0
    """Of the records read so far, told whenever it grows; 0 before the first."""
    largest_record_at: str = ""
    new_fields: set[str] = field(default_factory=set)
    """Names in the records that no field reads."""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def take(self, line: str) -> bool:
        """Take one line of a step's output; whether it was a report."""
        told = report(line)
        if told is None:
            self.said.append(line)
            return False
        self.manifests += "rows" in told
        for name in ("rows", "quarantined_rows", "json_bytes", "parquet_bytes"):
            setattr(self, name, getattr(self, name) + int(told.get(name, 0)))
        self.new_fields.update(told.get("new_fields", ()))
        self.peak(told.get("peak_bytes"))
        if (size_bytes := int(told.get("largest_record_bytes", 0))) > self.largest_record_bytes:
            self.largest_record_bytes = size_bytes
            self.largest_record_at = str(told.get("largest_record_at", ""))
        return True

    def peak(self, peak_bytes: int | None) -> None:
        """Keep the greatest peak memory seen."""
        self.peak_bytes = max(self.peak_bytes, peak_bytes or 0)

    @property
    def out_of_memory(self) -> bool:
        """Whether the step said itself that it could not get more memory."""
        return any(line.startswith(f"{_LAST_WORDS}out of memory") for line in self.said)

    def as_dict(self) -> dict[str, Any]:
        """The counts, and new fields where there are any, for XCom."""
        words = ("said", "largest_record_at", "new_fields")
        counts = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in words
        }
        return counts | ({"new_fields": sorted(self.new_fields)} if self.new_fields else {})


@dataclass(slots=True, kw_only=True)
class ConvertStep:
    """Manifests as a step that a runner runs; one of a day stands for compacting that day."""

    feed: Feed
    manifests: Sequence[str]
    tally: StepReport

    def argvs(self, *, root_uri: str, max_bytes: int = MAX_ARGV_BYTES) -> Iterator[list[str]]:
        """The calls that convert all of them."""
        return argvs(self.manifests, root_uri=root_uri, max_bytes=max_bytes)

    def secrets(self) -> dict[str, str]:
        """Nothing but the storage is to be opened."""
        return {}

    def take(self, line: str) -> bool:
        """Take one line of output; whether it was a report."""
        return self.tally.take(line)

    def raise_for(self, exit_code: int) -> None:
        """Raise what the exit code stands for."""
        raise_for(exit_code, said=self.tally.said, step="conversion")

    def out_of_memory(self, ended: ChildEnd) -> OutOfMemoryError:
        """The error for a step that reached its cap."""
        return out_of_memory_error(
            ended,
            step=f"convert {self.feed.name}",
            in_force=str(budget_for(max(ended.cap_bytes, MINIMUM_CAP_BYTES))),
            largest_record_bytes=self.tally.largest_record_bytes,
            largest_record_at=self.tally.largest_record_at,
        )

    def result(self) -> dict[str, Any]:
        """Counts of what was converted; never the data."""
        return self.tally.as_dict()


def committed(manifests: Sequence[str], *, root_uri: str, env: Mapping[str, str]) -> StepReport:
    """The counts of *manifests* as committed; ``SourceUnavailableError`` where one is not."""
    from include.ticklake.lake import day_manifest, layout, manifest
    from include.ticklake.lake.storage import Storage

    storage = Storage.open(root_uri, env)
    tally = StepReport(cap_bytes=0)
    for uri in manifests:
        if layout.is_day_manifest(uri):
            # A day that is not whole yet has none: it is left for a later run.
            if day := day_manifest.read(storage.key_of(uri), storage=storage):
                tally.manifests += 1
                tally.rows += day.rows
                tally.parquet_bytes += day.parquet_bytes
            continue
        found = manifest.read(storage.key_of(uri), storage=storage)
        if found is None or found.parquet is None or not found.is_current:
            raise SourceUnavailableError(
                f"{uri}: the conversion ended well, but did not commit this"
            )
        tally.manifests += 1
        tally.rows += found.parquet.rows
        tally.quarantined_rows += found.parquet.quarantined_rows
        tally.new_fields.update(found.json.new_fields)
        tally.json_bytes += sum(part.json_bytes for part in found.json.parts)
        tally.parquet_bytes += found.parquet.parquet_bytes
    return tally


def raise_for(exit_code: int, *, said: Iterable[str], step: str = "conversion") -> None:
    """Raise the error that *exit_code* stands for, in the words that were *said* for it."""
    if exit_code == 0:
        return
    lines = list(said)
    # The command line starts its last words with its name; they may be several lines.
    first = max((n for n, line in enumerate(lines) if line.startswith(_LAST_WORDS)), default=-1)
    if first < 0 and exit_code > _SIGNALS:
        last = f"; its last line: {lines[-1]}" if lines else "; it said nothing"
        raise RetryableError(
            f"the {step} was ended by signal {exit_code - _SIGNALS} from outside{last}"
        )
    words = "\n".join(lines[first:]).removeprefix(_LAST_WORDS) or "it said nothing"
    error = _ERRORS.get(exit_code, TicklakeError)
    raise error(f"the {step} ended with exit code {exit_code}: {words}")


def report(line: str) -> dict[str, Any] | None:
    """What a line of output reports; None where it is one for the log."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
