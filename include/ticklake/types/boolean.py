"""``bool``: true or false."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.types.field_type import (
    EngineNames,
    FieldType,
    SqlFormat,
    TimeLimits,
)
from include.ticklake.types.values import InvalidValueError, Value

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class BooleanType(FieldType):
    """``bool``."""

    pattern: ClassVar[str] = "bool"
    example: ClassVar[str] = "bool"
    blank_is_null: ClassVar[bool] = False
    sql_format: ClassVar[SqlFormat] = "bool"

    def arrow_type(self) -> pa.DataType:
        """A bit."""
        import pyarrow as pa

        return pa.bool_()

    def parse_value(self, value: object, limits: TimeLimits) -> bool:
        """JSON's true or false; neither numbers nor text."""
        if not isinstance(value, bool):
            raise InvalidValueError(f"is not a {self.name}")
        return value

    def format_value(self, value: Value) -> str:
        """As JSON writes it."""
        return str(value).lower()

    def engine_names(self) -> EngineNames:
        """Every engine has it."""
        return EngineNames(
            athena="boolean",
            duckdb="BOOLEAN",
            spark="boolean",
            trino="boolean",
            polars="pl.Boolean",
            pyarrow="pa.bool_()",
            iceberg="boolean",
        )

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """Bits."""
        import pyarrow as pa

        return bool(pa.types.is_boolean(arrow_type))

    @staticmethod
    def comparable(values: pa.Array) -> pa.Array:
        """Bytes: the bit of a neighbour may share one otherwise."""
        import pyarrow as pa

        return values.cast(pa.uint8())
