"""Runs one command as a child process under a hard memory limit.

The limit is a cgroup where this process may create one, else ``RLIMIT_DATA``; where
neither works the run is refused. It is never silently unlimited.

* A **cgroup** limits the child and everything that the child starts, swap included.
* **RLIMIT_DATA** limits each process by itself, and counts thread stacks in full: the
  child gets stacks of 1 MiB, so that the limit goes to the data. Reaching it is a
  ``MemoryError`` in the child, which the command line turns into exit 137.

Either way the child gets ``ALLOCATOR_ENV``, unless *env* sets the same variables.

The child ends with its parent: on ``SIGTERM`` or an exception because the run
asks it to and then kills it, on the parent's ``SIGKILL`` by ``setpriv --pdeathsig``
(util-linux 2.33; without it the child ends at its next line of output, into a closed pipe).
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

STACK_BYTES = 1024 * 1024
_LIMIT = 'ulimit -d "$0" && ulimit -s "$1" || exit 125; shift; unset PWD; exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnd:
    """How one run under a memory limit ended."""

    mechanism: str
    """``cgroup v2``, ``cgroup v1`` or ``RLIMIT_DATA``; for a container, the name of its runner."""
    cap_bytes: int
    peak_bytes: int | None
    """The most it ever held: the group's own count, or under RLIMIT_DATA the sampled resident
    memory of the child; None where it could not be measured."""
    exit_code: int
    """As a shell reports it: 128 + N for signal N."""
    out_of_memory: bool


class MemoryLimit(Protocol):
    """Holds one process under a limit; closed when the run is over."""

    mechanism: str

    @property
    def launcher(self) -> list[str]: ...

    @property
    def defaults(self) -> Mapping[str, str]: ...

    def peak_bytes(self) -> int | None: ...

    def out_of_memory_kills(self) -> int: ...

    def close(self) -> None: ...


class DataLimit:
    """``RLIMIT_DATA``: needs no folder, no privilege and no cleaning up."""

    mechanism = "RLIMIT_DATA"
    defaults = ALLOCATOR_ENV

    def __init__(self, cap_bytes: int) -> None:
        # The shell's unit is the KiB.
        self.launcher = ["/bin/sh", "-c", _LIMIT, str(cap_bytes // 1024), str(STACK_BYTES // 1024)]

    def peak_bytes(self) -> int | None:
        return None  # only the child's own high-water mark is known

    def out_of_memory_kills(self) -> int:
        return 0

    def close(self) -> None:
        pass


def open_data_limit(cap_bytes: int) -> DataLimit | None:
    """Return a data limit, or None where a tighter one is already in force."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
    is_possible = hard_limit == resource.RLIM_INFINITY or hard_limit >= cap_bytes
    return DataLimit(cap_bytes) if is_possible else None


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
    mechanisms: Sequence[str] = tuple(MECHANISMS),
) -> ChildEnd:
    """Run *argv* under *cap_bytes* with *env* and nothing else of ours; *on_line* gets its output.

    Standard output and error arrive as one stream, line by line, as they come.
    *mechanisms* are the names of ``MECHANISMS`` to try, in order; ``UsageError`` if none of
    them works here. An exit code of 125 means that the limit could not be entered.
    """
    for mechanism in mechanisms:
        limit = MECHANISMS[mechanism](cap_bytes)
        if limit is not None:
            with closing(limit):
                return _run(argv, limit=limit, cap_bytes=cap_bytes, env=env, on_line=on_line)
    raise UsageError(
        f"cannot limit memory to {format_bytes(cap_bytes)} here (tried {', '.join(mechanisms)}): "
        "this process may not create a memory cgroup, and its own `ulimit -d` is below the limit; "
        "raise that, or set TICKLAKE_RUNNER to docker or kubernetes"
    )


def out_of_memory_error(
    end: ChildEnd,
    *,
    step: str,
    in_force: str = "",
    largest_record_bytes: int | None = None,
    largest_record_at: str = "",
    setting: str = "TICKLAKE_CAP, or `cap` in the feed's file",
) -> OutOfMemoryError:
    """Return the error for a *step* that reached its memory limit.

    Its message has the limit, the peak, the sizes *in_force* and the setting to change.
    *largest_record_bytes* is 0 where no record was read yet, None for a step that reads none;
    *setting* is what to raise.
    """
    peak = "unknown" if end.peak_bytes is None else format_bytes(end.peak_bytes)
    facts = [
        f"{step}: out of memory at its limit of {format_bytes(end.cap_bytes)} "
        f"({end.mechanism}, exit {end.exit_code}); peak {peak}"
    ]
    # What RLIMIT_DATA counts is not resident memory, so there the two do not compare.
    counted_bytes = None if end.mechanism == DataLimit.mechanism else end.peak_bytes
    if counted_bytes is not None and counted_bytes < 0.8 * end.cap_bytes:
        facts.append("that is well below the limit: the host, or a limit around this one, ran out")
    if in_force:
        facts.append(f"sizes in force: {in_force}")
    if largest_record_bytes == 0:
        facts.append("no record was read yet")
    elif largest_record_bytes is not None:
        where = f" (at {largest_record_at})" if largest_record_at else ""
        facts.append(f"largest record so far {format_bytes(largest_record_bytes)}{where}")
    facts.append(f"raise {setting}; every size follows from it")
    return OutOfMemoryError("; ".join(facts))


def _run(
    argv: Sequence[str],
    *,
    limit: MemoryLimit,
    cap_bytes: int,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
) -> ChildEnd:
    mechanism = limit.mechanism
    log.info("capped.start mechanism=%s cap_bytes=%d program=%s", mechanism, cap_bytes, argv[0])
    whole_argv = [*_die_with_parent(), *limit.launcher, *argv]
    with _sigterm_raises(), ChildProcess(whole_argv, env={**limit.defaults, **env}) as child:
        for line in lines(child.chunks()):
            on_line(line)
        status = child.wait()
    exit_code = 128 - status if status < 0 else status
    peak_bytes = limit.peak_bytes() or child.peak_bytes or None
    end = ChildEnd(
        mechanism=mechanism,
        cap_bytes=cap_bytes,
        peak_bytes=peak_bytes,
        exit_code=exit_code,
        # A child that *exits* with 137 reports it itself (MemoryError); one that was
        # *killed* ran out of memory only if the kernel counted it.
        out_of_memory=status == OUT_OF_MEMORY_EXIT
        or (status != 0 and limit.out_of_memory_kills() > 0),
    )
    log.info(
        "capped.end exit=%d peak_bytes=%s out_of_memory=%s",
        exit_code,
        peak_bytes,
        end.out_of_memory,
    )
    return end


@cache
def _die_with_parent() -> tuple[str, ...]:
    """Return the argv prefix that ties a child's life to ours, where the system has one."""
    prefix = (shutil.which("setpriv") or "setpriv", "--pdeathsig", "KILL", "--")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        log.info("capped.no_pdeathsig: a child may outlive the SIGKILL of its parent")
        return ()
    return prefix


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """While inside, SIGTERM raises ``SystemExit(143)``: the child is ended on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers; the owner of SIGTERM must raise there
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if callable(previous):
            previous(number, frame)
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous or signal.SIG_DFL)
