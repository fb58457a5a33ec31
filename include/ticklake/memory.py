"""How much memory this process took at its peak, as the kernel counts it."""

from __future__ import annotations

import resource


def peak_bytes() -> int:
    """Greatest resident set of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
