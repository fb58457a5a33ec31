"""Steps with their seconds: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

REDRAW_S = 0.2


class Steps:
    """Prints ``2/5 title ... 12 s`` for each step; *count* is how many come."""

    def __init__(self, count: int, *, output: TextIO | None = None) -> None:
        self._count = count
        self._number = 0
        self._output = output or sys.stdout
        self._is_live = self._output.isatty()
        self._start_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._start_s

    @contextmanager
    def step(self, title: str, detail: Callable[[], str] = lambda: "") -> Iterator[None]:
        """Show *title* while the block runs; *detail* is what follows it on the live line."""
        self._number += 1
        label, start_s = f"{self._number}/{self._count}  {title}", time.monotonic()
        is_over = threading.Event()

        def draw() -> None:
            while not is_over.wait(REDRAW_S):
                seconds = time.monotonic() - start_s
                self._write(f"\r\x1b[2K{label}  {detail()}  {seconds:.0f} s")

        drawing = threading.Thread(target=draw, daemon=True)
        if self._is_live:
            drawing.start()
        else:
            self._write(f"{label} ...\n")
        is_done = False
        try:
            yield
            is_done = True
        finally:
            is_over.set()
            seconds = time.monotonic() - start_s
            if self._is_live:
                drawing.join()
                self._write(f"\r\x1b[2K{label}  {f'{seconds:.1f} s' if is_done else 'failed'}\n")
            elif is_done:
                self._write(f"     done after {seconds:.1f} s\n")

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()
