"""Puts the command that runs here under a hard memory limit: this process, not a child.

It enters a cgroup, or takes ``RLIMIT_DATA``, and starts its program again, because allocators
and stacks are set up when a program starts. Its process id stays, so its user can stop,
continue and kill it as any other program.

The kernel ends a process of a full cgroup before that can say anything. A watcher outside the
group, which lives as long as the command, says it then, and removes the group.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import closing, suppress

from include.ticklake.memory.capped_process import STACK_BYTES, ChildEnd, out_of_memory_error
from include.ticklake.memory.cgroups import ALLOCATOR_ENV, Cgroup, find_parents, open_group
from include.ticklake.model.sizes import format_bytes

_LIMITED = "_TICKLAKE_LIMITED"
"""The process that started itself again; its children are others."""


def limit_this_process(
    cap_bytes: int,
    *,
    command: str,
    in_force: str = "",
    mechanisms: Sequence[str] = ("cgroup", "RLIMIT_DATA"),
    argv: Sequence[str] = (),
) -> str | None:
    """Continue under *cap_bytes*, unless a limit is in force that is no larger.

    *argv* starts this program again; it defaults to what started it. Returns only where that did
    not happen: None if it is limited, else what its user should know.
    """
    if os.environ.get(_LIMITED) == str(os.getpid()) or is_limited(cap_bytes):
        return None
    again = [sys.executable, *(argv or sys.orig_argv[1:])]
    if "cgroup" in mechanisms and (group := open_group(cap_bytes)) is not None:
        _watch(group, cap_bytes=cap_bytes, command=command, in_force=in_force)
        try:
            group.enter()
        except OSError:
            group.close()
        else:
            _start_again(again)
    if "RLIMIT_DATA" in mechanisms and _limit_data(cap_bytes):
        _start_again(again)
    return (
        f"this process cannot be limited to {format_bytes(cap_bytes)} here: it may not create a "
        "memory cgroup, nor set `ulimit -d`; only buffers and batches are sized to fit"
    )


def is_limited(cap_bytes: int) -> bool:
    """Whether this process, or its container, has a limit of at most *cap_bytes*."""
    limit_bytes = find_limit()
    return limit_bytes is not None and limit_bytes <= cap_bytes


def find_limit() -> int | None:
    """The memory limit of this process, or of its container, in bytes; None without one."""
    data_bytes = resource.getrlimit(resource.RLIMIT_DATA)[0]
    limits = [data_bytes] if data_bytes >= 0 else []
    for parent in find_parents()[:1]:
        with suppress(OSError, ValueError):  # without a limit version 2 has "max" there
            limits.append(int((parent.folder / parent.version.limit).read_text()))
    return min(limits, default=None)


def _start_again(argv: Sequence[str]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    own = {_LIMITED: str(os.getpid())}
    os.execve(argv[0], list(argv), {**ALLOCATOR_ENV, **os.environ, **own})  # noqa: S606 - ourselves


def _limit_data(cap_bytes: int) -> bool:
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (cap_bytes, cap_bytes))
        hard_bytes = resource.getrlimit(resource.RLIMIT_STACK)[1]
        # Of each thread: all of them are counted in full.
        resource.setrlimit(resource.RLIMIT_STACK, (STACK_BYTES, hard_bytes))
    except (OSError, ValueError):
        return False
    return resource.getrlimit(resource.RLIMIT_DATA)[0] == cap_bytes


def _watch(group: Cgroup, *, cap_bytes: int, command: str, in_force: str) -> None:
    """Start the watcher: a process that waits for the end of this one."""
    command_id = os.getpid()
    watched = os.pidfd_open(command_id)
    watcher = os.fork()
    if watcher:
        os.close(watched)
        return
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)  # a terminal sends them to the watcher, too
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, 0)
        os.dup2(devnull, 1)  # a reader of the command's output waits for its end only
        _until_readable(watched)
        with closing(group):
            _report(group, cap_bytes=cap_bytes, command=command, in_force=in_force)
        code = 0
    finally:
        os._exit(code)


def _report(group: Cgroup, *, cap_bytes: int, command: str, in_force: str) -> None:
    if not group.out_of_memory_kills():
        return
    end = ChildEnd(
        mechanism=group.mechanism,
        cap_bytes=cap_bytes,
        peak_bytes=group.peak_bytes(),
        exit_code=128 + signal.SIGKILL,
        out_of_memory=True,
    )
    error = out_of_memory_error(end, step=command, in_force=in_force, setting="--cap")
    os.write(2, f"ticklake: {error}\n".encode())


def _until_readable(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()
