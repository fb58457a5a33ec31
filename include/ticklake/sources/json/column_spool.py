"""Arrays of one length in, one after the other; records out, with a value of each.

The first array has ended before the second begins, so the values wait in a temporary file: memory
holds one block of a column, and of all columns together while the records are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from include.ticklake.errors import MalformedPageError
from include.ticklake.model.record import Record
from include.ticklake.sources.json.line_spool import LineSpool
from include.ticklake.sources.json.member_splitter import encode_text

MAX_COLUMNS = 1_000
_READ_BYTES = 128 * 1024
"""Of all columns together: a value takes ten times its text, as an object of Python."""


@dataclass(slots=True)
class _Column:
    """Where the values of one array are in the file, a line each."""

    start: int
    end: int
    rows: int = 0


class ColumnSpool:
    """The arrays of one body; close it to give the disk back.

    *columns* are the feed's names, if it has any; one that ends in ``?`` may be missing.
    """

    def __init__(self, columns: Collection[str] = ()) -> None:
        self._required = [name for name in columns if not name.endswith("?")]
        self._columns: dict[str, _Column] = {}
        self._lines = LineSpool()

    def begin(self, name: str) -> None:
        """The array *name* begins, which no other one of the body is called."""
        if len(self._columns) == MAX_COLUMNS:
            raise MalformedPageError(
                f"there are more than {MAX_COLUMNS} arrays of values; name those to read in "
                "source.columns"
            )
        self._columns[name] = _Column(self._lines.size, self._lines.size)

    def write(self, values: Sequence[Record]) -> None:
        """Add *values* to the array that began last."""
        column = next(reversed(self._columns.values()))
        self._lines.write(values)
        column.end = self._lines.size
        column.rows += len(values)

    def records(self, *, where: str) -> Iterator[Record]:
        """Yield a record for each row; ``MalformedPageError`` where the lengths differ."""
        missing = [name for name in self._required if name not in self._columns]
        lengths = {column.rows for column in self._columns.values()}
        if self._columns and (missing or len(lengths) > 1):
            raise MalformedPageError(
                f"no columns at {where!r}: " + (_missing(missing) or self._differing())
            )
        if not self._columns:
            return
        names = (encode_text(name).replace(b"%", b"%%") for name in self._columns)
        form = b"{" + b",".join(name + b":%b" for name in names) + b"}"
        read_bytes = max(1024, _READ_BYTES // len(self._columns))
        columns = [
            self._lines.read(column.start, column.end, read_bytes=read_bytes)
            for column in self._columns.values()
        ]
        for values in zip(*columns, strict=True):
            yield Record(form % values)

    def close(self) -> None:
        """Delete the file."""
        self._lines.close()

    def _differing(self) -> str:
        """The first two of different lengths, for a message."""
        (first, column), *others = self._columns.items()
        name, other = next(entry for entry in others if entry[1].rows != column.rows)
        return f"{first!r} has {column.rows} values, and {name!r} {other.rows}"


def _missing(names: Sequence[str]) -> str:
    return f"there is no array {', '.join(map(repr, names[:5]))}" if names else ""
