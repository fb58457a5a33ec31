"""What a window is to a viewer: its state in the lake's summary, and what only the page knows.

A window without a manifest is *missing* where the feed has windows before and after it, and a run
of Airflow's that is under way makes its windows *running*. Never by colour alone: each state has a
letter and a pattern as well.
"""

from __future__ import annotations

from typing import NamedTuple

RUNNING, MISSING, UNKNOWN = "r", "m", "."


class CellState(NamedTuple):
    """A state, and how it is shown."""

    code: str
    """Its letter in the summary; ``m`` and ``r`` are the page's own."""
    name: str
    letter: str
    """Shown in its cells; empty for the usual ones."""
    meaning: str


STATES = (
    CellState(RUNNING, "running", "R", "a run of Airflow's fetches it right now"),
    CellState(MISSING, "missing", "M", "never fetched, although there are windows around it"),
    CellState("g", "gap", "G", "the source no longer had all of it"),
    CellState("q", "quarantined", "Q", "some of its records did not fit the feed"),
    CellState("s", "staged", "S", "fetched as JSON, not yet converted to Parquet"),
    CellState("u", "unfinished", "U", "fetched before it was over; the next run fetches it again"),
    CellState("x", "expired", "X", "its data was deleted by retention"),
    CellState("v", "superseded", "V", "complete; an older version is still kept"),
    CellState("c", "complete", "", "fetched and converted"),
    CellState(UNKNOWN, "not fetched", "", "before the feed's first window or after its last"),
)
"""The one that a viewer should see first comes first: it is that of a cell of many windows."""

BY_CODE = {state.code: state for state in STATES}


def worst(codes: str) -> CellState:
    """What a cell of several windows shows."""
    return next((state for state in STATES if state.code in codes), BY_CODE[UNKNOWN])


def counts(codes: str) -> list[tuple[CellState, int]]:
    """How many windows have which state, as in ``STATES``; those without any are left out."""
    numbers = [(state, codes.count(state.code)) for state in STATES]
    return [(state, number) for state, number in numbers if number]


def in_words(codes: str) -> str:
    """``1 missing, 23 complete``; of one window only its state."""
    if len(codes) == 1:
        return BY_CODE[codes].name
    return ", ".join(f"{number:,} {state.name}" for state, number in counts(codes))
