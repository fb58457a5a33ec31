"""Lengths of time as feeds write them: ``15m``, ``1h``, ``1d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_DURATION = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_LONGEST_S = 100 * 366 * 86400
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_duration(text: str) -> timedelta:
    """Return ``15m`` as fifteen minutes; ``ValueError`` if *text* is not a length of time."""
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError(f"{text!r} is not a length of time; write it as 1h, 15m or 1d")
    return timedelta(seconds=seconds)


def format_duration(length: timedelta) -> str:
    """``15m`` for fifteen minutes: in the largest unit that leaves nothing over."""
    seconds = int(length.total_seconds())
    unit, unit_s = next(
        (unit, unit_s) for unit, unit_s in reversed(_SECONDS.items()) if seconds % unit_s == 0
    )
    return f"{seconds // unit_s}{unit}"


def _parsed(value: object) -> object:
    # YAML reads 1:30 as a number of seconds, and pydantic would take it.
    if not isinstance(value, str | int | float | timedelta) or isinstance(value, bool):
        raise ValueError("must be a length of time, such as 1h, 15m or 1d")
    return value if isinstance(value, timedelta) else parse_duration(str(value))


Duration = Annotated[
    timedelta,
    BeforeValidator(_parsed),
    PlainSerializer(lambda length: f"{int(length.total_seconds())}s"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+[smhdw]$"}),
]
