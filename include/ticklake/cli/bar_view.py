"""Has the bar drawn, and passes on what the command writes: a process of its own."""

from __future__ import annotations

import json
import os
import selectors
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.ticklake.cli.bar_drawing import DrawnBar

_CHUNK_BYTES = 64 * 1024
_WAIT_S = 0.1


def show(title: str, progress: int, texts: Sequence[int]) -> None:
    """Show a bar named *title* until the pipe *progress* says ``end``, or all pipes are closed.

    *texts* are what the command writes for the terminal.
    """
    view = _View(title, progress, texts)
    try:
        view.run()
    finally:
        view.close()


class _View:
    def __init__(self, title: str, progress: int, texts: Sequence[int]) -> None:
        self._title = title
        self._progress = progress
        self._texts = texts
        self._buffers = dict.fromkeys((progress, *texts), b"")
        self._bar: DrawnBar | None = None
        self._values: dict[str, Any] = {"done": 0, "total": None, "part": 0.0, "note": ""}
        self._has_ended = self._is_broken = False

    def run(self) -> None:
        """Read until the end."""
        with selectors.DefaultSelector() as selector:
            for number in self._buffers:
                selector.register(number, selectors.EVENT_READ)
            while selector.get_map():
                # After the end, what is left is read, and nothing is waited for.
                ready = selector.select(0 if self._has_ended else _WAIT_S)
                if self._has_ended and not ready:
                    break
                for key, _ in ready:
                    if not self._take(key.fd):
                        selector.unregister(key.fd)
                self._draw()

    def close(self) -> None:
        """Take the bar away, and write what came without the end of a line."""
        if self._bar is not None:
            with suppress(Exception):
                self._bar.remove()
        for number in self._texts:
            _write(self._buffers[number])

    def _take(self, number: int) -> bool:
        """Read once; whether more may come."""
        data = os.read(number, _CHUNK_BYTES)
        for line in self._lines(number, data):
            if number == self._progress:
                self._update(json.loads(line))
            else:
                self._print(line)
        return bool(data)

    def _lines(self, number: int, data: bytes) -> Iterator[bytes]:
        *lines, self._buffers[number] = (self._buffers[number] + data).split(b"\n")
        yield from lines

    def _update(self, update: dict[str, Any]) -> None:
        self._has_ended |= bool(update.pop("end", False))
        self._values |= update
        if self._bar is None and not self._has_ended and not self._is_broken:
            with self._or_plain_lines():
                from include.ticklake.cli.bar_drawing import DrawnBar

                self._bar = DrawnBar(self._title)

    def _draw(self) -> None:
        if self._bar is not None:
            with self._or_plain_lines():
                self._bar.draw(**self._values)

    def _print(self, line: bytes) -> None:
        if self._bar is not None:
            with self._or_plain_lines():
                self._bar.print(line.decode(errors="replace"))
                return
        _write(line + b"\n")

    @contextmanager
    def _or_plain_lines(self) -> Iterator[None]:
        """Whatever fails while it is drawn costs the bar, and no line."""
        try:
            yield
        except Exception:
            self._bar, self._is_broken = None, True


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(2, data) :]
