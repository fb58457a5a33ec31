"""How much memory this process took at its peak, and how to take less."""

from __future__ import annotations

import ctypes
import os
import resource
from functools import cache, lru_cache
from pathlib import Path

from include.ticklake.memory.cgroups import CgroupParent, find_parents

_STATUS = Path("/proc/self/status")
_M_MMAP_THRESHOLD = -3  # malloc.h

LARGE_BYTES = 2 * 1024 * 1024
"""Buffers from here on cost next to nothing to return."""
SMALL_BYTES = 32 * 1024
"""Returning all from here on costs a tenth of a conversion, and nothing is kept."""


def peak_bytes() -> int:
    """The most memory that this program held at once so far, in bytes.

    In a capped cgroup of its own that is at most what the cap counted; elsewhere it is the
    greatest resident set, shared library pages included.
    """
    resident_bytes = _resident_peak_bytes()
    counted_bytes = _own_group_peak_bytes()
    return resident_bytes if counted_bytes is None else min(resident_bytes, counted_bytes)


def use_frugal_allocators() -> None:
    """Let freed memory go back to the system at once: before anything large is read."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())  # the other pools keep what is freed
    return_buffers(from_bytes=LARGE_BYTES)


@cache
def return_buffers(*, from_bytes: int) -> None:
    """Let every buffer of *from_bytes* and more go back to the system as soon as it is freed.

    glibc keeps what is smaller, in heaps that come to have holes, and raises the size by itself
    as buffers are freed. Other C libraries have no such setting, and nothing is done there.
    Each size is set once in a process: one that came to return small ones goes on to do so.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, from_bytes)
    except (AttributeError, OSError):
        return


def _resident_peak_bytes() -> int:
    # ru_maxrss starts at what the parent held when it started us; VmHWM is ours alone.
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
        mark = next(line for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(mark.split()[1]) * 1024


def _own_group_peak_bytes() -> int | None:
    """The peak of the cgroup around us, where it is capped and holds nobody else."""
    for home in _homes(os.getpid()):
        try:
            cap = (home.folder / home.version.cap).read_text().strip()
            processes = (home.folder / "cgroup.procs").read_text().split()
            if _is_cap(cap) and processes == [str(os.getpid())]:
                return int((home.folder / home.version.peak).read_text())
        except (OSError, ValueError):
            return None
    return None


@lru_cache(maxsize=1)
def _homes(process: int) -> list[CgroupParent]:
    """The cgroup of *process*, this one; a child is put into its own before it runs."""
    del process
    return find_parents()[:1]


def _is_cap(text: str) -> bool:
    # Version 2 says "max" where there is no cap, version 1 the largest number of pages.
    return text.isdecimal() and int(text) < 2**60
