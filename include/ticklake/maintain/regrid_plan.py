"""Which units of a lake are none of its feed's, and which of the feed's their records go to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from include.ticklake.errors import UsageError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import grid, layout, manifest
from include.ticklake.lake.grid import Grid
from include.ticklake.lake.layout import UnitKey
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceNames:
    """What the names of slices in the lake are called in the feed's file."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    """The values of names that the lake does not have."""

    def of(self, feed: Feed, slice_: Slice) -> Slice:
        """*slice_* as the feed's file names it; ``UsageError`` where a value is missing."""
        known = {**self.values, **{self.renamed.get(n, n): value for n, value in slice_.values}}
        for name in feed.slices:
            if name not in known:
                raise UsageError(
                    f"{feed.name}: slice {slice_} of the lake has no {name}; say which of its "
                    f"names that was, `--renamed OLD={name}`, or its value, `--value {name}=VALUE`"
                )
        return plan.normalize_slice(feed, Slice(tuple((n, known[n]) for n in feed.slices)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OldUnits:
    """Units of one slice that do not overlap, and are none of the feed's."""

    slice: Slice
    """As it is in the lake."""
    target: Slice
    """As the feed's file names it."""
    windows: tuple[Window, ...]
    """In the order of time; those with records that were not cut again yet."""
    expired: tuple[Window, ...]
    """Windows of which only the Parquet is kept."""
    removed: tuple[Window, ...]
    """Windows that were fetched, and of which nothing is kept."""

    @property
    def units(self) -> Iterator[Unit]:
        """The units to cut again."""
        return (Unit(self.slice, window) for window in self.windows)


def old_units(feed: Feed, names: SliceNames, *, storage: Storage) -> Iterator[OldUnits]:
    """Yield the units that are not on the grid of *feed*, those of one slice and length together.

    ``UsageError`` where two slices would become one.
    """
    own, taken = Grid.of(feed), dict[tuple[tuple[str, ...], Slice], Slice]()
    for slice_, windows in _by_slice(grid.manifests(feed.name, storage=storage)):
        groups = defaultdict[tuple[int, int], list[Window]](list)
        for window in windows:
            if not own.holds(slice_, window):
                length_ms = window.end_ms - window.start_ms
                groups[length_ms, window.start_ms % length_ms].append(window)
        for group in groups.values():
            live, expired, removed = _by_state(feed, slice_, sorted(group), storage)
            if not live and not expired:
                continue
            target = names.of(feed, slice_)
            other = taken.setdefault((tuple(name for name, _ in slice_.values), target), slice_)
            if other != slice_:
                raise UsageError(
                    f"{feed.name}: slices {other} and {slice_} of the lake would both be {target}; "
                    "keep the name that tells them apart, or give the feed a new name"
                )
            yield OldUnits(
                slice=slice_,
                target=target,
                windows=tuple(live),
                expired=tuple(expired),
                removed=tuple(removed),
            )


def _by_state(
    feed: Feed, slice_: Slice, windows: Iterable[Window], storage: Storage
) -> tuple[list[Window], list[Window], list[Window]]:
    live: list[Window] = []
    expired: list[Window] = []
    removed: list[Window] = []
    for window in windows:
        key = layout.manifest_key(feed.name, slice_, window)
        found = manifest.read(key, storage=storage)
        if found is None or found.is_retired:
            continue
        if not found.json.removed:
            live.append(window)
        else:
            (expired if is_expired_json(found) else removed).append(window)
    return live, expired, removed


def targets(feed: Feed, old: OldUnits) -> Iterator[tuple[Window, list[Window]]]:
    """Yield the feed's windows that *old* touches, each with those of *old* that it touches."""
    touched = defaultdict[Window, list[Window]](list)
    done: list[Window] = []
    for window in old.windows:
        # Windows come in the order of time: nothing more touches those that ended before.
        done = [target for target in touched if target.end <= window.start]
        yield from ((target, touched.pop(target)) for target in done)
        for target in split_range(window.start, window.end, length=feed.window):
            touched[target].append(window)
    yield from touched.items()


def snapshot_target(feed: Feed, window: Window, fetched_at_ms: int) -> Window:
    """The window of *feed* for a snapshot of *window*: where it was fetched, or else the last."""
    candidates = list(split_range(window.start, window.end, length=feed.window))
    inside = (target for target in candidates if target.start_ms <= fetched_at_ms < target.end_ms)
    return next(inside, candidates[-1])


def fetched_at_ms(part: Part, section: JsonSection) -> int:
    """When the records of a snapshot's *part* were fetched."""
    return part.fetched_at_ms or section.fetched_at_ms or 0


def is_covered(target: Window, windows: Sequence[Window]) -> bool:
    """Whether *windows*, in the order of time, leave nothing of *target* out."""
    at = target.start
    for window in windows:
        if window.start <= at:
            at = max(at, window.end)
    return at >= target.end


def is_expired_json(unit: Manifest) -> bool:
    """Whether there is Parquet of the unit, and its JSON was removed by retention."""
    parquet = unit.parquet
    has_parquet = parquet is not None and parquet.rows > 0 and not parquet.removed
    return unit.json.removed and has_parquet


def snapshot_targets(feed: Feed, unit: Manifest) -> set[Window]:
    """The windows of *feed* for the snapshots of *manifest*."""
    window, section = Window.parse(unit.window), unit.json
    fetched = {fetched_at_ms(part, section) for part in section.parts}
    fetched = fetched or {section.fetched_at_ms or 0}
    return {snapshot_target(feed, window, at_ms) for at_ms in fetched}


def expired_error(feed: Feed, units: Sequence[Unit]) -> UsageError:
    """What to raise where only the Parquet of *units* is kept."""
    first, last = min(unit.window for unit in units), max(unit.window for unit in units)
    return UsageError(
        f"{feed.name}: the JSON of {len(units)} windows, from {first.name} to {last.name}, was "
        f"removed by retention, so they cannot be cut again, such as {units[0]}; nothing was "
        "changed. Undo the change to the feed's file, or give the feed with the new windows a name "
        "of its own: then these stay as they are"
    )


def _by_slice(keys: Iterable[UnitKey]) -> Iterator[tuple[Slice, list[Window]]]:
    """The windows of each slice; the keys of one come together."""
    slice_: Slice | None = None
    windows: list[Window] = []
    for key in keys:
        if key.slice != slice_:
            if slice_ is not None:
                yield slice_, windows
            slice_, windows = key.slice, []
        if not key.is_day:
            windows.append(key.window)
    if slice_ is not None:
        yield slice_, windows
