"""Templates to answers: everything that comes from elsewhere is escaped, or shown as ``?``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.ticklake.model.sizes import format_bytes
from include.ticklake.model.times import EPOCH

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.model.slice import Slice
    from include.ui.access import Viewer

UNREADABLE = "?"
"""Shown in place of what is not a number, or no time."""
_TOO_LARGE = 2**63

VIEWS = {
    "feeds": "Feeds",
    "coverage": "Coverage",
    "memory": "Memory",
    "data": "Data",
    "quarantine": "Quarantine",
}
"""The views of the navigation, and what they are called there."""


def render(
    template: str,
    viewer: Viewer,
    *,
    view: str,
    feed: Feed | None = None,
    slice_: Slice | None = None,
    status: int = 200,
    **values: Any,  # noqa: ANN401 - what the template shows
) -> HTMLResponse:
    """The page that *template* makes of *values*; *view* is marked in the navigation.

    The links of the navigation keep *feed* and *slice_*.
    """
    text = (
        _environment()
        .get_template(template)
        .render(view=view, views=VIEWS, viewer=viewer, feed=feed, slice=slice_, **values)
    )
    return HTMLResponse(text, status)


def render_error(status: int, message: str) -> HTMLResponse:
    """A page that says what is wrong; nothing is known of who looks at it."""
    text = (
        _environment()
        .get_template("error.html")
        .render(view="", views=VIEWS, feed=None, slice=None, status=status, message=message)
    )
    return HTMLResponse(text, status)


@cache
def _environment() -> Environment:
    folder = Path(__file__).with_name("templates")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": count, "size": size, "moment": moment, "span": span}
    return environment


def count(value: object) -> str:
    """``1,234,567``."""
    number = _number(value)
    return UNREADABLE if number is None else f"{number:,}"


def size(value: object) -> str:
    """``1.5 GiB`` of a number of bytes."""
    number = _number(value)
    return UNREADABLE if number is None else format_bytes(int(number))


def moment(at_ms: object) -> str:
    """``2026-11-22 05:00`` in UTC, of milliseconds since 1970 or of a datetime."""
    if isinstance(at_ms, datetime):
        return _minute(at_ms.astimezone(UTC))
    number = _number(at_ms)
    try:
        return (
            UNREADABLE if number is None else f"{EPOCH + timedelta(milliseconds=number):%F %H:%M}"
        )
    except OverflowError:
        return UNREADABLE


def span(length_ms: object) -> str:
    """``3 d 4 h``, ``2 h 5 min``, ``40 s``: the two largest units of a length of time."""
    number = _number(length_ms)
    if number is None:
        return UNREADABLE
    seconds = int(number) // 1000
    if abs(seconds) < 60:
        return f"{seconds} s"
    parts = []
    for length_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        whole, seconds = divmod(seconds, length_s)
        if whole:
            parts.append(f"{whole} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -_TOO_LARGE < value < _TOO_LARGE else None


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
