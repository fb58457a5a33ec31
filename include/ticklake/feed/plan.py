"""The units of a feed in a range, slices x windows, and batches of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, pairwise

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.slice_values import check_slice_value, known_values
from include.ticklake.model.case_clashes import case_clashes
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import EPOCH
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, count_windows, split_range, window_at
from include.ticklake.model.window_length import format_window_length

_WINDOWS_HELD = 20_000
"""Two years of hours: windows are made once for all slices, unless there are more."""


def plan_units(
    feed: Feed, *, start: datetime, end: datetime, slices: Iterable[Slice] | None = None
) -> Iterator[Unit]:
    """Yield every unit of *feed* that overlaps ``[start, end)``; of all slices by default."""
    selected = _selected(feed, slices)
    are_few = count_windows(start, end, length=feed.window) <= _WINDOWS_HELD
    held = list(split_range(start, end, length=feed.window)) if are_few else ()
    for slice_ in selected:
        for window in held or split_range(start, end, length=feed.window):
            yield Unit(slice_, window)


def count_units(
    feed: Feed, *, start: datetime, end: datetime, slices: Iterable[Slice] | None = None
) -> int:
    """How many units ``plan_units`` yields; none is made for it."""
    slice_count = len(_selected(feed, slices)) if slices else feed.slice_count
    return slice_count * count_windows(start, end, length=feed.window)


def target_units(feed: Feed, unit: Unit) -> list[Unit]:
    """The units of the table that *unit* consists of: itself, or those of the feed of ``into``."""
    return [unit] if feed.into is None else units_of(feed.target, unit)


def units_of(feed: Feed, unit: Unit) -> list[Unit]:
    """The units of *feed* that *unit*, of a feed that is written into it, consists of."""
    values = unit.slice.as_dict()
    slice_ = Slice(tuple((name, values[name]) for name in feed.slices))
    windows = split_range(unit.window.start, unit.window.end, length=feed.window)
    return [Unit(slice_, window) for window in windows]


def whole_at(feed: Feed, unit: Unit) -> datetime:
    """From when on *unit* can be fetched as a whole: every candle that opens in it is over.

    Where the feed does not say when candles open, at the latest.
    """
    candles = None if feed.snapshot else feed.candles(unit.slice)
    if candles is None:
        return unit.window.end
    return EPOCH + timedelta(seconds=candles.whole_at_s(unit.window))


def can_be_whole(feed: Feed, unit: Unit, *, now: datetime) -> bool:
    """Whether *unit* may be over *now*, with every candle that opens in it."""
    candles = feed.candles(unit.slice)
    is_certain = candles is None or candles.is_certain
    return (whole_at(feed, unit) if is_certain else unit.window.end) <= now


def expects_records(feed: Feed, unit: Unit, *, now: datetime) -> bool:
    """Whether *unit* should hold records: it is over *now*, and if it has candles, one opens."""
    candles = feed.candles(unit.slice)
    return whole_at(feed, unit) <= now and not (candles and candles.may_have_none_in(unit.window))


def empty_run_message(feed: Feed, units: Sequence[Unit], *, now: datetime) -> str | None:
    """What to say of a run whose *units* are all empty; None where that was to be expected."""
    expected = [unit.window for unit in units if expects_records(feed, unit, now=now)]
    if not expected:
        return None
    start, end = min(window.start for window in expected), max(window.end for window in expected)
    return (
        f"feed {feed.name}: every unit is empty, {len(units)} in all; if the source has records "
        f"from {start.isoformat()} to {end.isoformat()}, check the feed's source"
    )


def check_window(feed: Feed, window: Window) -> None:
    """Raise ``UsageError`` for a *window* that is not one of the feed's.

    Its records would be in the lake a second time, in the window that the feed has for them.
    """
    [*own] = islice(split_range(window.start, window.end, length=feed.window), 2)
    if own != [window]:
        raise UsageError(
            f"{feed.name}: {window.name} is not a window of the feed, whose windows are "
            f"{format_window_length(feed.window)} long; name {own[0].name}"
        )


def check_unit(feed: Feed, unit: Unit) -> None:
    """Raise ``UsageError`` for a *unit* that is not one of the feed's: an object names it."""
    check_window(feed, unit.window)
    check_slice(feed, unit.slice)


def check_slice(feed: Feed, slice_: Slice) -> None:
    """Raise ``UsageError`` for a *slice_* whose names are not the feed's, in the feed's order."""
    if slice_ != (own := normalize_slice(feed, slice_)):
        raise UsageError(
            f"{feed.name}: {slice_.path} is not the path of a slice of the feed; name {own.path}"
        )


def check_snapshot(feed: Feed, unit: Unit, *, now_ms: int) -> None:
    """Raise ``UsageError`` where *unit* is of a snapshot whose time is over.

    It would hold what the source has now under an earlier date. A scheduled run fetches it when
    its window ends: it is over when the next one has ended, too.
    """
    window = unit.window
    if feed.snapshot and now_ms >= window_at(window.end, feed.window).end_ms:
        raise UsageError(
            f"{feed.name}: the snapshot of {window.name} cannot be fetched any more, as the source "
            "only returns what it has now; fetch its last window instead"
        )


def normalize_slice(feed: Feed, slice_: Slice) -> Slice:
    """*slice_* with its names checked and in the feed's order.

    Values need not be among those that the feed lists: the source knows which exist. But
    they must not differ from a listed one by case only.
    """
    return _normalize(feed, slice_, _by_fold(feed))


def _normalize(feed: Feed, slice_: Slice, by_fold: Mapping[str, Mapping[str, str]]) -> Slice:
    values = slice_.as_dict()
    names = [name for name, _ in slice_.values]
    if sorted(names) != sorted(feed.slices) or not all(values.values()):
        expected = ",".join(f"{name}=VALUE" for name in feed.slices) or "no slice"
        raise UsageError(f"{feed.name}: invalid slice {str(slice_)!r}; expected {expected}")
    for name, value in values.items():
        try:
            check_slice_value(value)
        except ValueError as error:
            raise UsageError(f"{feed.name}: {name}: {error}") from None
    for name, listed in by_fold.items():
        value = values[name]
        if (other := listed.get(value.casefold(), value)) != value:
            raise UsageError(
                f"{feed.name}: {name}={value} differs from {name}={other} by case only; "
                f"did you mean {other!r}?"
            )
    return Slice(tuple((name, values[name]) for name in feed.slices))


def _by_fold(feed: Feed) -> dict[str, dict[str, str]]:
    """The listed values of each slice by their names where case does not count."""
    return {
        name: {value.casefold(): value for value in known_values(values)}
        for name, values in feed.slices.items()
    }


def batches(units: Iterable[Unit], *, total: int, batches_max: int) -> Iterator[list[Unit]]:
    """Cut *units*, *total* of them, into at most *batches_max* of nearly the same size, in order.

    One batch at a time is in memory.
    """
    if batches_max < 1:
        raise UsageError(f"{batches_max} batches are not enough; set one or more")
    remaining, count = iter(units), min(batches_max, total)
    bounds = [total * n // count for n in range(count + 1)] if count else []
    return (list(islice(remaining, last - first)) for first, last in pairwise(bounds))


def _selected(feed: Feed, slices: Iterable[Slice] | None) -> Collection[Slice]:
    """*slices*, each once and as the feed writes it; all where none is named."""
    named, by_fold = list(slices or ()), _by_fold(feed) if slices else {}
    selected = dict.fromkeys(_normalize(feed, slice_, by_fold) for slice_ in named)
    _refuse_case_clashes(selected)
    return selected or feed.all_slices


def _refuse_case_clashes(slices: Iterable[Slice]) -> None:
    """File systems and query engines confuse names that differ by case only."""
    for first, second in case_clashes(slice_.path for slice_ in slices):
        raise UsageError(f"slices {first!r} and {second!r} differ by case only; keep one")
