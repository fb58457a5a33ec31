"""``string``: UTF-8 text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.types.field_type import (
    Dictionary,
    EngineNames,
    FieldType,
    TimeLimits,
)
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import InvalidValueError, NumberText

if TYPE_CHECKING:
    import pyarrow as pa


TEXT_NAMES = EngineNames(
    athena="string",
    duckdb="VARCHAR",
    spark="string",
    trino="varchar",
    polars="pl.String",
    pyarrow="pa.string()",
    iceberg="string",
)


@dataclass(frozen=True, slots=True)
class TextType(FieldType):
    """``string``."""

    pattern: ClassVar[str] = "string"
    example: ClassVar[str] = "string"
    blank_is_null: ClassVar[bool] = False
    dictionary: ClassVar[Dictionary] = "always"

    def arrow_type(self) -> pa.DataType:
        """With offsets of 32 bits."""
        import pyarrow as pa

        return pa.string()

    def parse_value(self, value: object, limits: TimeLimits) -> str:
        """The text of a JSON string, also where it is empty."""
        if not isinstance(value, str) or isinstance(value, NumberText):
            raise InvalidValueError(f"is not a {self.name}")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValueError("is not text: half of a surrogate pair") from None
        return value

    def reading(self, limits: TimeLimits) -> Reading:
        """Without its escapes."""
        return Reading(kind=Kind.STRING)

    def engine_names(self) -> EngineNames:
        """Every engine has it."""
        return TEXT_NAMES

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """Text, be it JSON or not."""
        import pyarrow as pa

        return bool(pa.types.is_string(arrow_type))
