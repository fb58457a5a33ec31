"""The least and the greatest values of some columns, row group by row group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.ticklake.types import field_types

_CHARACTERS = 256  # of a text; the least and the greatest are kept all the time


class ColumnRanges:
    """The ranges of the columns *names*, as comparable values: of times their numbers."""

    def __init__(self, names: Iterable[str]) -> None:
        self._ends: dict[str, tuple[Any, Any] | None] = dict.fromkeys(names)

    def tap(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield *tables* unchanged, with their ranges taken."""
        for table in tables:
            for name, ends in self._ends.items():
                self._ends[name] = _widened(ends, table.column(name))
            yield table
            del table  # before the next one is gathered

    def of(self, name: str) -> tuple[Any, Any] | None:
        """The least and the greatest value; None where there was none. Of text, its beginning."""
        return self._ends[name]


def _widened(ends: tuple[Any, Any] | None, values: pa.ChunkedArray) -> tuple[Any, Any] | None:
    field_type = field_types.of_arrow(values.type)
    comparable = values if field_type is None else field_type.comparable(values)
    if pa.types.is_string(comparable.type):
        comparable = pc.utf8_slice_codeunits(comparable, 0, _CHARACTERS)
    found = pc.min_max(comparable).as_py()
    if found["min"] is None:
        return ends
    if ends is None:
        return found["min"], found["max"]
    return min(ends[0], found["min"]), max(ends[1], found["max"])
