"""How much memory this process took at its peak, as the kernel counts it."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_bytes() -> int:
    """Greatest resident set of this program so far, in bytes."""
    # ru_maxrss would start at the peak of whoever started us: a child shares its
    # parent's memory until it becomes a program of its own.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        lines = []
    mark = next((line for line in lines if line.startswith("VmHWM:")), None)
    if mark is None:  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(mark.split()[1]) * 1024
