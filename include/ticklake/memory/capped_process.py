"""One argv and a memory cap in, one child process run under it out.

The cap is a cgroup where this process may make one, else ``RLIMIT_DATA``; where
neither works the run is refused. It is never silently uncapped.

* A **cgroup** caps the child and everything that the child starts, swap included.
* **RLIMIT_DATA** caps each process for itself, and counts thread stacks in full: the
  child gets stacks of 1 MiB, so that the cap goes to the data. Reaching it is a
  ``MemoryError`` in the child, which the command line turns into exit 137.

Either way the child gets ``FRUGAL`` settings of its allocators, unless *env* has its own.

The child dies with its parent: of ``SIGTERM`` or an exception because the run
kills it, of the parent's ``SIGKILL`` by ``setpriv --pdeathsig`` (util-linux 2.33;
without it the child ends at its next line of output, into a closed pipe).
"""

from __future__ import annotations

import logging
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import Protocol

from include.ticklake.errors import OutOfMemoryError, UsageError
from include.ticklake.memory.cgroups import ALLOCATOR_ENV, open_group
from include.ticklake.memory.child_process import ChildProcess, lines
from include.ticklake.model.sizes import format_bytes

log = logging.getLogger(__name__)

OUT_OF_MEMORY_EXIT = OutOfMemoryError.exit_code

_STACK_BYTES = 1024 * 1024
_LIMIT = 'ulimit -d "$0" && ulimit -s "$1" || exit 125; shift; unset PWD; exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnd:
    """How one capped run ended."""

    how: str
    """``cgroup v2``, ``cgroup v1`` or ``RLIMIT_DATA``; a container's runner names itself."""
    cap_bytes: int
    peak_bytes: int | None
    """The most it ever held: the group's own count, or under RLIMIT_DATA the resident memory of
    the child, seen now and then; None where nobody saw it."""
    exit_code: int
    """As a shell gives it: 128 + N for signal N."""
    out_of_memory: bool


class MemoryLimit(Protocol):
    """A way to hold one process under a cap; closed when the run is over."""

    how: str

    @property
    def launcher(self) -> list[str]: ...

    @property
    def defaults(self) -> Mapping[str, str]: ...

    def peak_bytes(self) -> int | None: ...

    def out_of_memory_kills(self) -> int: ...

    def close(self) -> None: ...


class DataLimit:
    """``RLIMIT_DATA``: no folder to make, no privilege needed, nothing to clean up."""

    how = "RLIMIT_DATA"
    defaults = ALLOCATOR_ENV

    def __init__(self, cap_bytes: int) -> None:
        # The shell's unit is the KiB.
        self.launcher = ["/bin/sh", "-c", _LIMIT, str(cap_bytes // 1024), str(_STACK_BYTES // 1024)]

    def peak_bytes(self) -> int | None:
        return None  # the child's own high-water mark is what there is

    def out_of_memory_kills(self) -> int:
        return 0

    def close(self) -> None:
        pass


def open_data_limit(cap_bytes: int) -> DataLimit | None:
    """A data limit, or None where a tighter one is already in force."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    return DataLimit(cap_bytes) if most == resource.RLIM_INFINITY or most >= cap_bytes else None


MECHANISMS: Mapping[str, Callable[[int], MemoryLimit | None]] = {
    "cgroup": open_group,
    "RLIMIT_DATA": open_data_limit,
}


def run_capped(
    argv: Sequence[str],
    *,
    cap_bytes: int,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
    ways: Sequence[str] = tuple(MECHANISMS),
) -> ChildEnd:
    """Run *argv* under *cap_bytes* with *env* and nothing else of ours; *on_line* gets its output.

    Standard output and error arrive as one stream, line by line, as they come.
    *ways* are the names of ``WAYS`` to try, in order; ``UsageError`` if none of
    them can cap here. An exit code of 125 means that the cap could not be entered.
    """
    for way in ways:
        cap = MECHANISMS[way](cap_bytes)
        if cap is not None:
            with closing(cap):
                return _run(argv, cap=cap, cap_bytes=cap_bytes, env=env, on_line=on_line)
    raise UsageError(
        f"cannot cap memory at {format_bytes(cap_bytes)} here (tried {', '.join(ways)}): this "
        "process may make no memory cgroup, and its own `ulimit -d` is below the cap; "
        "lift that limit, or set TICKLAKE_RUNNER to docker or kubernetes"
    )


def out_of_memory_error(
    capped: ChildEnd,
    *,
    step: str,
    in_force: str = "",
    largest_record_bytes: int | None = None,
    largest_record_at: str = "",
) -> OutOfMemoryError:
    """The error for a *step* that reached its cap: how far, with what sizes *in_force*, and what
    to change.

    A largest record of no bytes is one that was never read; None is a step that reads none.
    """
    peak = "not seen" if capped.peak_bytes is None else format_bytes(capped.peak_bytes)
    said = [
        f"{step}: out of memory under its cap of {format_bytes(capped.cap_bytes)} "
        f"({capped.how}, exit {capped.exit_code}); peak {peak}"
    ]
    # What RLIMIT_DATA counts is not resident memory: there the two do not compare.
    counted_bytes = None if capped.how == DataLimit.how else capped.peak_bytes
    if counted_bytes is not None and counted_bytes < 0.8 * capped.cap_bytes:
        said.append("that is well below the cap: the host, or a cap around this one, ran out")
    if in_force:
        said.append(f"sizes in force: {in_force}")
    if largest_record_bytes == 0:
        said.append("no record was read yet")
    elif largest_record_bytes is not None:
        where = f" (at {largest_record_at})" if largest_record_at else ""
        said.append(f"largest record so far {format_bytes(largest_record_bytes)}{where}")
    said.append("raise TICKLAKE_CAP, or `cap` in the feed's file; every size follows from it")
    return OutOfMemoryError("; ".join(said))


def _run(
    argv: Sequence[str],
    *,
    cap: MemoryLimit,
    cap_bytes: int,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
) -> ChildEnd:
    log.info("capped.start how=%s cap_bytes=%d program=%s", cap.how, cap_bytes, argv[0])
    whole_argv = [*_dies_with_us(), *cap.launcher, *argv]
    with _sigterm_raises(), ChildProcess(whole_argv, env={**cap.defaults, **env}) as child:
        for line in lines(child.chunks()):
            on_line(line)
        status = child.wait()
    exit_code = 128 - status if status < 0 else status
    peak_bytes = cap.peak_bytes() or child.peak_bytes or None
    capped = ChildEnd(
        how=cap.how,
        cap_bytes=cap_bytes,
        peak_bytes=peak_bytes,
        exit_code=exit_code,
        # A child that *exits* with 137 says so itself (MemoryError); one that was
        # *killed* ran out of memory only if the kernel counted it.
        out_of_memory=status == OUT_OF_MEMORY_EXIT
        or (status != 0 and cap.out_of_memory_kills() > 0),
    )
    log.info(
        "capped.end exit=%d peak_bytes=%s out_of_memory=%s",
        exit_code,
        peak_bytes,
        capped.out_of_memory,
    )
    return capped


@cache
def _dies_with_us() -> tuple[str, ...]:
    """The argv prefix that ties a child's life to ours, where the system has one."""
    prefix = (shutil.which("setpriv") or "setpriv", "--pdeathsig", "KILL", "--")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        log.info("capped.no_pdeathsig: a child may outlive the SIGKILL of its parent")
        return ()
    return prefix


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """While inside, SIGTERM raises ``SystemExit(143)``: the child is killed on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; there, whoever owns SIGTERM must raise
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if callable(before):
            before(number, frame)
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
