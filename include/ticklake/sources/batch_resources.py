"""Connections that the units of a batch leave to each other."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from contextlib import ExitStack
from typing import Any, Protocol, TypeVar, cast


class Closable(Protocol):
    """What is closed with its batch."""

    def close(self) -> None:
        """Release what it holds."""


C = TypeVar("C", bound=Closable)


class BatchResources:
    """For several threads; close it when the batch is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: defaultdict[Hashable, list[Any]] = defaultdict(list)

    def take(self, key: Hashable, make: Callable[[], C]) -> C:
        """One of the things of that *key* that nobody uses, a new one where there is none."""
        with self._lock:
            if free := self._free[key]:
                return cast("C", free.pop())
        return make()

    def give_back(self, key: Hashable, thing: Closable) -> None:
        """*thing*, which ``take`` returned, is free for the next."""
        with self._lock:
            self._free[key].append(thing)

    def close(self) -> None:
        """Close what nobody uses."""
        with self._lock:
            things = [thing for free in self._free.values() for thing in free]
            self._free.clear()
        with ExitStack() as stack:
            for thing in things:
                stack.callback(thing.close)
