"""A storage that dies at a chosen step: what is left is what a killed worker leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from include.ticklake.lake.storage import Storage


class Crash(BaseException):
    """The process is gone; nothing of ours may catch this and go on."""


@dataclass(slots=True)
class _Steps:
    left: int
    dead: bool = False

    def take(self) -> None:
        if self.dead or self.left <= 0:
            self.dead = True
            raise Crash
        self.left -= 1


@dataclass(slots=True)
class _CrashingKeys:
    keys: Any
    steps: _Steps

    def move(self, source: str, target: str) -> None:
        self.steps.take()
        self.keys.move(source, target)

    def delete(self, path: str) -> None:
        self.steps.take()
        self.keys.delete(path)


@dataclass(frozen=True, slots=True)
class Crashing(Storage):
    """Every move and delete is a step; after some of them all further ones fail."""

    steps: _Steps = field(default_factory=lambda: _Steps(0))

    @classmethod
    def around(cls, storage: Storage, *, after_steps: int) -> Crashing:
        """*storage* that dies before step number *after_steps*, counted from nought."""
        steps = _Steps(after_steps)
        keys = _CrashingKeys(storage.keys, steps)
        return cls(storage.root_uri, storage.filesystem, keys, storage.prefix, steps)
