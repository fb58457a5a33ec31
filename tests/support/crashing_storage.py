"""A storage that dies at a chosen step: what is left is what a killed worker leaves."""

from __future__ import annotations

from include.ticklake.lake.storage import Storage
from tests.support.stepping_store import CHANGES, SteppingStore


class Crash(BaseException):
    """The process is gone; nothing of ours may catch this and go on."""


def crashing(storage: Storage, *, after_steps: int) -> Storage:
    """*storage* that dies before change number *after_steps*, counted from 0, and stays dead."""
    left = after_steps

    def step() -> None:
        nonlocal left
        if left <= 0:
            left = 0
            raise Crash
        left -= 1

    return Storage(storage.root_uri, SteppingStore(storage.store, step, CHANGES))
