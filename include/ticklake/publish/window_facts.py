"""What the summary says of one window: it follows from its manifest, and from nothing else."""

from __future__ import annotations

import logging
from typing import NamedTuple

from include.ticklake.errors import CorruptManifestError
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary import WindowState
from include.ticklake.model.unit import Unit

log = logging.getLogger(__name__)


class WindowFacts(NamedTuple):
    """What a manifest says of its window, as counts."""

    state: WindowState
    rows: int = 0
    """In the Parquet; in the JSON where that is not converted."""
    json_bytes: int = 0
    parquet_bytes: int = 0
    quarantined_rows: int = 0
    quarantine_key: str | None = None
    """None also where retention removed the object."""

    @property
    def is_committed(self) -> bool:
        """Whether there is a manifest."""
        return self.state is not WindowState.UNKNOWN


_UNKNOWN = WindowFacts(WindowState.UNKNOWN)


def read_facts(feed: str, unit: Unit, *, storage: Storage) -> WindowFacts:
    """The facts of *unit*: one request. A damaged manifest counts as none, and is logged."""
    key = layout.manifest_key(feed, unit.slice, unit.window)
    try:
        committed = manifest.read(key, storage=storage)
    except CorruptManifestError as error:
        log.warning("summary.skipped %s", error)
        return _UNKNOWN
    return facts_of(committed)


def facts_of(committed: Manifest | None) -> WindowFacts:
    """The facts of the window of *committed*; None where it has no manifest."""
    if committed is None or committed.is_retired:
        return _UNKNOWN
    staged, parquet = committed.json, committed.parquet
    kept_key = None if staged.removed or parquet is None else parquet.quarantine_key
    return WindowFacts(
        state=_state(committed),
        rows=parquet.rows if parquet and committed.is_current else staged.rows,
        json_bytes=sum(part.json_bytes for part in staged.parts),
        parquet_bytes=parquet.parquet_bytes if parquet else 0,
        quarantined_rows=parquet.quarantined_rows if parquet else 0,
        quarantine_key=kept_key,
    )


def _state(committed: Manifest) -> WindowState:
    """The state that stands last in ``WindowState`` of those that apply."""
    staged, parquet = committed.json, committed.parquet
    # Windows that were fetched again since are back: their Parquet is about to be.
    is_old = staged.removed or committed.is_current
    if is_old and (parquet.removed if parquet else staged.removed):
        return WindowState.EXPIRED
    if staged.lost_range is not None:
        return WindowState.GAP
    if parquet and parquet.quarantined_rows:
        return WindowState.QUARANTINED
    if staged.unfinished_until_ms is not None:
        return WindowState.UNFINISHED
    if not committed.is_current and not staged.removed:
        return WindowState.STAGED
    return WindowState.SUPERSEDED if committed.superseded else WindowState.COMPLETE
