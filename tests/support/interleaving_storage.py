"""A storage in whose use something else happens at a chosen step: two tasks that meet.

Every read, listing, move and delete is a step. Before one of them, the other task runs
from its beginning to its end, on the same objects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from include.ticklake.lake.storage import Storage
from tests.support.stepping_store import CHANGES, READS, SteppingStore


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


@dataclass(frozen=True, slots=True)
class Interleaved(Storage):
    """Steps are counted; ``meeting.steps`` says how many there were."""

    meeting: Meeting = field(default_factory=lambda: Meeting(-1, lambda: None))

    @classmethod
    def around(cls, storage: Storage, *, at_step: int, other: Callable[[], object]) -> Interleaved:
        """*storage*, with *other* done before step number *at_step*, counted from 0."""
        meeting = Meeting(at_step, other)
        store = SteppingStore(storage.store, meeting.step, CHANGES | READS)
        return cls(storage.root_uri, store, meeting)
