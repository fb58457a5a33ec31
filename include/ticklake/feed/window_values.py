"""What the placeholders of a window stand for: its bounds, in whatever form a source takes them.

There are ``start_X``, ``end_X`` (exclusive), ``last_X`` (the last instant of the window) and
``before_X`` (the last one before), with X one of s, ms, us, ns, min (numbers since 1970) and
float_s (seconds with a fraction); ``start_iso`` and ``end_iso``; ``start_date`` and so on, a day;
and ``{start:%Y-%m-%d %H:%M:%S}``, any format, ``{start@Asia/Seoul:%Y%m%d}`` in the time of a zone.
"""

from __future__ import annotations

from collections.abc import Mapping

from include.ticklake.model.time_writing import TimeWriter
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

EDGES = ("start", "end", "last", "before")
WINDOW_NAMES = frozenset(f"{edge}_{unit}" for edge in EDGES for unit in UNIT_NS) | {
    "start_iso",
    "end_iso",
}
"""Those that a query has, too."""

DATE_NAMES = {f"{edge}_date": edge for edge in EDGES}
NUMBER_NAMES = (WINDOW_NAMES - {"start_iso", "end_iso"}) | {
    f"{edge}_{unit}" for edge in EDGES for unit in ("min", "float_s")
}
REQUEST_NAMES = WINDOW_NAMES | NUMBER_NAMES | DATE_NAMES.keys()
"""Those that a request may use without a format."""
_KNOWN_FIRST = ("start_iso", "end_iso", "start_ms", "end_ms", "start_s", "end_s")
WINDOW_PLACEHOLDERS = (*_KNOWN_FIRST, *sorted(REQUEST_NAMES - set(_KNOWN_FIRST)))
"""The same, those of most APIs first."""

_DATE = "%Y-%m-%d"
_MINUTE_MS = 60_000


def window_values(window: Window) -> dict[str, str]:
    """The bounds of *window* by name, in every unit."""
    iso = "%Y-%m-%dT%H:%M:%SZ"
    values = {"start_iso": f"{window.start:{iso}}", "end_iso": f"{window.end:{iso}}"}
    for unit, unit_ns in UNIT_NS.items():
        start, end = (ms * 10**6 // unit_ns for ms in (window.start_ms, window.end_ms))
        values |= _bounds(unit, start, end)
    return values


class RequestValues(dict[str, str]):
    """The values of the placeholders of one unit's requests; times in a format as they are used."""

    def __init__(self, slice_values: Mapping[str, str], window: Window) -> None:
        super().__init__(slice_values)
        self.update(window_values(window))
        self.update(_bounds("min", window.start_ms // _MINUTE_MS, -(-window.end_ms // _MINUTE_MS)))
        self.update(_float_seconds(window))
        self._window = window

    def __missing__(self, key: str) -> str:
        name, _, form = key.partition(":")
        name, _, zone = name.partition("@")
        edge = DATE_NAMES.get(name, name)
        if edge not in EDGES or not (form or name in DATE_NAMES):
            raise KeyError(key)
        return _formatted(self._window, edge, TimeWriter.of(form or _DATE, zone or None))


def _bounds(unit: str, start: int, end: int) -> dict[str, str]:
    """Both ends in *unit*, inclusive and exclusive."""
    at = {"start": start, "end": end, "last": end - 1, "before": start - 1}
    return {f"{edge}_{unit}": str(value) for edge, value in at.items()}


def _float_seconds(window: Window) -> dict[str, str]:
    start, end = window.start_ms // 1000, window.end_ms // 1000
    return {
        "start_float_s": str(start), "end_float_s": str(end),
        "last_float_s": f"{end - 1}.999999999", "before_float_s": f"{start - 1}.999999999",
    }  # fmt: skip


def _formatted(window: Window, edge: str, writer: TimeWriter) -> str:
    at = writer.start(window.start) if edge in ("start", "before") else writer.end(window.end)
    if edge in ("last", "before"):
        at -= writer.step
    return writer.write(at, later=edge in ("end", "last"))
