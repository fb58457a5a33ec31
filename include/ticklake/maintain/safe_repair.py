"""Which repair of a finding loses nothing.

Converting again is safe wherever the JSON is whole. Fetching again is safe where the source has
history: what it answers takes the place of what is there only if nothing is missing from it. A
source without history is never asked again: it no longer has what it had then.
"""

from __future__ import annotations

from typing import Literal

from include.ticklake.feed.feed import Feed

SafeRepair = Literal["fetch", "convert", "restore", "none"]
"""``restore``: the manifest is made again of the objects that are there."""

REPAIRS: dict[str, tuple[SafeRepair, ...]] = {
    "missing_window": ("fetch",),
    "manifest_broken": ("restore",),
    "record_broken": (),
    "unfinished_window": ("fetch",),
    "not_converted": ("convert", "fetch"),
    "part_broken": ("fetch",),
    "parquet_broken": ("convert", "fetch"),
    "disagreement": ("convert",),
    "gap": ("fetch",),
    "hole": ("fetch",),
    "duplicate": (),
    "out_of_order": ("convert", "fetch"),
    "off_grid": (),
    "orphan": (),
    "empty_day": (),
}
"""What may repair a finding of each kind: the first that is safe."""


def safe_repair(kind: str, feed: Feed, *, has_json: bool) -> SafeRepair:
    """The repair of a finding of *kind* that loses nothing; *has_json*: the parts are whole."""
    for repair in REPAIRS[kind]:
        if repair == "convert" and not has_json:
            continue
        if repair == "fetch" and not feed.has_history:
            continue
        return repair
    return "none"
