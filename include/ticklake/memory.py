"""How much memory this process took at its peak, as the kernel counts it."""

from __future__ import annotations

import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """Greatest resident set of this program so far, in bytes.

    ``ru_maxrss`` starts at what the parent held when it started us, so the kernel's own
    mark of this program comes first; a capped step's cgroup is read by who made it.
    """
    try:
        status = _STATUS.read_text(encoding="ascii")
    except OSError:  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    mark = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
    if mark is None:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(mark.split()[1]) * 1024
