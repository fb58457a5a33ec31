"""Columns in, facts of their values to be compared out: taken by the kernel, in one pass."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from include.ticklake.kernel.library import ColumnPiece, Facts, Keys, kernel

_MODULUS = 2**64
_KEYS = Keys(*(secrets.randbits(64) | 1 for _ in Keys._fields_))


@dataclass(frozen=True, slots=True)
class ColumnTotal:
    """What does not depend on the order of a column's values."""

    nulls: int = 0
    hashes: int = 0
    """The sum of a hash of each value, modulo 2**64."""

    def __add__(self, other: ColumnTotal) -> ColumnTotal:
        return ColumnTotal(self.nulls + other.nulls, (self.hashes + other.hashes) % _MODULUS)


class ColumnFacts:
    """The facts of some columns: the same for the same values, however they are chunked.

    In another process they are different: to compare, never to store.
    """

    def __init__(self, columns: int) -> None:
        self._facts = (Facts * columns)()

    @classmethod
    def of(cls, rows: pa.RecordBatch | pa.Table) -> ColumnFacts:
        """The facts of the columns of *rows*."""
        facts = cls(rows.num_columns)
        facts.add(rows)
        return facts

    def add(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Count *rows* in, behind those before."""
        pieces = [*self._pieces(rows.columns)]
        # At once: whoever gives Python's lock away waits until it is free again.
        kernel().ticklake_add_facts((ColumnPiece * len(pieces))(*pieces), len(pieces), _KEYS)

    def part(self, first: int, columns: int) -> ColumnFacts:
        """The facts of some *columns*, from the *first* on."""
        part = ColumnFacts(columns)
        part._facts[:] = self._facts[first : first + columns]
        return part

    def total(self, column: int) -> ColumnTotal:
        """What does not depend on the order of a column's values."""
        return ColumnTotal(self._facts[column].nulls, self._facts[column].hashes)

    def differences(self, other: ColumnFacts) -> Iterator[int]:
        """The columns that have other facts."""
        for column, (one, another) in enumerate(zip(self._facts, other._facts, strict=True)):
            if bytes(one) != bytes(another):
                yield column

    def _pieces(self, columns: Iterable[pa.Array | pa.ChunkedArray]) -> Iterator[ColumnPiece]:
        for facts, column in zip(self._facts, columns, strict=True):
            for array in column.chunks if isinstance(column, pa.ChunkedArray) else (column,):
                valid, values, *text = map(_address, array.buffers())
                yield ColumnPiece(
                    facts=ctypes.pointer(facts),
                    bits=0 if text else array.type.bit_width,
                    valid=valid,
                    values=values,
                    text=text[0] if text else None,
                    first=array.offset,
                    rows=len(array),
                )


def _address(buffer: Any) -> int | None:  # noqa: ANN401 - pyarrow ships no types
    return buffer.address if buffer is not None else None
