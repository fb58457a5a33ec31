"""Reports how large the largest record is, before memory may run out.

When it does, the kernel ends the process before it can report anything. So a record is
reported before it is parsed, whenever it is a quarter larger than any before it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

Report = Callable[[dict[str, int | str]], None]


class LargestRecordReporter:
    """The largest record of a command; *report* gets its size in bytes and where it is."""

    def __init__(self, report: Report | None = None) -> None:
        self._report = report
        self._reported_bytes = 0
        self._lock = threading.Lock()

    def should_report(self, size_bytes: int) -> bool:
        """Whether a record of this size would be reported."""
        return self._report is not None and size_bytes * 4 > self._reported_bytes * 5

    def observe(self, size_bytes: int, *, part: str, offset: int) -> None:
        """Report a record of *size_bytes*, or the beginning of one, if it is the largest so far.

        *offset* is where it begins in the part's text.
        """
        if self._report is None or not self.should_report(size_bytes):
            return
        with self._lock:  # windows are converted side by side
            if self.should_report(size_bytes):
                self._reported_bytes = size_bytes
                where = f"byte {offset} of {part}"
                self._report({"largest_record_bytes": size_bytes, "largest_record_at": where})
