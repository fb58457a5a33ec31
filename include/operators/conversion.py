"""What a conversion is told and what it answers, the same for every runner.

Manifest URIs in, the argv of ``python -m include.ticklake convert`` out; its lines of
output and exit code in, counts or the right error out.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.ticklake.errors import (
    CallInvalid,
    DataRefused,
    OutOfMemory,
    Retryable,
    SourceFailed,
    TicklakeError,
)

log = logging.getLogger(__name__)

MAX_ARGV_BYTES = 64 * 1024
"""The kernel refuses an argv of a quarter of the stack limit, which a cap makes small."""

_LAST_WORDS = "ticklake: "

_SIGNALS = 128
"""Exit codes above are those of a process that a signal ended."""

_ERRORS: dict[int, type[TicklakeError]] = {
    error.exit_code: error for error in (CallInvalid, SourceFailed, DataRefused, OutOfMemory)
}


def argvs(
    manifests: Sequence[str],
    *,
    root_uri: str,
    python: str = sys.executable,
    max_bytes: int = MAX_ARGV_BYTES,
) -> Iterator[list[str]]:
    """The calls that convert *manifests*, each with at most about *max_bytes* of them."""
    start = 0
    while start < len(manifests):
        end, size = start, 0
        while end < len(manifests) and (end == start or size < max_bytes):
            size += len(manifests[end].encode()) + 1
            end += 1
        some = manifests[start:end]
        yield [python, "-m", "include.ticklake", "convert", *some, "--root", root_uri]
        start = end


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a conversion said, line by line: JSON is counted, the rest goes to the log."""

    cap_bytes: int
    manifests: int = 0
    rows: int = 0
    quarantined_rows: int = 0
    json_bytes: int = 0
    parquet_bytes: int = 0
    peak_bytes: int = 0
    largest_record_bytes: int = 0
    """Of the records read so far, which a step tells in lines of their own; 0 where it does not."""
    new_fields: set[str] = field(default_factory=set)
    """Names in the records that no field reads."""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def read(self, line: str) -> None:
        """Take one line of the conversion's output, and log it where it is no report."""
        if not self.take(line):
            log.info("%s", line)

    def take(self, line: str) -> bool:
        """Take one line of the conversion's output; whether it was a report."""
        report = _report(line)
        if report is None:
            self.said.append(line)
            return False
        self.manifests += "rows" in report
        for name in ("rows", "quarantined_rows", "json_bytes", "parquet_bytes"):
            setattr(self, name, getattr(self, name) + int(report.get(name, 0)))
        self.new_fields.update(report.get("new_fields", ()))
        self.peak(report.get("peak_bytes"))
        self.largest_record_bytes = max(
            self.largest_record_bytes, int(report.get("largest_record_bytes", 0))
        )
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
        others = ("said", "new_fields")
        counts = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in others
        }
        return counts | ({"new_fields": sorted(self.new_fields)} if self.new_fields else {})


def committed(manifests: Sequence[str], *, root_uri: str, env: Mapping[str, str]) -> Tally:
    """The counts of *manifests* as they were committed; ``SourceFailed`` if one was not."""
    from include.ticklake import manifest
    from include.ticklake.storage import Storage

    storage = Storage.open(root_uri, env)
    tally = Tally(cap_bytes=0)
    for uri in manifests:
        found = manifest.read(storage.key_of(uri), storage=storage)
        if found is None or found.parquet is None or not found.is_current:
            raise SourceFailed(f"{uri}: the conversion ended well, but did not commit this")
        tally.manifests += 1
        tally.rows += found.parquet.rows
        tally.quarantined_rows += found.parquet.quarantined_rows
        tally.new_fields.update(found.json.new_fields)
        tally.json_bytes += sum(part.json_bytes for part in found.json.parts)
        tally.parquet_bytes += found.parquet.parquet_bytes
    return tally


def raise_for(exit_code: int, *, said: Iterable[str]) -> None:
    """Raise the error that *exit_code* stands for, in the words that were *said* for it."""
    if exit_code == 0:
        return
    lines = list(said)
    # The command line starts its last words with its name; they may be several lines.
    first = max((n for n, line in enumerate(lines) if line.startswith(_LAST_WORDS)), default=-1)
    if first < 0 and exit_code > _SIGNALS:
        last = f"; its last line: {lines[-1]}" if lines else "; it said nothing"
        raise Retryable(
            f"the conversion was ended by signal {exit_code - _SIGNALS} from outside{last}"
        )
    words = "\n".join(lines[first:]).removeprefix(_LAST_WORDS) or "it said nothing"
    error = _ERRORS.get(exit_code, TicklakeError)
    raise error(f"the conversion ended with exit code {exit_code}: {words}")


def _report(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
