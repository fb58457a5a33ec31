"""The records of a source: in the window and around it, tied, late, broken."""

from __future__ import annotations

from bisect import bisect_left
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.support.lying_api.behaviours import Behaviours
from tests.support.paging import END, START

Row = dict[str, Any]

MAX_TIE_ROWS = 3
"""At most so many records share a millisecond, but for a few that are drawn on purpose."""

_NO_TIME = "a record without its event time"
_TWO_VALUES = "a key with two values"
_OVER_THE_EDGE = "a late record over the window's edge"
_QUARTER_MS = (END - START) // 4
_TIMES = st.sampled_from(
    [START + 1_000, START, START + 1, START + 999, START - 1, END - 1_000, END - 1, END, END + 1]
) | st.integers(START - _QUARTER_MS, END + _QUARTER_MS)
_FEW = st.lists(st.integers(0, 39), max_size=3)


def inside(rows: list[Row]) -> list[Row]:
    """Those of the window; one without a readable time belongs to no other."""
    return [row for row in rows if not isinstance(row["t"], int) or START <= row["t"] < END]


def drawn_times(
    draw: DrawFn, behaviours: Behaviours, *, max_tie_rows: int = MAX_TIE_ROWS
) -> list[int]:
    """Times in order, of which at most *max_tie_rows* are equal."""
    focus = behaviours.focus or ""
    is_empty = focus.startswith("no records")
    min_rows = 0 if is_empty or not focus else 6
    times = sorted(draw(st.lists(_TIMES, min_size=min_rows, max_size=40)))
    if is_empty or focus == "only records outside the window":
        times = [] if is_empty else [START - 5_000, START - 1, END]
    times = [t for n, t in enumerate(times) if n < max_tie_rows or times[n - max_tie_rows] != t]
    if times and draw(st.booleans()):
        tied = draw(st.sampled_from(times))
        times += [tied] * (max_tie_rows - times.count(tied))
    return sorted(times)


def with_ids(times: list[int], *, gaps: list[int]) -> list[Row]:
    """Records with growing ids, each as far from the last as *gaps* says in turn."""
    rows, id_ = [], 100
    for number, t in enumerate(times):
        rows.append({"id": id_, "t": t, "price": 7 * number})
        id_ += gaps[number % len(gaps)]
    return rows


def late(draw: DrawFn, times: list[int], behaviours: Behaviours, *, max_rows: int) -> list[int]:
    """*times* with a few that come later than they should, by at most *max_rows* places."""
    times = list(times)
    at_edge = [bisect_left(times, edge) - 1 for edge in (START, END)]
    first = [at for at in at_edge if at >= 0] if behaviours.happens(draw, _OVER_THE_EDGE) else []
    for at in [*first, *draw(_FEW)] if max_rows > 0 else ():
        to = min(at + draw(st.integers(1, max_rows)), len(times) - 1)
        # One that is late already would be late by more than that.
        if at < to and times[at] < times[to] and times == sorted(times):
            behaviours.note("a late record")
            if any(times[at] < edge <= times[to] for edge in (START, END)):
                behaviours.note(_OVER_THE_EDGE)
            times.insert(to, times.pop(at))
    return times


def listed(draw: DrawFn, behaviours: Behaviours, *, order: str, late_rows: int) -> list[Row]:
    """Records as a source lists them that follows *order*, but for a few that are late."""
    times = drawn_times(draw, behaviours)
    if order == "none":
        behaviours.note("no order")
        if draw(st.booleans()) or behaviours.focus == "no order":
            # Whole pages are outside, and the window goes on after them.
            times = sorted(times + [END + n * 1_000 for n in range(20)])
            first = bisect_left(times, END) - draw(st.integers(0, 3))
            times = times[max(first, 0) :] + times[: max(first, 0)]
        else:
            Random(draw(st.integers(0, 999))).shuffle(times)
    else:
        times = late(draw, times, behaviours, max_rows=late_rows)
    rows = with_ids(times, gaps=[draw(st.integers(1, 3))])
    return rows[::-1] if order == "descending" else rows


def broken(draw: DrawFn, rows: list[Row], behaviours: Behaviours) -> list[Row]:
    """*rows* of which one lost its time, or came with two values; or as they are."""
    damage = behaviours.choose(draw, ["none"] * 10 + [_NO_TIME, _TWO_VALUES])
    if not rows or damage == "none":
        return rows
    at = draw(st.integers(0, len(rows) - 1))
    behaviours.note(damage)
    if damage == _NO_TIME:
        lost: Row = rows[at] | {"t": draw(st.sampled_from([None, "soon", ""]))}
        return [*rows[:at], lost, *rows[at + 1 :]]
    return [*rows[: at + 1], rows[at] | {"price": -1}, *rows[at + 1 :]]


def note_records(rows: list[Row], behaviours: Behaviours) -> None:
    """Say what kinds of records there are."""
    times = [row["t"] for row in rows if isinstance(row["t"], int)]
    if not rows:
        behaviours.note("no records")
    elif not inside(rows):
        behaviours.note("only records outside the window")
    if len(times) > len(set(times)):
        behaviours.note("records that share an instant")
    if any(t < START for t in times):
        behaviours.note("records before the window")
    if any(t >= END for t in times):
        behaviours.note("records after the window")
