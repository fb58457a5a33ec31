"""One window of a slice: its manifest in words, its versions, its runs, and what may be done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse

from include.ticklake.errors import CorruptManifestError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.summary import FeedSummary
from include.ticklake.model.times import EPOCH
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, format_instant, parse_instant, window_at
from include.ticklake.model.window_length import start_before
from include.ticklake.publish.window_facts import facts_of
from include.ui import lake_access, runs
from include.ui.access import Viewer, ViewerDep, dag_id_of, find_slice
from include.ui.cell_states import BY_CODE, MISSING, RUNNING, UNKNOWN, CellState
from include.ui.coverage_charts import Addresses
from include.ui.rendering import render
from include.ui.routes import add_page

UNKNOWN_WINDOW = "No window of the feed starts then; choose one in its coverage."
_REBUILD = "rebuild"


class UnitFile(NamedTuple):
    """An object that the manifest names."""

    kind: str
    key: str
    rows: int | None
    size_bytes: int | None
    sha256: str | None
    """Of the stored bytes."""


class UnitAction(NamedTuple):
    """A run that the viewer may start."""

    label: str
    dag_id: str
    conf: str
    """JSON: what the trigger form of the DAG would be filled in with."""
    is_paused: bool


def add_routes(app: FastAPI) -> None:
    """Serve the view."""
    add_page(app, "/unit", unit)


def unit(viewer: ViewerDep, feed: str, start: str, slice: str = "") -> HTMLResponse:
    """The window of *slice* that begins at *start*."""
    selected = viewer.feed(feed)
    summary = lake_access.summary(selected.name)
    slice_ = find_slice(selected, slice, summary)
    shown = Unit(slice_, _window(selected, start))
    committed, problem = _read(selected, shown)
    of_unit = runs.runs_of_unit(selected, shown, session=viewer.session)
    address = Addresses(selected, slice_)
    return render(
        "unit.html",
        viewer,
        view="coverage",
        feed=selected,
        slice_=slice_,
        window=shown.window,
        manifest=committed,
        problem=problem,
        state=_state(
            committed,
            shown.window,
            summary,
            is_running=any(run.state in runs.ACTIVE for run in of_unit),
        ),
        files=list(_files(committed)) if committed else [],
        runs=[(run, runs.extract_map_index(run, session=viewer.session)) for run in of_unit],
        actions=list(_actions(viewer, selected, shown, committed)),
        month=address.month(shown.window.start.year, shown.window.start.month),
        before=address.unit(_before(selected, shown.window).start_ms),
        after=address.unit(shown.window.end_ms),
    )


def _window(feed: Feed, start: str) -> Window:
    """The window of *feed* that begins at *start*; HTTP 404 where none does."""
    try:
        at = parse_instant(start)
        window = window_at(at, feed.window)
    except (UsageError, OverflowError):
        raise HTTPException(404, UNKNOWN_WINDOW) from None
    if window.start != at or at < window_at(EPOCH, feed.window).end:
        raise HTTPException(404, UNKNOWN_WINDOW)
    return window


def _before(feed: Feed, window: Window) -> Window:
    """The window before *window*."""
    return Window(start_before(window.start, feed.window), window.start)


def _read(feed: Feed, shown: Unit) -> tuple[Manifest | None, str | None]:
    """The manifest, or what is wrong with it."""
    key = layout.manifest_key(feed.name, shown.slice, shown.window)
    try:
        return manifest.read(key, storage=lake_access.storage()), None
    except CorruptManifestError as error:
        return None, str(error)


def _state(
    committed: Manifest | None, window: Window, summary: FeedSummary | None, *, is_running: bool
) -> CellState:
    """As in the summary, but of the manifest itself, which is never behind."""
    if is_running:
        return BY_CODE[RUNNING]
    facts = facts_of(committed)
    if facts.is_committed or summary is None:
        return BY_CODE[facts.state.value]
    first_ms, end_ms = summary.first_start_ms or 0, summary.last_end_ms or 0
    return BY_CODE[MISSING if first_ms <= window.start_ms < end_ms else UNKNOWN]


def _files(committed: Manifest) -> Iterator[UnitFile]:
    """Every object of the current version, as the manifest certifies it."""
    for part in () if committed.json.removed else committed.json.parts:
        yield UnitFile("JSON", part.key, part.rows, part.gzip_bytes, part.sha256)
    parquet = committed.parquet
    if parquet is None or parquet.removed:
        return
    if parquet.key:
        yield UnitFile("Parquet", parquet.key, parquet.rows, parquet.parquet_bytes, parquet.sha256)
    if parquet.quarantine_key:
        yield UnitFile("Quarantine", parquet.quarantine_key, parquet.quarantined_rows, None, None)


def _actions(
    viewer: Viewer, feed: Feed, shown: Unit, committed: Manifest | None
) -> Iterator[UnitAction]:
    conf: dict[str, Any] = {
        "start": format_instant(shown.window.start_ns),
        "end": format_instant(shown.window.end_ns),
    }
    if shown.slice.values:
        conf["slices"] = [str(shown.slice)]
    ingest = dag_id_of(feed.name)
    facts = viewer.dags([ingest, _REBUILD])
    # What a source says of now only cannot be fetched again.
    if not feed.snapshot and viewer.may_trigger(ingest):
        yield UnitAction("Fetch again", ingest, json.dumps(conf), facts[ingest].is_paused)
    if committed and not committed.json.removed and viewer.may_trigger(_REBUILD):
        conf = {"feeds": [feed.name], **conf}
        yield UnitAction("Rebuild", _REBUILD, json.dumps(conf), facts[_REBUILD].is_paused)
