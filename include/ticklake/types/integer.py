"""``int64``: a 64-bit signed integer, written as a JSON number or as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.types.field_type import (
    EngineNames,
    FieldType,
    TimeLimits,
)
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import InvalidValueError, scaled_integer

if TYPE_CHECKING:
    import pyarrow as pa

_PLAIN = re.compile(r"-?[0-9]+")
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class IntegerType(FieldType):
    """``int64``."""

    pattern: ClassVar[str] = "int64"
    example: ClassVar[str] = "int64"
    can_be_contiguous: ClassVar[bool] = True
    encoding: ClassVar[str | None] = "DELTA_BINARY_PACKED"

    def arrow_type(self) -> pa.DataType:
        """64 bits."""
        import pyarrow as pa

        return pa.int64()

    def parse_value(self, value: object, limits: TimeLimits) -> int:
        """The integer, however it is written: 7, "7", 7.00 and 7e0 are the same."""
        if isinstance(value, str) and len(value) < 19 and _PLAIN.fullmatch(value):
            return int(value)
        number = scaled_integer(value, digits=19, scale=0, type_name=self.name)
        if not -_INT64 <= number < _INT64:
            raise InvalidValueError(f"is too large for {self.name}")
        return number

    def reading(self, limits: TimeLimits) -> Reading:
        """However it is written."""
        return Reading(kind=Kind.INT64)

    def engine_names(self) -> EngineNames:
        """Every engine has it."""
        return EngineNames(
            athena="bigint",
            duckdb="BIGINT",
            spark="bigint",
            trino="bigint",
            polars="pl.Int64",
            pyarrow="pa.int64()",
            iceberg="long",
        )

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """Any integer."""
        import pyarrow as pa

        return bool(pa.types.is_integer(arrow_type))
