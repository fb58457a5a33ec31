"""The records that did not fit a feed's fields: how many and why, samples, and another try."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window import Window, parse_instant, window_at
from include.ui import lake_access
from include.ui.access import Viewer, ViewerDep
from include.ui.chosen_feed import choose_feed
from include.ui.quarantine_samples import QuarantineSample, read_samples
from include.ui.rendering import render
from include.ui.routes import add_page

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.summary import FeedSummary, QuarantinedWindow

RETRY_DAG = "rebuild"
MAX_WINDOWS = 50
MAX_REASONS = 50
_SAMPLED_WINDOWS = 3
_SAMPLES = 20
"""Of all windows together, unless one is selected."""
_UNKNOWN_WINDOW = "There is no quarantine of this window, or no longer."


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineWindow:
    """One window with quarantined records; built from its slice and start, never from a key."""

    slice: Slice
    window: Window
    rows: int
    feed_name: str

    @property
    def start(self) -> str:
        """As the address of the page names it."""
        return f"{self.window.start:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def key(self) -> str:
        """Of the object with the records."""
        return layout.quarantine_key(self.feed_name, self.slice, self.window)

    @property
    def conf(self) -> str:
        """What a run of ``rebuild`` is started with, to convert this window again."""
        chosen = {
            "start": self.start,
            "end": f"{self.window.end:%Y-%m-%dT%H:%M:%SZ}",
            "slices": [str(self.slice)] if self.slice.values else None,
        }
        return retry_conf(self.feed_name, **chosen)


@dataclass(frozen=True, slots=True)
class WindowSamples:
    """Records of one window."""

    window: QuarantineWindow
    samples: list[QuarantineSample]


def retry_conf(feed_name: str, **chosen: object) -> str:
    """What a run of ``rebuild`` is started with, to convert quarantined windows of a feed again."""
    return json.dumps({"feeds": [feed_name], "quarantined": True, **chosen})


def add_routes(app: FastAPI) -> None:
    """Serve the page at ``/quarantine``."""
    add_page(app, "/quarantine", quarantine)


def quarantine(viewer: ViewerDep, feed: str = "", slice: str = "", start: str = "") -> HTMLResponse:
    """The quarantine of one feed; with *slice* and *start*, the records of that window only."""
    selected, summary = choose_feed(
        viewer, feed, has_content=lambda stored: stored.quarantine_windows
    )
    stored = summary.quarantine_windows if summary else ()
    windows = quarantine_windows(selected, stored) if selected else []
    chosen = _find(windows, slice, start) if start else None
    return render(
        "quarantine.html",
        viewer,
        view="quarantine",
        feed=selected,
        summary=summary,
        reasons=_reasons(summary),
        windows=windows[:MAX_WINDOWS],
        more_windows=max(len(windows) - MAX_WINDOWS, 0),
        chosen=chosen,
        samples=_samples([chosen] if chosen else windows[:_SAMPLED_WINDOWS]),
        retry_conf=retry_conf(selected.name) if selected else "",
        retry_dag=RETRY_DAG,
        retry_refused=_retry_refused(viewer) if windows else None,
        is_retry_paused=_is_retry_paused(viewer) if windows else False,
    )


def quarantine_windows(feed: Feed, stored: Iterable[QuarantinedWindow]) -> list[QuarantineWindow]:
    """Those of *stored* that can be windows of *feed*; whatever else they say is left out."""
    windows = []
    for entry in stored:
        try:
            slice_ = Slice.parse(entry.slice)
            start = EPOCH + timedelta(milliseconds=entry.start_ms)
            window = window_at(start, feed.window)
        except (UsageError, OverflowError):
            continue
        if window.start == start and tuple(name for name, _ in slice_.values) == tuple(feed.slices):
            windows.append(
                QuarantineWindow(slice=slice_, window=window, rows=entry.rows, feed_name=feed.name)
            )
    return windows


def _find(windows: Iterable[QuarantineWindow], slice_: str, start: str) -> QuarantineWindow:
    """The window that the address names: one of *windows*, else HTTP 404."""
    at = _instant(start)
    for window in windows:
        if window.window.start == at and str(window.slice) == (slice_ or str(Slice())):
            return window
    raise HTTPException(404, _UNKNOWN_WINDOW)


def _instant(text: str) -> datetime | None:
    try:
        return parse_instant(text)
    except UsageError:
        return None


def _samples(windows: Iterable[QuarantineWindow]) -> list[WindowSamples]:
    """The first records of *windows*, which share one limit."""
    read: list[WindowSamples] = []
    left = _SAMPLES
    for window in windows:
        samples = read_samples(window.key, storage=lake_access.storage(), most=left)
        left -= len(samples)
        read.append(WindowSamples(window, samples))
    return read


def _reasons(summary: FeedSummary | None) -> list[tuple[str, int]]:
    return list(summary.quarantine.items())[:MAX_REASONS] if summary else []


def _retry_refused(viewer: Viewer) -> str | None:
    """Why the viewer cannot start another try; None where he can."""
    facts = viewer.dags([RETRY_DAG]).get(RETRY_DAG)
    if facts is None:
        return f"Airflow has not read the DAG {RETRY_DAG} yet."
    if not viewer.may_trigger(RETRY_DAG):
        return f"You may not start runs of the DAG {RETRY_DAG}."
    return None


def _is_retry_paused(viewer: Viewer) -> bool:
    facts = viewer.dags([RETRY_DAG]).get(RETRY_DAG)
    return facts is not None and facts.is_paused
