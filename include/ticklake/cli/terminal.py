"""What stands at the other end: a terminal, for people, or a file or pipe, for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple, TextIO

Style = Literal["bold", "dim", "red", "green", "yellow"]
_CODES: Mapping[Style, int] = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}

BAR = "_TICKLAKE_BAR"
"""Set while a bar is shown, also for this program when it starts itself again under its limit."""


class BarPipes(NamedTuple):
    """How this process reaches the one that draws its bar; *out* is -1 for a stdout left alone."""

    owner: int
    viewer: int
    progress: int
    err: int
    """The terminal that stderr was, and is again after the bar; so is *out*."""
    out: int


def bar_pipes() -> BarPipes | None:
    """The bar of this process; None where none is shown. A child process has none."""
    text = os.environ.get(BAR)
    pipes = BarPipes(*map(int, text.split())) if text else None
    return pipes if pipes and pipes.owner == os.getpid() else None


def is_terminal(stream: TextIO) -> bool:
    """Whether *stream*, ours for results or for messages, ends at a terminal."""
    if stream.isatty():
        return True
    pipes = bar_pipes()
    if pipes is None:
        return False
    number = _descriptor(stream)
    return number == 2 or (number == 1 and pipes.out >= 0)


def has_colour(stream: TextIO, env: Mapping[str, str] | None = None) -> bool:
    """Whether *stream* shows colours: a terminal does, unless ``NO_COLOR`` is set."""
    env = os.environ if env is None else env
    return not env.get("NO_COLOR") and env.get("TERM") != "dumb" and is_terminal(stream)


def paint(text: str, style: Style, stream: TextIO | None = None) -> str:
    """*text* in a *style* where *stream*, stdout by default, shows colours."""
    if not has_colour(stream or sys.stdout):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def _descriptor(stream: TextIO) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError):  # a test's stream, or a closed one
        return -1
