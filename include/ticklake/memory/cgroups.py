"""Creates memory-limited cgroups beside or below the one that this process is in.

Version 2 and version 1 differ in the names of their files and in where a group
may be created: in version 2 a folder that holds processes cannot give its children
a controller, so the group is created beside our own rather than below it.

A group's folder is locked (``flock``) for as long as the process that created it
lives. A folder that nobody locks was left by a killed run: it is removed, with every
process in it, when the next one is created.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "ticklake-"

ALLOCATOR_ENV: Mapping[str, str] = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "TOKIO_WORKER_THREADS": "1",  # obstore's; one for each core, and a limit counts their stacks
}
"""Keeps a process small: Arrow's own allocator, and many arenas, hold on to freed memory."""

_REMOVE_WITHIN_S = 5.0
_ENTER = 'echo $$ > "$0" || exit 125; '


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupVersion:
    """The names that one version of the memory controller gives to its files."""

    mechanism: str
    limit: str
    swap: str
    peak: str
    events: str


V1 = CgroupVersion(
    mechanism="cgroup v1",
    limit="memory.limit_in_bytes",
    swap="memory.memsw.limit_in_bytes",
    peak="memory.max_usage_in_bytes",
    events="memory.oom_control",
)
V2 = CgroupVersion(
    mechanism="cgroup v2",
    limit="memory.max",
    swap="memory.swap.max",
    peak="memory.peak",
    events="memory.events",
)


@dataclass(frozen=True, slots=True)
class CgroupParent:
    """A folder of the cgroup tree that may be able to hold a new group."""

    version: CgroupVersion
    folder: Path


class Cgroup:
    """One memory-limited group; ``close`` kills what is left in it and removes it."""

    defaults: Mapping[str, str] = ALLOCATOR_ENV

    def __init__(self, version: CgroupVersion, folder: Path, *, lock: int) -> None:
        self.mechanism = version.mechanism
        self.folder = folder
        self._version = version
        self._lock: int | None = lock

    @property
    def launcher(self) -> list[str]:
        """The argv prefix that starts a program inside the group."""
        # The shell moves itself in and then becomes the program. It has to be a
        # program of its own: Python code between fork and exec can deadlock.
        script = f'{_ENTER}unset PWD; exec "$@"'
        return ["/bin/sh", "-c", script, str(self.folder / "cgroup.procs")]

    def limit(self, cap_bytes: int) -> None:
        """Write the limit; ``OSError`` where the kernel does not accept it."""
        (self.folder / self._version.limit).write_text(str(cap_bytes))
        swap = self.folder / self._version.swap
        if self._version is V2:
            _write_if_exists(swap, "0")
            _write_if_exists(self.folder / "memory.oom.group", "1")
        elif swap.exists():
            swap.write_text(str(cap_bytes))
        else:  # swap is not counted here: at least avoid it
            _write_if_exists(self.folder / "memory.swappiness", "0")

    def probe(self) -> None:
        """Raise unless a process can enter: a created folder does not guarantee that."""
        argv = ["/bin/sh", "-c", _ENTER, str(self.folder / "cgroup.procs")]
        subprocess.run(argv, check=True, capture_output=True, timeout=10, env={})

    def enter(self) -> None:
        """Move this process in; ``OSError`` where it may not."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def peak_bytes(self) -> int | None:
        """Return the most that the group ever held; None where the kernel does not count it."""
        peak = self.folder / self._version.peak
        return int(peak.read_text()) if peak.exists() else None

    def out_of_memory_kills(self) -> int:
        """Return how many processes of the group were killed for lack of memory."""
        events = (self.folder / self._version.events).read_text()
        kills = re.search(r"^oom_kill (\d+)$", events, re.MULTILINE)
        return int(kills[1]) if kills else 0

    def close(self) -> None:
        """Remove the group, and every process in it; a second call does nothing."""
        if self._lock is not None:
            _remove(self.folder)
            os.close(self._lock)
            self._lock = None


def open_group(cap_bytes: int, *, parents: Iterable[CgroupParent] | None = None) -> Cgroup | None:
    """Create a group limited to *cap_bytes*; None where this process may not create any."""
    for parent in find_parents() if parents is None else parents:
        try:
            return _create(parent, cap_bytes=cap_bytes)
        except (OSError, subprocess.SubprocessError) as error:
            log.debug("cgroup.refused folder=%s reason=%s", parent.folder, error)
    return None


def find_parents(*, proc: Path = Path("/proc/self")) -> list[CgroupParent]:
    """Return the folders that may hold a memory group of this process, best first."""
    try:
        mounts = (proc / "mountinfo").read_text().splitlines()
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return []
    paths = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    memory = next((path for names, path in paths.items() if "memory" in names.split(",")), None)
    parents = []
    for mount in mounts:
        left, _, right = mount.partition(" - ")
        (kind, _, options), (root, point) = right.split(" ", 2), left.split(" ")[3:5]
        if kind == "cgroup2" and (ours := _folder(point, root, paths.get(""))):
            above = [ours.parent] if ours != Path(point) else []
            folders = [folder for folder in (ours, *above) if _has_memory(folder)]
            parents += [CgroupParent(V2, folder) for folder in folders]
        elif kind == "cgroup" and "memory" in options.split(","):
            ours = _folder(point, root, memory)
            parents += [CgroupParent(V1, ours)] if ours else []
    return parents


def remove_stale_groups(parent: Path) -> None:
    """Remove the groups under *parent* whose creators are dead."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            log.warning("cgroup.removed folder=%s", folder)
            _remove(folder)


def _create(parent: CgroupParent, *, cap_bytes: int) -> Cgroup:
    # The lock in the parent keeps another run from removing our group in the instant
    # between its creation and its locking. It is not on the folder: a parent that is such a
    # group itself is locked for as long as its creator lives.
    with _locked(parent.folder / "cgroup.procs", fcntl.LOCK_EX):
        if parent.version is V2:
            _enable_memory_controller(parent.folder)
        remove_stale_groups(parent.folder)
        folder = parent.folder / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir()
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    group = Cgroup(parent.version, folder, lock=lock)
    try:
        group.limit(cap_bytes)
        group.probe()
    except BaseException:
        group.close()
        raise
    return group


def _folder(point: str, root: str, path: str | None) -> Path | None:
    """Return the folder of *path* in the mount at *point*, which shows the tree from *root*."""
    if path is None or ".." in path.split("/") or not Path(path).is_relative_to(root):
        return None
    return Path(point) / Path(path).relative_to(root)


def _has_memory(folder: Path) -> bool:
    controllers = folder / "cgroup.controllers"
    return controllers.exists() and "memory" in controllers.read_text().split()


def _enable_memory_controller(parent: Path) -> None:
    control = parent / "cgroup.subtree_control"
    if "memory" not in control.read_text().split():
        control.write_text("+memory")  # EBUSY where processes live: the next parent is tried


def _write_if_exists(file: Path, text: str) -> None:
    if file.exists():
        file.write_text(text)


def _kill(folder: Path) -> None:
    for pid in (folder / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError, PermissionError):
            if pid != "0":  # zero: a process that our PID namespace cannot name
                os.kill(int(pid), signal.SIGKILL)


def _remove(folder: Path) -> None:
    """Kill and remove; a group that cannot be removed in time is logged and left."""
    deadline = time.monotonic() + _REMOVE_WITHIN_S
    while True:
        try:
            _kill(folder)
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as busy:
            if time.monotonic() > deadline:
                log.warning("cgroup.left folder=%s reason=%s", folder, busy.strerror)
                return
            time.sleep(0.01)  # the kernel releases dead processes a moment later
        else:
            return


@contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)
