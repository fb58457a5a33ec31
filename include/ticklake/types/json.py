"""``json``: any JSON value, kept as its own text, to the byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.types.field_type import (
    EngineNames,
    FieldType,
    SqlFormat,
    TimeLimits,
)
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.text import TEXT_NAMES
from include.ticklake.types.values import Value

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class JsonType(FieldType):
    """``json``: its values are not parsed but cut out of the record, see ``raw_json``."""

    pattern: ClassVar[str] = "json"
    example: ClassVar[str] = "json"
    blank_is_null: ClassVar[bool] = False
    is_raw_json: ClassVar[bool] = True
    sql_format: ClassVar[SqlFormat] = "json"

    def arrow_type(self) -> pa.DataType:
        """Text."""
        import pyarrow as pa

        return pa.string()

    def parse_value(self, value: object, limits: TimeLimits) -> Value:
        """Never called: a parsed value has lost its own text."""
        raise TypeError("a json column holds the text of a value, not a value that was parsed")

    def reading(self, limits: TimeLimits) -> Reading:
        """Its own text, whatever it is."""
        return Reading(kind=Kind.STRING)

    def engine_names(self) -> EngineNames:
        """Text everywhere."""
        return TEXT_NAMES

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """In the lake it is text, whose type counts."""
        return False
