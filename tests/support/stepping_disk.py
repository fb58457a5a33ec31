"""A lake on a disk, and a function before each call of it: as ``MemoryBucket`` for buckets."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from include.ticklake.lake.local_disk import LocalDisk
from include.ticklake.lake.storage import Storage
from tests.support.memory_bucket import Step, nothing
from tests.support.stepping_store import CHANGES, READS

_MOVES = frozenset({"move", "move_if", "copy"})


class SteppingDisk:
    """The files; each ``storage()`` is the connection of one process."""

    honours_conditions = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def storage(self, before: Step = nothing, after_change: Step = nothing) -> Storage:
        """The lake in this folder; *before* is called before each call."""
        disk = _Disk(LocalDisk(str(self._folder)), before, after_change)
        return Storage(f"file://{self._folder}", disk)


class _Disk:
    def __init__(self, disk: LocalDisk, before: Step, after_change: Step) -> None:
        self._disk, self._before, self._after_change = disk, before, after_change
        self._turn = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._disk, name)
        if name not in CHANGES | READS:
            return operation

        def stepping(*keys: str, **options: Any) -> Any:
            with self._turn:
                self._before(name, keys[0])
                done = operation(*keys, **options)
                if name in CHANGES:
                    self._after_change(name, keys[1] if name in _MOVES else keys[0])
                return done

        return stepping
