"""What stands at the other end: a terminal, for people, or a file or pipe, for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Literal, TextIO

Style = Literal["bold", "dim", "red", "green", "yellow"]
_CODES: Mapping[Style, int] = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}

BAR = "_TICKLAKE_BAR"
"""Set while a bar is shown: this process then writes to the terminal through the bar's."""


def is_terminal(stream: TextIO) -> bool:
    """Whether *stream*, ours for results or for messages, ends at a terminal."""
    name = {1: "out", 2: "err"}.get(_descriptor(stream), "neither")
    return stream.isatty() or name in os.environ.get(BAR, "").split(",")


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
