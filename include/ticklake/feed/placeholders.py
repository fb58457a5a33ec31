"""Placeholders such as ``{symbol}``, which bring the slice and the window into a request.

Besides the names of the feed's slices there are ``start_X``, ``end_X`` (exclusive) and
``last_X`` (the last instant of the window), ``before_X`` (the last instant before) with X one of
s, ms, us, ns; and ``start_iso``, ``end_iso``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import islice

from include.ticklake.errors import FeedFileError, did_you_mean
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

WINDOW_NAMES = frozenset(
    [f"{end}_{unit}" for end in ("start", "end", "last", "before") for unit in UNIT_NS]
    + ["start_iso", "end_iso"]
)

_NAME = re.compile(r"\{(\w+)\}")
_BRACES = re.compile(r"\{+[^{}]*\}*|\}")
_MAX_LISTED = 10
_MAX_JSON_DEPTH = 50
_JSON = re.compile(r'\{\s*"[^{}]*\}')


def placeholder_names(text: str) -> set[str]:
    """The names of the placeholders in *text*."""
    return set(_NAME.findall(text))


def check_placeholders(text: str, known: Collection[str]) -> None:
    """Raise ``ValueError`` for every brace in *text* but those of placeholders in *known*.

    Braces of JSON are not placeholders: ``{"symbol": "{symbol}"}``.
    """
    for name in _NAME.findall(text):
        if name not in known:
            hint = did_you_mean(name, known) or f"; known: {_listed(known)}"
            raise ValueError(f"unknown placeholder {name!r} in {text!r}{hint}")
    rest = _NAME.sub("", text)
    for _ in range(_MAX_JSON_DEPTH):  # each round removes the innermost braces
        without_json = _JSON.sub("", rest)
        if without_json == rest:
            break
        rest = without_json
    if "{" in rest or "}" in rest:
        braces = (match[0] for match in _BRACES.finditer(text))
        first = next((part for part in braces if not _NAME.fullmatch(part)), text)
        raise ValueError(
            f"{first!r} in {text!r} is not a placeholder, which is a name in braces and takes no "
            f"format; known: {_listed(known)}"
        )


def _listed(names: Collection[str]) -> str:
    shown = [f"{{{name}}}" for name in islice(names, _MAX_LISTED)]
    return ", ".join(shown + ["..."] * (len(names) > _MAX_LISTED)) or "none"


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
