"""How far a command is: sent to the bar of its terminal, and nowhere else."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from include.ticklake.cli.terminal import bar_pipes

if TYPE_CHECKING:
    from include.ticklake.lake.storage import Storage


T = TypeVar("T")
_EVERY_S = 0.1


def is_shown() -> bool:
    """Whether there is a bar."""
    return bar_pipes() is not None


def send(**update: object) -> None:
    """Send ``done``, ``total``, ``part`` (of one, from 0 to 1) or ``note`` to the bar."""
    if (pipes := bar_pipes()) is not None:
        with suppress(OSError):  # full, or its viewer was killed
            os.write(pipes.progress, f"{json.dumps(update)}\n".encode())


def track(
    items: Iterable[T], *, total: Callable[[], int | None], note: Callable[[T], object] = str
) -> Iterator[T]:
    """Yield *items*, and send how many are done of the *total*, which is counted for a bar only."""
    if not is_shown():
        yield from items
        return
    count = total()
    done = 0
    for item in items:
        send(done=done, total=count, part=0, note=str(note(item)))
        yield item
        done += 1
    send(done=done, total=count, part=0, note="")


class ReadMeter:
    """Sends how much of a unit's JSON was read: *storage* counts what is read through it."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        if is_shown():
            self.storage = replace(storage, store=_MeteredStore(storage.store, self._add))
        self._expected_bytes: Mapping[str, int] = {}
        self._read_bytes: Counter[str] = Counter()
        self._sent_s = 0.0

    def expect(self, parts: Mapping[str, int]) -> None:
        """It is the turn of the unit with these *parts*, in bytes by key."""
        for key in self._expected_bytes:
            self._read_bytes.pop(key, None)
        self._expected_bytes = parts

    def _add(self, key: str, size_bytes: int) -> None:
        self._read_bytes[key] += size_bytes
        expected, now_s = self._expected_bytes, time.monotonic()
        if key in expected and now_s > self._sent_s + _EVERY_S:
            self._sent_s = now_s
            read_bytes = sum(self._read_bytes[part] for part in expected)
            send(part=min(1.0, read_bytes / max(1, sum(expected.values()))))


class _MeteredStore:
    """A store that counts what is read of its streams."""

    def __init__(self, store: Any, add: Callable[[str, int], None]) -> None:  # noqa: ANN401
        object.__setattr__(self, "_store", store)
        object.__setattr__(self, "_add", add)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._store, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._store, name, value)

    def open_input(self, key: str) -> Any:  # noqa: ANN401
        """The stream of the store, counted."""
        return _MeteredStream(self._store.open_input(key), partial(self._add, key))


class _MeteredStream:
    def __init__(self, stream: Any, add: Callable[[int], None]) -> None:  # noqa: ANN401
        self._stream, self._add = stream, add

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stream, name)

    def __enter__(self) -> _MeteredStream:
        self._stream.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:  # noqa: ANN401
        self._stream.__exit__(*raised)

    def read(self, *size: int) -> bytes:
        """The next bytes."""
        data: bytes = self._stream.read(*size)
        self._add(len(data))
        return data
