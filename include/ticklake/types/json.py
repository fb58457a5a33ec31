"""``json``: any JSON value, kept as its own text, to the byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.types.field_type import (
    EngineNames,
    FieldType,
    NumberStyle,
    SqlFormat,
    TimeLimits,
)
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
        raise NotImplementedError

    def arrow_read_type(self, styles: frozenset[NumberStyle]) -> pa.DataType:
        """Never called: Arrow cannot give the text of a nested value."""
        raise NotImplementedError

    def from_arrow_read(self, read: pa.Array, limits: TimeLimits) -> pa.Array:
        """Never called either."""
        raise NotImplementedError

    def engine_names(self) -> EngineNames:
        """Text everywhere."""
        return TEXT_NAMES

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """In the lake it is text, whose type counts."""
        return False
