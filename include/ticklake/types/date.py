"""``date``: a day of the calendar, without a time or a zone.

It is written as ISO 8601 text: ``2026-11-22`` or ``20261122``. A text with a time is accepted where
nothing is lost, which is at midnight in UTC; any other time of day is refused, and so are numbers,
which do not say what they count. With a ``format``, a text or number in that format is a date, and
nothing else is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, ClassVar

from include.ticklake.model.text_times import TextTimes
from include.ticklake.model.times import EPOCH
from include.ticklake.types.field_type import EngineNames, FieldType, TimeLimits
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import InvalidValueError, NumberText, Value

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class DateType(FieldType):
    """``date``."""

    pattern: ClassVar[str] = "date"
    example: ClassVar[str] = "date"
    encoding: ClassVar[str | None] = "DELTA_BINARY_PACKED"

    text: TextTimes | None = None
    """How dates are written; None for ISO 8601."""

    def arrow_type(self) -> pa.DataType:
        """Days since 1970 in 32 bits."""
        import pyarrow as pa

        return pa.date32()

    def parse_value(self, value: object, limits: TimeLimits) -> int:
        """The days since 1970 of a day in the years 1 to 9999."""
        text = self.text or TextTimes()
        is_text = isinstance(value, str) and (text.format or not isinstance(value, NumberText))
        moment = text.take_apart(str(value)) if is_text else None
        if moment is None:
            name = f"a date in the format {text.format!r}" if text.format else "an ISO 8601 date"
            raise InvalidValueError(f"is not {name}")
        if moment.clock.time() != time() or moment.fraction.strip("0") or moment.offset:
            raise InvalidValueError("has a time of day, which a date does not hold")
        return moment.clock.toordinal() - EPOCH.toordinal()

    def reading(self, limits: TimeLimits) -> Reading:
        """ISO 8601 at once, another format by ``parse_value``."""
        return Reading(kind=Kind.TOKEN if self.text else Kind.ISO_DATE, takes_numbers=True)

    def format_value(self, value: Value) -> str:
        """ISO 8601."""
        assert isinstance(value, int)  # noqa: S101 - what parse_value gave
        return date.fromordinal(EPOCH.toordinal() + value).isoformat()

    def engine_names(self) -> EngineNames:
        """Every engine has it."""
        return EngineNames(
            athena="date",
            duckdb="DATE",
            spark="date",
            trino="date",
            polars="pl.Date",
            pyarrow="pa.date32()",
            iceberg="date",
        )

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """Days in 32 bits."""
        import pyarrow as pa

        return bool(pa.types.is_date32(arrow_type))

    @staticmethod
    def comparable(values: pa.Array) -> pa.Array:
        """The numbers of days."""
        import pyarrow as pa

        return values.cast(pa.int32())
