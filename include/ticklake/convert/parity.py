"""Checks that a Parquet file holds exactly what was parsed.

Two facts of each column, which the kernel takes. The **total** of its values does not depend on the
order of the rows: it is kept of the batches as they come from the parser and of the row groups.
The **digest** does: each column of a row group has one before it is written and one when it is
read back. The totals prove that gathering and sorting lost nothing, the digests that every
byte came through the file.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from include.ticklake.convert.parquet_writer import FEW_ROW_GROUPS
from include.ticklake.convert.stored_batches import COLUMNS_AT_ONCE
from include.ticklake.errors import ParityError
from include.ticklake.kernel.column_facts import ColumnFacts, ColumnTotal


class ParityCheck:
    """The facts of one conversion, from the parser to the file."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._parsed = ColumnFacts(len(schema))
        self._row_groups: list[ColumnFacts] = []
        self.rows = 0

    @property
    def totals(self) -> dict[str, ColumnTotal]:
        """By column, of the rows that were parsed."""
        names = enumerate(self._schema.names)
        return {name: self._parsed.total(column) for column, name in names}

    def tap_batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield *batches* unchanged, with their totals taken."""
        for batch in batches:
            self._parsed.add(batch)
            self.rows += batch.num_rows
            yield batch

    def tap_row_groups(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Yield *tables* unchanged, each the content of a row group, with their digests taken."""
        for table in tables:
            self._row_groups.append(ColumnFacts.of(table))
            yield table
            del table  # before the next one is gathered

    def check(self, source: Any, *, where: str) -> None:  # noqa: ANN401 - a binary file
        """Read the Parquet in *source* back; ``ParityError`` where it holds something else.

        ``OSError`` where the storage fails, which says nothing of what it holds.
        """
        file = _WatchedFile(source)
        try:
            rows = self._read_back(file, where=where)
        except (pa.ArrowException, OSError) as error:
            if file.failure is not None:
                raise file.failure from None
            raise _differs(where, f"it cannot be read back: {error}") from error
        if rows != self.rows:
            raise _differs(where, f"{self.rows} rows were parsed, {rows} are stored")
        for column, (name, parsed) in enumerate(self.totals.items()):
            stored = sum((group.total(column) for group in self._row_groups), ColumnTotal())
            if stored != parsed:
                raise _differs(where, f"column {name}: parsed {parsed}, stored {stored}")

    def _read_back(self, source: Any, *, where: str) -> int:  # noqa: ANN401
        with pq.ParquetFile(source, pre_buffer=False) as file:
            if not file.schema_arrow.equals(self._schema):
                raise _differs(where, f"its schema is {file.schema_arrow}")
            if file.num_row_groups != len(self._row_groups):
                raise _differs(where, f"it has {file.num_row_groups} row groups")
            for number, written in enumerate(self._row_groups):
                for first in range(0, len(self._schema), COLUMNS_AT_ONCE):
                    names = self._schema.names[first : first + COLUMNS_AT_ONCE]
                    # Without threads of Arrow, which may abort a process that ends soon afterwards.
                    group = file.read_row_group(number, columns=names, use_threads=False)
                    stored = ColumnFacts.of(group)
                    del group  # before the next one is read
                    expected = written.part(first, len(names))
                    if other := [names[column] for column in expected.differences(stored)]:
                        what = f"row group {number}, column {other[0]}: other values"
                        raise _differs(where, what)
                if number >= FEW_ROW_GROUPS:
                    pa.default_memory_pool().release_unused()
            return int(file.metadata.num_rows)


class _WatchedFile(io.RawIOBase):
    """A file that remembers how reading it failed: Arrow has the same error for damaged bytes."""

    def __init__(self, source: Any) -> None:  # noqa: ANN401 - a binary file
        self._source = source
        self.failure: OSError | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._source.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._source.seek(offset, whence))

    def read(self, size: int = -1) -> bytes:
        try:
            return bytes(self._source.read(size))
        except OSError as error:
            self.failure = error
            raise


def _differs(where: str, what: str) -> ParityError:
    return ParityError(
        f"{where}: {what}; nothing was committed. Convert it again, and if it happens again keep "
        "the file and report it"
    )
