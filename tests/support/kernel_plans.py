"""Plans of the kernel as C source, for a program without Python."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

from include.ticklake.kernel.library import Bytes, ColumnPlan, NullDecimal, Plan
from include.ticklake.kernel.reading_plan import LARGEST_POWER, SMALLEST_POWER, ReadingPlan

LENGTHS = {
    "null_text": "null_texts",
    "null_number": "null_numbers",
    "null_double": "null_doubles",
    "nodes": "node_count",
    "columns": "column_count",
    "texts": "text_count",
    "required": "required_count",
}
"""Which field says how long the array is that another one points to."""

TYPES = {
    Bytes: "Bytes",
    NullDecimal: "Decimal",
    ColumnPlan: "Column",
    ctypes.c_double: "double",
    ctypes.c_int32: "int32_t",
    ctypes.c_uint64: "uint64_t",
}


def plans_in_c(plans: Sequence[ReadingPlan]) -> str:
    """``plans`` and ``widths``, the latter bytes a row by column: 0 for bits, -1 for text."""
    source = _Source()
    values = ",\n".join(source.structure(plan.plan) for plan in plans)
    rows = ", ".join(f"{{{', '.join(map(str, widths(plan)))}}}" for plan in plans)
    most = max(len(plan.columns) for plan in plans)
    return "\n".join(
        [
            *source.arrays,
            f"#define PLANS {len(plans)}",
            f"static const Plan plans[] = {{{values}}};",
            f"static const int32_t widths[][{most}] = {{{rows}}};\n",
        ]
    )


def widths(plan: ReadingPlan) -> list[int]:
    """Bytes a row by column."""
    return [
        -1 if reading.is_text else column.arrow_type.bit_width // 8
        for column, reading in zip(plan.columns, plan.readings, strict=True)
    ]


class _Source:
    """Structures as C writes them; what they point to is in arrays before."""

    def __init__(self) -> None:
        self.arrays: list[str] = []

    def structure(self, value: ctypes.Structure) -> str:
        fields = (self._field(value, name) for name, *_ in value._fields_)
        return f"{{{', '.join(fields)}}}"

    def _field(self, owner: Any, name: str) -> str:
        value = getattr(owner, name)
        if isinstance(value, ctypes.Structure):
            return f".{name} = {self.structure(value)}"
        if isinstance(value, ctypes.Array):
            return f".{name} = {{{', '.join(map(str, value))}}}"
        if isinstance(value, bytes):
            octal = "".join(map(r"\{:03o}".format, value))
            return f'.{name} = (Text)"{octal}"'
        if isinstance(value, int):
            return f".{name} = {_integer(value)}"
        return f".{name} = {self._array(owner, name, value)}"

    def _array(self, owner: Any, name: str, values: Any) -> str:
        length = _length(owner, name)
        if not length:
            return "NULL"
        kind = TYPES.get(values._type_, "Node")
        texts = (
            self.structure(one) if isinstance(one, ctypes.Structure) else _plain(one)
            for one in values[:length]
        )
        written = ",\n".join(texts)
        array = f"array_{len(self.arrays)}"
        self.arrays.append(f"static {kind} {array}[] = {{{written}}};")
        return array


def _length(owner: Any, name: str) -> int:
    if name in LENGTHS:
        return int(getattr(owner, LENGTHS[name]))
    if name == "powers":
        return 2 * (LARGEST_POWER - SMALLEST_POWER + 1)
    assert isinstance(owner, Plan), name
    return max(node.first_slot + node.slots for node in _nodes(owner))


def _nodes(plan: Plan) -> Iterator[Any]:
    return (plan.nodes[number] for number in range(plan.node_count))


def _plain(value: float) -> str:
    return value.hex() if isinstance(value, float) else _integer(value)


def _integer(value: int) -> str:
    return f"INT64_C({value})" if -(2**63) < value < 2**63 else f"UINT64_C({value % 2**64})"
