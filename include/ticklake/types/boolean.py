"""``bool``: true or false, also as text, or as 1 and 0."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.types.field_type import (
    EngineNames,
    FieldType,
    SqlFormat,
    TimeLimits,
)
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import InvalidValueError, NumberText, Value, number_text

if TYPE_CHECKING:
    import pyarrow as pa


_TRUE, _FALSE = ("true", "1"), ("false", "0")


def truth_of(value: object) -> bool | None:
    """Whether *value*, a JSON string or a ``NumberText`` or a truth, is true; None for others."""
    if isinstance(value, bool):
        return value
    if isinstance(value, NumberText):
        return _truth_of_number(value)
    if not isinstance(value, str) or len(value) > len("false"):
        return None
    word = value.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _truth_of_number(text: NumberText) -> bool | None:
    """Of 1 and 0, however they are written."""
    try:
        number = Decimal(number_text(text))
    except (InvalidValueError, InvalidOperation):
        return None
    return bool(number) if number in (0, 1) else None


@dataclass(frozen=True, slots=True)
class BooleanType(FieldType):
    """``bool``."""

    pattern: ClassVar[str] = "bool"
    example: ClassVar[str] = "bool"
    sql_format: ClassVar[SqlFormat] = "bool"

    def arrow_type(self) -> pa.DataType:
        """A bit."""
        import pyarrow as pa

        return pa.bool_()

    def parse_value(self, value: object, limits: TimeLimits) -> bool:
        """JSON's true or false; their words in any case, and 1 and 0, as numbers or text."""
        truth = truth_of(value)
        if truth is None:
            raise InvalidValueError(f"is not a {self.name}")
        return truth

    def reading(self, limits: TimeLimits) -> Reading:
        """A bit, however it is written."""
        return Reading(kind=Kind.BOOLEAN)

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
