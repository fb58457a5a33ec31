"""The few words that identify a mapped task in the grid.

A DAG passes this module to its templates as ``labels``; Airflow renders
``map_index_template`` once before a mapped task runs and once after.
"""

from __future__ import annotations

from collections.abc import Iterable

from include.operators.access.batches import COVERS, Batch, is_reference
from include.ticklake.lake import layout
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

UNITS_LABEL = "{{ labels.units_label(task.units) }}"
MANIFESTS_LABEL = "{{ labels.manifests_label(task.manifests) }}"
FEED_LABEL = "{{ task.feed }}"
FEED_CONF_LABEL = FEED_LABEL + ": {{ task.conf.start }} to {{ task.conf.end }}"
FEED_UNITS_LABEL = f"{FEED_LABEL}: {UNITS_LABEL}"
FEED_MANIFESTS_LABEL = f"{FEED_LABEL}: {MANIFESTS_LABEL}"
FEED_SLICES_LABEL = "{{ task.feed }}: {{ task.slices | join(', ') | truncate(150) }}"

_NAMED = 3
_MAX_CHARACTERS = 250  # Airflow's column


def units_label(units: Batch) -> str:
    """The label of a batch of units."""
    if is_reference(units):
        return str(units[COVERS])
    from include.ticklake.model.unit import Unit

    return label((unit.slice, unit.window) for unit in map(Unit.of, units or ()))


def manifests_label(uris: Batch) -> str:
    """The label of a batch, or of the one whose manifests these are."""
    if is_reference(uris):
        return str(uris[COVERS])
    return label((key.slice, key.window) for key in map(layout.parse_manifest_uri, uris or ()))


def label(units: Iterable[tuple[Slice, Window]]) -> str:
    """``BTCUSDT 1h, ETHUSDT 1h, SOLUSDT 1h +22, 2026-11-22 05:00 +23``."""
    pairs = list(units)
    slices = dict.fromkeys(" ".join(value for _, value in slice_.values) for slice_, _ in pairs)
    windows = dict.fromkeys(f"{window.start:%Y-%m-%d %H:%M}" for _, window in pairs)
    shown = (_first(list(slices), _NAMED), _first(list(windows), 1))
    return ", ".join(filter(None, shown))[:_MAX_CHARACTERS] or "nothing"


def _first(names: list[str], most: int) -> str:
    others = f" +{len(names) - most}" if len(names) > most else ""
    return ", ".join(names[:most]) + others
