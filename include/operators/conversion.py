"""What a conversion is told and what it answers, the same for every runner.

Manifest URIs in, the argv of ``python -m include.ticklake convert`` out; its lines of
output and exit code in, counts or the right error out.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.ticklake.errors import (
    CallInvalid,
    DataRefused,
    OutOfMemory,
    SourceFailed,
    TicklakeError,
)

log = logging.getLogger(__name__)

MAX_ARGV_BYTES = 64 * 1024
"""The kernel refuses an argv of a quarter of the stack limit, which a cap makes small."""

_LAST_WORDS = "ticklake: "

_ERRORS: dict[int, type[TicklakeError]] = {
    error.exit_code: error for error in (CallInvalid, SourceFailed, DataRefused, OutOfMemory)
}


def argvs(
    manifests: Sequence[str], *, root_uri: str, python: str = sys.executable
) -> Iterator[list[str]]:
    """The calls that convert *manifests*, each short enough for any kernel."""
    start = 0
    while start < len(manifests):
        end, size = start, 0
        while end < len(manifests) and (end == start or size < MAX_ARGV_BYTES):
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
    said: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def read(self, line: str) -> None:
        """Take one line of the conversion's output."""
        report = _report(line)
        if report is None:
            log.info("%s", line)
            self.said.append(line)
            return
        self.manifests += 1
        for name in ("rows", "quarantined_rows", "json_bytes", "parquet_bytes"):
            setattr(self, name, getattr(self, name) + int(report.get(name, 0)))
        self.peak(report.get("peak_bytes"))

    def peak(self, peak_bytes: int | None) -> None:
        """Keep the greatest peak memory seen."""
        self.peak_bytes = max(self.peak_bytes, peak_bytes or 0)

    def as_dict(self) -> dict[str, int]:
        """The counts, for XCom."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "said"}


def raise_for(exit_code: int, *, said: Iterable[str]) -> None:
    """Raise the error that *exit_code* stands for, in the words that were *said* for it."""
    if exit_code == 0:
        return
    lines = list(said)
    # The command line starts its last words with its name; they may be several lines.
    first = max((n for n, line in enumerate(lines) if line.startswith(_LAST_WORDS)), default=-1)
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
