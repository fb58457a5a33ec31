"""This process's place in the cgroup tree in, a new memory-capped group beside or below it out.

Version 2 and version 1 differ in the names of their files and in where a group
may be made: in version 2 a folder that holds processes cannot give its children
a controller, so the group is made beside our own rather than below it.

A group's folder is locked (``flock``) for as long as the process that made it
lives. A folder that nobody holds is what a killed run left behind: it is swept,
with whatever still runs in it, when the next one is made.
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

ALLOCATOR_ENV: Mapping[str, str] = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
"""Keeps a child small: Arrow's own allocator, and many arenas, hold on to what was freed."""

_REMOVE_WITHIN_S = 5.0
_ENTER = 'echo $$ > "$0" || exit 125; '


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupVersion:
    """What one version of the memory controller calls its files."""

    how: str
    cap: str
    swap: str
    peak: str
    events: str


V1 = CgroupVersion(
    how="cgroup v1",
    cap="memory.limit_in_bytes",
    swap="memory.memsw.limit_in_bytes",
    peak="memory.max_usage_in_bytes",
    events="memory.oom_control",
)
V2 = CgroupVersion(
    how="cgroup v2",
    cap="memory.max",
    swap="memory.swap.max",
    peak="memory.peak",
    events="memory.events",
)


@dataclass(frozen=True, slots=True)
class CgroupParent:
    """A folder of the cgroup tree under which a group may be tried."""

    version: CgroupVersion
    folder: Path


class Cgroup:
    """One capped memory group; ``close`` kills what is left inside and removes it."""

    defaults: Mapping[str, str] = ALLOCATOR_ENV

    def __init__(self, version: CgroupVersion, folder: Path, *, lock: int) -> None:
        self.how = version.how
        self.folder = folder
        self._version = version
        self._lock: int | None = lock

    @property
    def launcher(self) -> list[str]:
        """What to put before an argv so that it starts inside the group."""
        # The shell moves itself in and then becomes the program. It has to be a
        # program of its own: Python code between fork and exec can deadlock.
        script = f'{_ENTER}unset PWD; exec "$@"'
        return ["/bin/sh", "-c", script, str(self.folder / "cgroup.procs")]

    def limit(self, cap_bytes: int) -> None:
        """Write the cap; ``OSError`` where the kernel does not take it."""
        (self.folder / self._version.cap).write_text(str(cap_bytes))
        swap = self.folder / self._version.swap
        if self._version is V2:
            _write_if_there(swap, "0")
            _write_if_there(self.folder / "memory.oom.group", "1")
        elif swap.exists():
            swap.write_text(str(cap_bytes))
        else:  # swap is not accounted here: at least do not use it
            _write_if_there(self.folder / "memory.swappiness", "0")

    def probe(self) -> None:
        """Raise unless a process can enter: making a folder does not promise it."""
        argv = ["/bin/sh", "-c", _ENTER, str(self.folder / "cgroup.procs")]
        subprocess.run(argv, check=True, capture_output=True, timeout=10, env={})

    def peak_bytes(self) -> int | None:
        """The most memory that the group ever held; None where the kernel does not count it."""
        peak = self.folder / self._version.peak
        return int(peak.read_text()) if peak.exists() else None

    def out_of_memory_kills(self) -> int:
        """How many processes of the group were killed for want of memory."""
        events = (self.folder / self._version.events).read_text()
        found = re.search(r"^oom_kill (\d+)$", events, re.MULTILINE)
        return int(found[1]) if found else 0

    def close(self) -> None:
        """Remove the group, and every process in it; a second time does nothing."""
        if self._lock is not None:
            _remove(self.folder)
            os.close(self._lock)
            self._lock = None


def open_group(cap_bytes: int, *, homes: Iterable[CgroupParent] | None = None) -> Cgroup | None:
    """A group capped at *cap_bytes*, or None where this process may make none."""
    for home in find_parents() if homes is None else homes:
        try:
            return _make(home, cap_bytes=cap_bytes)
        except (OSError, subprocess.SubprocessError) as refused:
            log.debug("cgroup.refused folder=%s reason=%s", home.folder, refused)
    return None


def find_parents(*, proc: Path = Path("/proc/self")) -> list[CgroupParent]:
    """The folders that may take a memory group of this process, best first."""
    try:
        mounts = (proc / "mountinfo").read_text().splitlines()
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return []
    places = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    memory = next((path for names, path in places.items() if "memory" in names.split(",")), None)
    homes = []
    for mount in mounts:
        left, _, right = mount.partition(" - ")
        (kind, _, options), (root, point) = right.split(" ", 2), left.split(" ")[3:5]
        if kind == "cgroup2" and (own := _place(point, root, places.get(""))):
            beside = [own.parent] if own != Path(point) else []
            homes += [CgroupParent(V2, place) for place in (own, *beside) if _has_memory(place)]
        elif kind == "cgroup" and "memory" in options.split(","):
            own = _place(point, root, memory)
            homes += [CgroupParent(V1, own)] if own else []
    return homes


def remove_stale_groups(home: Path) -> None:
    """Remove the groups under *home* whose makers are dead."""
    for folder in home.glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            log.warning("cgroup.swept folder=%s", folder)
            _remove(folder)


def _make(home: CgroupParent, *, cap_bytes: int) -> Cgroup:
    # The lock on the home keeps another run from sweeping ours in the instant
    # between its making and its locking.
    with _locked(home.folder, fcntl.LOCK_EX):
        if home.version is V2:
            _enable_memory_controller(home.folder)
        remove_stale_groups(home.folder)
        folder = home.folder / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir()
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
    group = Cgroup(home.version, folder, lock=lock)
    try:
        group.limit(cap_bytes)
        group.probe()
    except BaseException:
        group.close()
        raise
    return group


def _place(point: str, root: str, path: str | None) -> Path | None:
    """Where cgroup *path* lies under the mount at *point*, which shows *root* of the tree."""
    if path is None or ".." in path.split("/") or not Path(path).is_relative_to(root):
        return None
    return Path(point) / Path(path).relative_to(root)


def _has_memory(place: Path) -> bool:
    controllers = place / "cgroup.controllers"
    return controllers.exists() and "memory" in controllers.read_text().split()


def _enable_memory_controller(home: Path) -> None:
    control = home / "cgroup.subtree_control"
    if "memory" not in control.read_text().split():
        control.write_text("+memory")  # EBUSY where processes live: the next home is tried


def _write_if_there(file: Path, text: str) -> None:
    if file.exists():
        file.write_text(text)


def _kill(folder: Path) -> None:
    for pid in (folder / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError, PermissionError):
            if pid != "0":  # zero: a process that our PID namespace cannot name
                os.kill(int(pid), signal.SIGKILL)


def _remove(folder: Path) -> None:
    """Kill and remove; a group that will not go within the time is logged and left."""
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
            time.sleep(0.01)  # the kernel lets go of the dead a moment later
        else:
            return


@contextmanager
def _locked(folder: Path, operation: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)
