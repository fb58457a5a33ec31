"""``double``: a 64-bit float, for sources whose numbers are floats themselves.

A number, written as a JSON number or as text, becomes the nearest double; the shortest text of a
double is read as the same double. NaN and infinities are not numbers here, and a number that is
too large is refused. What is exact at the source belongs into a ``decimal``; no other type widens
to a double, for it does not hold every int64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.types.field_type import (
    Dictionary,
    EngineNames,
    FieldType,
    TimeLimits,
)
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import InvalidValueError, Value, number_text

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class DoubleType(FieldType):
    """``double``."""

    pattern: ClassVar[str] = "double"
    example: ClassVar[str] = "double"
    dictionary: ClassVar[Dictionary] = "if_smaller"

    def arrow_type(self) -> pa.DataType:
        """64 bits."""
        import pyarrow as pa

        return pa.float64()

    def parse_value(self, value: object, limits: TimeLimits) -> float:
        """The nearest double; one with the sign of the number where that is zero."""
        number = float(number_text(value))
        if math.isinf(number):
            raise InvalidValueError(f"is too large for {self.name}")
        return number

    def reading(self, limits: TimeLimits) -> Reading:
        """Correctly rounded."""
        return Reading(kind=Kind.DOUBLE)

    def format_value(self, value: Value) -> str:
        """The shortest text that is read as the same double."""
        return repr(value)

    def engine_names(self) -> EngineNames:
        """Every engine has it."""
        return EngineNames(
            athena="double",
            duckdb="DOUBLE",
            spark="double",
            trino="double",
            polars="pl.Float64",
            pyarrow="pa.float64()",
            iceberg="double",
        )

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """64 bits."""
        import pyarrow as pa

        return bool(pa.types.is_float64(arrow_type))
