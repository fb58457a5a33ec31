"""A disk that forgets: what a power cut leaves of what a command wrote.

A command runs in a process of its own that notes what it flushes: the bytes of a file, the names
in a folder. A file that was written and not flushed is empty after a power cut, and a name that was
made and not flushed is not there. What the process reported, it had to have on the disk by then.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

Event = dict[str, Any]


class Disk:
    """What is on the disk below *folder* after some events."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._names: dict[str, dict[str, int | None]] = {}
        self._bodies: dict[int, bytes] = {}

    def apply(self, event: Event) -> None:
        """Note one flush."""
        if event["kind"] == "folder":
            self._names[event["path"]] = event["names"]
            for inode, body in event["bodies"].items():
                # Also an inode that was another file's: what is in it now was never flushed.
                if self._bodies.get(int(inode)) != bytes.fromhex(body):
                    self._bodies.pop(int(inode), None)
        elif event["kind"] == "file":
            self._bodies[event["inode"]] = bytes.fromhex(event["body"])

    def write_to(self, target: Path) -> None:
        """Make the files that are left in the folder *target*."""
        self._write(self._folder, target)

    def _write(self, folder: str, target: Path) -> None:
        target.mkdir()
        for name, inode in self._names.get(folder, {}).items():
            if inode is None:
                self._write(f"{folder}/{name}", target / name)
            else:
                (target / name).write_bytes(self._bodies.get(inode, b""))


def run(argv: Sequence[str], *, folder: Path, log: Path) -> list[Event]:
    """Run the command *argv*, and return what it flushed below *folder* and what it reported."""
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", __name__, str(folder), str(log), *argv]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in log.read_text().splitlines()]


def cuts(events: Sequence[Event], disk: Disk, folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the files that are left after each of *events*, and what was reported before."""
    reported: list[str] = []
    for number, event in enumerate(events):
        disk.apply(event)
        if event["kind"] == "report":
            reported.append(event["line"])
        target = folder / str(number)
        disk.write_to(target)
        yield target, reported


class _Recorder:
    """Notes each flush of this process."""

    def __init__(self, folder: str, log: TextIO) -> None:
        self._folder = folder
        self._log = log

    def note(self, **event: object) -> None:
        self._log.write(f"{json.dumps(event)}\n")
        self._log.flush()

    def flush(self, descriptor: int) -> None:
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if not path.startswith(self._folder):
            return
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            self._flush_folder(path)
        else:
            self.note(kind="file", inode=status.st_ino, body=Path(path).read_bytes().hex())

    def _flush_folder(self, path: str) -> None:
        names: dict[str, int | None] = {}
        bodies = {}
        for entry in os.scandir(path):
            names[entry.name] = None if entry.is_dir() else entry.inode()
            if entry.is_file():
                bodies[entry.inode()] = Path(entry.path).read_bytes().hex()
        self.note(kind="folder", path=path, names=names, bodies=bodies)


class _Reports:
    """The output of the command, each line of it a report."""

    def __init__(self, out: TextIO, report: Callable[[str], None]) -> None:
        self._out, self._report = out, report

    def write(self, text: str) -> int:
        if text.strip():
            self._report(text.strip())
        return self._out.write(text)

    def flush(self) -> None:
        self._out.flush()

    def isatty(self) -> bool:
        return False


def _main(folder: str, log: str, *argv: str) -> int:
    from include.ticklake.cli.main import main

    with Path(log).open("a", encoding="utf-8") as opened:
        recorder = _Recorder(folder, opened)
        flush = os.fsync

        def fsync(descriptor: Any) -> None:
            flush(descriptor)
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            recorder.flush(number)

        os.fsync = fsync
        sys.stdout = _Reports(  # type: ignore[assignment]
            sys.stdout, lambda line: recorder.note(kind="report", line=line)
        )
        return main(argv)


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
