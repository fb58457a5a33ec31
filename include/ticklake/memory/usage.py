"""How much memory this process used at its peak, and how to use less."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from functools import cache, lru_cache
from importlib.abc import MetaPathFinder
from pathlib import Path

from include.ticklake.memory.cgroups import ALLOCATOR_ENV, CgroupParent, find_parents

_STATUS = Path("/proc/self/status")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_POOL = "ARROW_DEFAULT_MEMORY_POOL"

LARGE_BYTES = 2 * 1024 * 1024
"""Returning buffers of this size and more costs next to nothing."""
SMALL_BYTES = 32 * 1024
"""Returning buffers of this size and more costs a tenth of a conversion; nothing is kept."""

_KEPT_BYTES = 16 * 1024 * 1024
"""Free memory at the end of a heap that is kept for the buffers to come: a conversion needs as many
again. By its default of 128 KiB, glibc returned most of them, and got each page back cleared."""
_KEPT_AMONG_SMALL_BYTES = 128 * 1024


def peak_bytes() -> int:
    """Return the most memory that this program held at once so far.

    In a limited cgroup of its own that is at most what the limit counted; elsewhere it is the
    greatest resident set, shared library pages included.
    """
    resident_bytes = _resident_peak_bytes()
    counted_bytes = _own_group_peak_bytes()
    return resident_bytes if counted_bytes is None else min(resident_bytes, counted_bytes)


@cache
def return_buffers(*, from_bytes: int) -> None:
    """Return every buffer of *from_bytes* and more to the system as soon as it is freed.

    glibc keeps smaller ones, in heaps that become fragmented, and raises the size by itself
    as buffers are freed. Other C libraries have no such setting; nothing is done there. The end of
    a heap is returned once it is larger than a conversion needs.
    Each size is set once in a process: one that returns small buffers continues to do so.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
        kept_bytes = _KEPT_BYTES if from_bytes >= LARGE_BYTES else _KEPT_AMONG_SMALL_BYTES
        set_option(_M_MMAP_THRESHOLD, from_bytes)
        set_option(_M_TRIM_THRESHOLD, kept_bytes)
    except (AttributeError, OSError):
        return


def use_frugal_allocators() -> None:
    """Let this process return freed memory to the system, whether pyarrow is imported or not.

    Arrow's own pools, and glibc's for large buffers, would keep it. A second call costs nothing.
    """
    if (pyarrow := sys.modules.get("pyarrow")) is not None:
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    else:
        os.environ.setdefault(_POOL, ALLOCATOR_ENV[_POOL])
    return_buffers(from_bytes=LARGE_BYTES)


_NOT_NEEDED = frozenset(
    {"numpy", "pandas", "pyarrow._azurefs", "pyarrow._gcsfs", "pyarrow._hdfs", "pyarrow._s3fs"}
)
"""What pyarrow imports where it can. Buckets are read and written through obstore."""


def keep_numpy_out() -> None:
    """Let this process import neither numpy nor pandas, also where they are installed.

    pyarrow imports numpy where it can, and looks for pandas at the first Python value that it
    converts. They take 80 MB and 60 MB of what a limit of data counts: buffers and stacks of
    threads. Nor are pyarrow's own clients of buckets imported, which take 4 MB.
    """
    if _NoNumpy not in sys.meta_path:
        sys.meta_path.insert(0, _NoNumpy)


class _NoNumpy(MetaPathFinder):
    """Finds neither anywhere; None in ``sys.modules`` is not an error to Cython."""

    @classmethod
    def find_spec(cls, fullname: str, *_: object) -> None:
        """Refuse those names."""
        if fullname in _NOT_NEEDED:
            raise ModuleNotFoundError(f"no command needs {fullname}", name=fullname)


def _resident_peak_bytes() -> int:
    # ru_maxrss starts at what the parent held when it started us; VmHWM is ours alone.
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
        high_water_mark = next(line for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(high_water_mark.split()[1]) * 1024


def _own_group_peak_bytes() -> int | None:
    """Return the peak of the cgroup around us, if it is limited and holds no other process."""
    for group in _groups(os.getpid()):
        try:
            limit = (group.folder / group.version.limit).read_text().strip()
            processes = (group.folder / "cgroup.procs").read_text().split()
            if _is_limit(limit) and processes == [str(os.getpid())]:
                return int((group.folder / group.version.peak).read_text())
        except (OSError, ValueError):
            return None
    return None


@lru_cache(maxsize=1)
def _groups(process: int) -> list[CgroupParent]:
    """Return the cgroup of *process*, this one; a child enters its own before it runs."""
    del process  # the key of the cache: a fork is in another group
    return find_parents()[:1]


def _is_limit(text: str) -> bool:
    # Without a limit version 2 has "max" there, version 1 the largest number of pages.
    return text.isdecimal() and int(text) < 2**60
