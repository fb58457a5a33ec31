"""Placeholders such as ``{symbol}``, which bring the slice and the window into a request.

Besides the names of the feed's slices there are ``start_X``, ``end_X`` (exclusive) and
``last_X`` (the last instant of the window), ``before_X`` (the last instant before) with X one of
s, ms, us, ns; and ``start_iso``, ``end_iso``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from include.ticklake.errors import FeedFileError
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

WINDOW_NAMES = frozenset(
    [f"{end}_{unit}" for end in ("start", "end", "last", "before") for unit in UNIT_NS]
    + ["start_iso", "end_iso"]
)

_NAME = re.compile(r"\{(\w+)\}")


def placeholder_names(text: str) -> set[str]:
    """The names of the placeholders in *text*."""
    return set(_NAME.findall(text))


def render(text: str, values: Mapping[str, str]) -> str:
    """*text* with every ``{name}`` replaced by its value."""
    try:
        return _NAME.sub(lambda match: values[match[1]], text)
    except KeyError as unknown:
        known = ", ".join(sorted(values))
        raise FeedFileError(
            f"unknown placeholder {unknown.args[0]!r} in {text!r}; known: {known}"
        ) from None


def window_values(window: Window) -> dict[str, str]:
    """The bounds of *window* by name, in every unit."""
    iso = "%Y-%m-%dT%H:%M:%SZ"
    values = {"start_iso": f"{window.start:{iso}}", "end_iso": f"{window.end:{iso}}"}
    for unit, unit_ns in UNIT_NS.items():
        start, end = (ms * 10**6 // unit_ns for ms in (window.start_ms, window.end_ms))
        values |= {f"start_{unit}": str(start), f"end_{unit}": str(end)}
        values |= {f"last_{unit}": str(end - 1), f"before_{unit}": str(start - 1)}
    return values
