"""Columns for the values inside short arrays of numbers: ``ask: [67123.4, 0.5]``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from include.ticklake.scaffold.infer_times import name_says_time
from include.ticklake.scaffold.infer_types import as_numbers
from include.ticklake.scaffold.name_words import words

_MAX_VALUES = 4
_MANY_ARRAYS = 10
_QUOTES = {"ask", "bid", "a", "b"}


def elements_in(paths: Iterable[tuple[str, list[object]]]) -> Iterator[tuple[str, list[object]]]:
    """Each path with its values; one of arrays that are all alike becomes a path for each place.

    They must be numbers, as many in each array, and either many arrays or those of a quote: of
    a list that may be longer tomorrow, such as times, a column for each place would lose the end.
    """
    for path, values in paths:
        width = _width(path, [value for value in values if value is not None])
        if not width:
            yield path, values
            continue
        for at in range(width):
            yield f"{path}.{at}", [row[at] if isinstance(row, list) else None for row in values]


def _width(path: str, values: list[object]) -> int:
    """How many numbers each of *values* has; 0 where they are not such arrays."""
    widths = {len(value) if isinstance(value, list) else 0 for value in values}
    if len(widths) != 1 or not 1 < (width := widths.pop()) <= _MAX_VALUES:
        return 0
    is_quote = words(path.rpartition(".")[2])[-1:] in [[name] for name in _QUOTES]
    if not is_quote and (len(values) < _MANY_ARRAYS or name_says_time(path)):
        return 0
    numbers = (value for array in values if isinstance(array, list) for value in array)
    are_numbers = all(value not in (None, "") and as_numbers([value]) for value in numbers)
    return width if are_numbers else 0
