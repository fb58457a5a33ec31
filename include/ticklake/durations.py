"""Lengths of time as feeds write them: ``15m``, ``1h``, ``1d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_DURATION = re.compile(r"(\d+)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_duration(text: str) -> timedelta:
    """``15m`` as fifteen minutes; raises ``ValueError`` for what is no length of time."""
    found = _DURATION.fullmatch(text)
    if not found or int(found[1]) == 0:
        raise ValueError(f"{text!r} is not a length of time; write it as 1h, 15m or 1d")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


Duration = Annotated[
    timedelta,
    BeforeValidator(lambda value: parse_duration(value) if isinstance(value, str) else value),
    PlainSerializer(lambda length: f"{int(length.total_seconds())}s"),
    WithJsonSchema({"type": "string", "pattern": r"^\d+[smhdw]$"}),
]
