"""A column's values in, facts of them to be compared out: taken by the kernel, in one pass."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

from include.ticklake.kernel.library import Facts, Keys, kernel

_MODULUS = 2**64
_KEYS = Keys(*(secrets.randbits(64) | 1 for _ in Keys._fields_))


@dataclass(frozen=True, slots=True)
class Total:
    """What does not depend on the order of a column's values."""

    nulls: int = 0
    hashes: int = 0
    """The sum of a hash of each value, modulo 2**64."""

    def __add__(self, other: Total) -> Total:
        return Total(self.nulls + other.nulls, (self.hashes + other.hashes) % _MODULUS)


class ColumnFacts:
    """Facts that columns of the same values share, however they are chunked.

    In another process they are different: to compare, never to store.
    """

    def __init__(self) -> None:
        self._facts = Facts()

    @classmethod
    def of(cls, values: pa.Array | pa.ChunkedArray) -> Self:
        """The facts of *values*."""
        facts = cls()
        facts.add(values)
        return facts

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        """Count *values* in, behind those before."""
        for array in values.chunks if isinstance(values, pa.ChunkedArray) else (values,):
            valid, content, *text = map(_address, array.buffers())
            kernel().ticklake_add_facts(
                self._facts,
                _KEYS,
                0 if text else array.type.bit_width,
                valid,
                content,
                text[0] if text else None,
                array.offset,
                len(array),
            )

    @property
    def total(self) -> Total:
        """What does not depend on the order of the values."""
        return Total(self._facts.nulls, self._facts.hashes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ColumnFacts) and bytes(self._facts) == bytes(other._facts)

    __hash__ = None  # type: ignore[assignment]  # it changes


def _address(buffer: Any) -> int | None:  # noqa: ANN401 - pyarrow ships no types
    return buffer.address if buffer is not None else None
