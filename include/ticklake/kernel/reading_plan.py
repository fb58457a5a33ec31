"""Columns in, the kernel's plan of them out: their names as a tree, and how each value is read."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

import pyarrow as pa

from include.ticklake.kernel.library import (
    MAX_UNITS,
    Bytes,
    ColumnPlan,
    Node,
    NullDecimal,
    Plan,
    kernel,
)
from include.ticklake.model.json_path import is_position
from include.ticklake.types.field_type import FieldType, TimeLimits
from include.ticklake.types.null_values import NullValues
from include.ticklake.types.reading import Kind, Reading

SMALLEST_POWER, LARGEST_POWER = -342, 308
"""Of ten, in doubles; the kernel has the same."""

_MAX_DIGITS = 10**19
_FEW = 10**18
_BITS = 128
_FIRST_ROUNDED_UP = -27
_MASK = 2**64 - 1


class ReadColumn(Protocol):
    """What is asked of a column of the lake that is read."""

    @property
    def path(self) -> tuple[str, ...]:
        """Names to go through in a record."""

    @property
    def field_type(self) -> FieldType:
        """The type, which says how a value is read."""

    @property
    def arrow_type(self) -> pa.DataType:
        """The type of the array."""

    @property
    def limits(self) -> TimeLimits:
        """Which instants it takes."""

    @property
    def nulls(self) -> NullValues:
        """What stands for no value."""

    @property
    def is_required(self) -> bool:
        """Whether a record without a value is refused."""


@dataclass(slots=True)
class _NameInTree:
    """A name of the tree."""

    column: int = -1
    raw: int = -1
    inside: dict[str, _NameInTree] = field(default_factory=dict)


class ReadingPlan:
    """The plan of *columns*, which all have a path; it owns everything that the plan points to."""

    def __init__(self, columns: Sequence[ReadColumn]) -> None:
        self.columns = tuple(columns)
        self.readings = tuple(column.field_type.reading(column.limits) for column in columns)
        self._kept: list[object] = []
        nodes = self._nodes()
        slots: list[int] = []
        for node in nodes:
            node.first_slot = len(slots)
            node.slots = 1 << (2 * node.children).bit_length()
            slots += [-1] * node.slots
        self.nodes = len(nodes)
        plans = [self._column(*pair) for pair in zip(columns, self.readings, strict=True)]
        texts = [number for number, reading in enumerate(self.readings) if reading.is_text]
        required = [number for number, column in enumerate(columns) if column.is_required]
        self.plan = Plan(
            nodes=self._array(Node, nodes),
            columns=self._array(ColumnPlan, plans),
            slots=self._array(ctypes.c_int32, slots),
            texts=self._array(ctypes.c_int32, texts),
            required=self._array(ctypes.c_int32, required),
            node_count=len(nodes),
            column_count=len(plans),
            text_count=len(texts),
            required_count=len(required),
            has_raw=any(column.field_type.is_raw_json for column in columns),
            powers=_powers_of_five(),
        )
        kernel().ticklake_index(self.plan)

    def _nodes(self) -> list[Node]:
        """The record, and every name: the children of each lie side by side."""
        record = _NameInTree()
        for number, column in enumerate(self.columns):
            name = record
            for part in column.path:
                name = name.inside.setdefault(part, _NameInTree())
            if column.field_type.is_raw_json:
                name.raw = number
            else:
                name.column = number
        names = [("", record)]
        nodes: list[Node] = []
        for text, name in names:  # which grows on the way
            quoted = b'"%b":' % text.encode(errors="surrogatepass")
            head = quoted[:8]
            node = Node(
                name=self._bytes(text),
                column=name.column,
                raw=name.raw,
                first_child=len(names),
                children=len(name.inside),
                is_plain=not any(letter in '"\\' or letter < " " for letter in text),
                position=_position(text),
                quoted_bytes=len(quoted),
                head=int.from_bytes(head, "little"),
                mask=2 ** (8 * len(head)) - 1,
                tail=int.from_bytes(quoted[-8:], "little"),
            )
            nodes.append(node)
            names += sorted(name.inside.items(), key=_place)
        return nodes

    def _column(self, column: ReadColumn, reading: Reading) -> ColumnPlan:
        is_raw, nulls = column.field_type.is_raw_json, column.nulls
        # The kernel takes a single text for the empty one.
        texts = [] if is_raw else sorted(nulls.texts, key=lambda text: (text != "", text))
        if texts and texts[0]:
            texts = [texts[0], *texts]
        is_double = reading.kind == Kind.DOUBLE
        numbers = [] if is_double or is_raw else list(_null_decimals(nulls.numbers))
        doubles = [float(number) for number in nulls.numbers] if is_double else []
        return ColumnPlan(
            kind=reading.kind,
            takes_numbers=reading.takes_numbers,
            digits=reading.digits,
            scale=reading.shifts[0] if reading.kind == Kind.TIME else reading.scale,
            null_texts=len(texts),
            null_numbers=len(numbers),
            null_doubles=len(doubles),
            null_text=self._array(Bytes, [self._bytes(text) for text in texts]),
            null_number=self._array(NullDecimal, numbers),
            null_double=self._array(ctypes.c_double, doubles),
            units=len(reading.shifts),
            shifts=(ctypes.c_int32 * MAX_UNITS)(*reading.shifts),
            per_second=reading.per_second,
            plausible_first_s=reading.plausible_s[0],
            plausible_end_s=reading.plausible_s[1],
            first=_int64(reading.instants[0]),
            end=_int64(reading.instants[1]),
            early=reading.early,
            few=_few(reading) if not numbers else 0,
        )

    def _bytes(self, text: str) -> Bytes:
        encoded = text.encode(errors="surrogatepass")
        self._kept.append(encoded)
        return Bytes(encoded, len(encoded))

    def _array(self, kind: Any, values: Sequence[object]) -> Any:  # noqa: ANN401 - of ctypes
        array = (kind * max(len(values), 1))(*values)
        self._kept.append(array)
        return array


def _position(name: str) -> int:
    return int(name) if is_position(name) else -1


def _place(child: tuple[str, _NameInTree]) -> float:
    """Where it comes: positions in the order of an array, then names."""
    position = _position(child[0])
    return math.inf if position < 0 else position


def _null_decimals(numbers: Iterable[Decimal]) -> Iterator[NullDecimal]:
    """Those of *numbers* that the kernel can compare; it leaves longer ones to Python."""
    for number in numbers:
        sign, digits, exponent = number.as_tuple()
        value = int("".join(map(str, digits)))
        assert isinstance(exponent, int)  # noqa: S101 - no infinity is in a list
        while value and value % 10 == 0:
            value, exponent = value // 10, exponent + 1
        if not value:
            yield NullDecimal(0, 0, 0)
        elif value < _MAX_DIGITS and -(2**31) <= exponent < 2**31:
            yield NullDecimal(value, exponent, sign)


def _few(reading: Reading) -> int:
    """Numbers below this one need no thought: see the kernel."""
    if reading.kind == Kind.DECIMAL:
        return min(int(10**reading.digits), _FEW)
    is_simple = reading.kind == Kind.INT64 or (
        reading.kind == Kind.TIME and len(reading.shifts) == 1
    )
    return _FEW if is_simple else 0


def _int64(number: int) -> int:
    return min(max(number, -(2**63)), 2**63 - 1)


@cache
def _powers_of_five() -> Any:  # noqa: ANN401 - of ctypes
    """128 bits of each power, the first of them set, as the kernel's algorithm needs them."""
    words: list[int] = []
    for exponent in range(SMALLEST_POWER, LARGEST_POWER + 1):
        power = 5 ** abs(exponent)
        bits = power.bit_length()
        if exponent >= 0:
            significant = power << _BITS >> bits
        elif exponent >= _FIRST_ROUNDED_UP:
            significant = (1 << (bits + _BITS - 1)) // power + 1
        else:
            reciprocal = (1 << (2 * bits + _BITS)) // power + 1
            significant = reciprocal >> (reciprocal.bit_length() - _BITS)
        words += [significant >> 64, significant & _MASK]
    return (ctypes.c_uint64 * len(words))(*words)
