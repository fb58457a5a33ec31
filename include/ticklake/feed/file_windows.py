"""Whether the files at an address fit the windows of a feed: each is for one of them, and whole.

A file that two windows share would be read twice, and one whose time begins before its window does
would have records that no window reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from include.ticklake.feed.file_address import TIME_NAMES, file_at
from include.ticklake.feed.placeholders import Placeholder, placeholder_names, placeholders
from include.ticklake.feed.window_values import DATE_NAMES, EDGES, REQUEST_NAMES
from include.ticklake.model.time_writing import TimeWriter
from include.ticklake.model.window import Window, window_at
from include.ticklake.model.window_length import Months, WindowLength, format_window_length

_FROM = datetime(2024, 1, 1, tzinfo=UTC)
_LATER = (
    timedelta(0),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=31),
    timedelta(days=366),
)
"""From 2024 on: to the other half of a day, to the same time of a day, a month and a year."""
_LENGTHS: dict[str, WindowLength] = {
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1),
    "a month": Months(1),
    "a year": Months(12),
}
_ADVICE = "write {date}, {year}, {month}, {day} or {hour} in it, or a time such as {start:%Y-%m-%d}"


def check_windows(address: str, window: WindowLength) -> None:
    """Raise ``ValueError`` unless each file at *address* is read by one *window*, and whole."""
    if not placeholder_names(address) & {*TIME_NAMES, *REQUEST_NAMES, *EDGES}:
        raise ValueError(
            f"has no time in it, so every window would read the same file; {_ADVICE}, or set "
            "snapshot: true"
        )
    written = format_window_length(window)
    if _share_files(address, window):
        for name, length in _LENGTHS.items():
            if not _share_files(address, length):
                raise ValueError(
                    f"its files are for {name}, and each would be read by several windows of "
                    f"{written}; set window: {format_window_length(length)}"
                )
        raise ValueError(
            f"does not say the whole time, so different windows would read the same file; {_ADVICE}"
        )
    for time, writer, edge in _formats(address):
        if not all(_is_exact(writer, edge, sample) for sample in _samples(window)):
            raise ValueError(
                f"{time.text} is not when windows of {written} begin or end, so that records of "
                "a window could be in another file; write it as fine as they are, in UTC, or set "
                "another window"
            )


def _samples(window: WindowLength) -> list[Window]:
    """Windows that are to have different files, and the one after each."""
    at = dict.fromkeys(window_at(_FROM + later, window) for later in _LATER)
    return list(dict.fromkeys(one for each in at for one in (each, window_at(each.end, window))))


def _share_files(address: str, window: WindowLength) -> bool:
    """Whether two windows of that length would read the same file."""
    values = dict.fromkeys(placeholder_names(address) - {*TIME_NAMES, *REQUEST_NAMES, *EDGES}, "x")
    samples = _samples(window)
    firsts = [file_at([address], values, sample, sample.start)[0] for sample in samples]
    if len(set(firsts)) < len(firsts):
        return True
    by_start = dict(zip((sample.start for sample in samples), firsts, strict=True))
    return any(
        file_at([address], values, sample, sample.end - timedelta(seconds=1))[0]
        == by_start.get(sample.end)
        for sample in samples
    )


def _formats(address: str) -> Iterator[tuple[Placeholder, TimeWriter, str]]:
    """Yield the edges of the window that *address* has in a format."""
    for one in placeholders(address):
        edge = DATE_NAMES.get(one.name, one.name)
        if edge in EDGES:
            yield one, TimeWriter.of(one.form or "%Y-%m-%d", one.zone or None), edge


def _is_exact(writer: TimeWriter, edge: str, window: Window) -> bool:
    """Whether *writer* says the edge of *window*, and no earlier time."""
    moment = window.start if edge in ("start", "before") else window.end
    local = moment.astimezone(writer.zone or UTC).replace(tzinfo=None)
    day = local.timetuple()
    return (
        local == writer.start(moment)
        and (day.tm_mday == 1 or bool(writer.words & set("dj")))
        and (day.tm_yday == 1 or bool(writer.words & set("mbBj")))
    )
