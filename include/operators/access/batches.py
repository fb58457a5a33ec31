"""The batch of a mapped task: a reference to a part of its run's plan, which lies in the lake.

A reference is small, whatever the batch: where the plan is and which bytes of it, how many units,
the first of them, and what the grid shows. Airflow stores it as an XCom and renders it. In a DAG
of your own, a batch may also be a list: of units as JSON, or of the URIs of manifests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from include.ticklake.lake import layout
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from include.ticklake.lake.storage import Storage

Reference = dict[str, Any]
Batch = Reference | Sequence[Any] | None

COVERS = "covers"
"""What the grid shows of a batch: a few slices, a window, and how many more."""
OPTIONS = "options"
"""What each unit of a batch says beside its slice and window."""
_ROWS = "rows"
"""Which units of the range are meant, such as ``0-3,5``; all of them where it is missing."""


def is_reference(batch: Batch) -> TypeGuard[Reference]:
    """Whether *batch* is a reference, and no list."""
    return isinstance(batch, dict)


def count_units(batch: Batch) -> int:
    """How many units *batch* has; nothing is read for it."""
    return int(batch["units"]) if is_reference(batch) else len(batch or ())


def first_unit(batch: Batch) -> Unit | None:
    """The first unit of *batch*, of which nothing is read; None of an empty one."""
    if isinstance(batch, dict):
        return Unit.of(batch["first"]) if batch["units"] else None
    if not batch:
        return None
    if isinstance(batch[0], str):
        key = layout.parse_manifest_uri(batch[0])
        return Unit(key.slice, key.window)
    return Unit.of(batch[0])


def read_units(batch: Batch, open_storage: Callable[[], Storage]) -> list[dict[str, Any]]:
    """The units of *batch* as JSON; of a reference, by one request to the storage.

    ``UsageError`` where its plan is gone.
    """
    if not is_reference(batch):
        return list(batch or ())
    options = batch.get(OPTIONS, {})
    return [unit.to_xcom() | options for unit in _referenced(batch, open_storage())]


def read_uris(
    batch: Batch, open_storage: Callable[[], Storage], *, feed: str, is_days: bool
) -> list[str]:
    """The URIs of the manifests of *batch*: of its windows, or of its days."""
    if not is_reference(batch):
        return list(batch or ())
    storage, key_of = open_storage(), layout.day_manifest_key if is_days else layout.manifest_key
    return [
        storage.uri(key_of(feed, unit.slice, unit.window)) for unit in _referenced(batch, storage)
    ]


def read_run(batches: Iterable[Batch], *, storage: Storage) -> Iterator[Unit]:
    """Yield the units of all *batches* of a feed's run, in order: a plan is read as one stream."""
    from include.ticklake.lake import run_plan

    seen: set[str] = set()
    for batch in batches:
        if not is_reference(batch):
            yield from map(Unit.of, batch or ())
        elif batch["plan"] not in seen:
            seen.add(batch["plan"])
            for units in run_plan.read_all(batch["plan"], storage=storage):
                yield from units


def part_of(batch: Reference, units: Mapping[int, Unit], *, covers: str) -> Reference:
    """The reference to the *units* of *batch* at these positions."""
    rest = {name: value for name, value in batch.items() if name != "first"}
    first = {"first": next(iter(units.values())).to_xcom()} if units else {}
    rows = ",".join(_ranges(sorted(units)))
    return rest | first | {_ROWS: rows, "units": len(units), COVERS: covers}


def _referenced(batch: Reference, storage: Storage) -> list[Unit]:
    from include.ticklake.lake import run_plan

    if not batch["units"]:
        return []
    units = run_plan.read_batch(
        batch["plan"], offset=batch["offset"], size_bytes=batch["bytes"], storage=storage
    )
    if (rows := batch.get(_ROWS)) is None:
        return units
    bounds = [part.partition("-") for part in rows.split(",")]
    return [
        units[number]
        for first, _, last in bounds
        for number in range(int(first), int(last or first) + 1)
    ]


def _ranges(numbers: Iterable[int]) -> Iterator[str]:
    """Sorted *numbers* as texts: ``0-3`` and ``5`` of 0, 1, 2, 3, 5."""
    first = last = -2
    for number in numbers:
        if number == last + 1:
            last = number
            continue
        if first >= 0:
            yield f"{first}-{last}" if last > first else str(first)
        first = last = number
    if first >= 0:
        yield f"{first}-{last}" if last > first else str(first)
