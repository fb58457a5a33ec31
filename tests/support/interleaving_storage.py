"""A storage in whose use something else happens at a chosen step: two tasks that meet.

Every read, listing, move and delete is a step. Before one of them, the other task runs
from its beginning to its end, on the same objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from include.ticklake.lake.storage import Storage


@dataclass(slots=True)
class Meeting:
    """Counts steps, and does *other* before the one of that number."""

    at_step: int
    other: Callable[[], object]
    watch: Callable[[], object] = lambda: None
    """Done before each step from then on."""
    steps: int = 0
    met: bool = False

    def step(self) -> None:
        if self.steps == self.at_step:
            self.at_latest()
        self.steps += 1
        if self.met:
            self.watch()

    def at_latest(self) -> None:
        """Do it now where it was not done yet."""
        if not self.met:
            self.met = True
            self.other()


@dataclass(slots=True)
class _MeetingKeys:
    keys: Any
    meeting: Meeting

    def move(self, source: str, target: str) -> None:
        self.meeting.step()
        self.keys.move(source, target)

    def delete(self, path: str) -> None:
        self.meeting.step()
        self.keys.delete(path)


@dataclass(frozen=True, slots=True)
class Interleaved(Storage):
    """Steps are counted; ``meeting.steps`` says how many there were."""

    meeting: Meeting = field(default_factory=lambda: Meeting(-1, lambda: None))

    @classmethod
    def around(cls, storage: Storage, *, at_step: int, other: Callable[[], object]) -> Interleaved:
        """*storage*, with *other* done before step number *at_step*, counted from nought."""
        meeting = Meeting(at_step, other)
        keys = _MeetingKeys(storage.keys, meeting)
        return cls(storage.root_uri, storage.filesystem, keys, storage.prefix, meeting)

    def exists(self, key: str) -> bool:
        self.meeting.step()
        return Storage.exists(self, key)

    def open_input(self, key: str) -> Any:
        self.meeting.step()
        return Storage.open_input(self, key)

    def open_file(self, key: str) -> Any:
        self.meeting.step()
        return Storage.open_file(self, key)

    def list(self, prefix: str) -> Iterator[str]:
        self.meeting.step()
        return Storage.list(self, prefix)
