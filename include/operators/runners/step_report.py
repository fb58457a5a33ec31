"""What a step has reported so far: the counts of its messages, and the end of its log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from include.ticklake.model import messages
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.messages import (
    CompactDone,
    ConvertDone,
    ExtractDone,
    LargestRecord,
    Message,
    UnitFailed,
)

LAST_WORDS = "ticklake: "
"""How the command line begins the message that it ends with."""


@dataclass(slots=True, kw_only=True)
class StepReport:
    """The counts of a step, summed up over its messages."""

    cap_bytes: int
    manifests: int = 0
    """Windows or days that are committed."""
    rows: int = 0
    quarantined_rows: int = 0
    json_bytes: int = 0
    parquet_bytes: int = 0
    peak_bytes: int = 0
    largest_record_bytes: int = 0
    """0 before the first record is read."""
    largest_record_at: str = ""
    new_fields: set[str] = field(default_factory=set)
    """Names in the records that no field of the feed reads."""
    unfinished: int = 0
    """Units that were fetched before all of them was over."""
    failed: FailedUnits = field(default_factory=FailedUnits)
    """Units that failed, while the step went on with the next."""
    log_tail: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    def read_line(self, line: str) -> Message | None:
        """Read one line of a step's output; return its message, or None for a line of the log."""
        message = messages.decode(line)
        match message:
            case None:
                self.log_tail.append(line)
            case UnitFailed():
                self.failed.add(message.unit, message.to_error())
            case ConvertDone():
                self.manifests += 1
                self.failed.done += 1
                self.rows += message.rows
                self.quarantined_rows += message.quarantined_rows
                self.json_bytes += message.json_bytes
                self.parquet_bytes += message.parquet_bytes
                self.unfinished += message.unfinished_until_ms is not None
                self.new_fields.update(message.new_fields)
                self.note_peak(message.peak_bytes)
            case CompactDone():
                self.failed.done += 1
                self.manifests += message.skipped is None
                self.rows += message.rows
                self.parquet_bytes += message.parquet_bytes
                self.note_peak(message.peak_bytes)
            case ExtractDone():
                self.manifests += 1
                self.failed.done += 1
                self.rows += message.rows
                self.json_bytes += message.json_bytes
                self.new_fields.update(message.new_fields)
                self.note_peak(message.peak_bytes)
            case LargestRecord() if message.largest_record_bytes > self.largest_record_bytes:
                self.largest_record_bytes = message.largest_record_bytes
                self.largest_record_at = message.largest_record_at
        return message

    def note_peak(self, peak_bytes: int) -> None:
        """Keep the greatest peak memory seen."""
        self.peak_bytes = max(self.peak_bytes, peak_bytes)

    def without_counts(self) -> StepReport:
        """Return a report with the same memory figures, whose counts are 0."""
        return StepReport(cap_bytes=self.cap_bytes, peak_bytes=self.peak_bytes)

    @property
    def out_of_memory(self) -> bool:
        """Whether the step itself wrote that it could not get more memory."""
        return any(line.startswith(f"{LAST_WORDS}out of memory") for line in self.log_tail)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts for XCom, and new fields and unfinished units where there are any."""
        texts = ("log_tail", "largest_record_at", "new_fields", "unfinished", "failed")
        counts = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in texts
        }
        if self.unfinished:
            counts["unfinished"] = self.unfinished
        return counts | ({"new_fields": sorted(self.new_fields)} if self.new_fields else {})
