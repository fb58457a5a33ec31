"""Lines to the person who watches, and lines from a program that starts."""

from __future__ import annotations

import selectors
import sys
from typing import IO


def say(text: str) -> None:
    """A line to the person who watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def first_line(output: IO[str] | None, *, limit_s: float) -> str:
    """The first line of *output*, empty if none came in *limit_s*."""
    if output is None:
        return ""
    with selectors.DefaultSelector() as waiting:
        waiting.register(output, selectors.EVENT_READ)
        return output.readline() if waiting.select(limit_s) else ""


def base_url_of(line: str) -> str | None:
    """Where a replay that printed *line* listens; None for another line."""
    _, is_listening, base_url = line.rstrip().partition("listens on ")
    return base_url if is_listening else None
