"""``timestamp``: an instant in UTC; ``unit`` says how the source writes it.

========================== ==================== ================================
unit                       in the lake          written by the source as
========================== ==================== ================================
``s``, ``ms``              timestamp[ms, UTC]   number or text
``us``                     timestamp[us, UTC]   number or text
``ns``                     timestamp[ns, UTC]   number or text
``float_s``                timestamp[ns, UTC]   number or text
``iso``                    timestamp[ns, UTC]   text
a ``format`` with ``%f``   timestamp[ns, UTC]   text or number
another ``format``         timestamp[ms, UTC]   text or number
``[ms, us]``               the finer one's      number or text
any, and a ``precision``   that precision       the same
none (``$fetched_at``)     timestamp[ms, UTC]   the manifest has it
========================== ==================== ================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from include.ticklake.model import times
from include.ticklake.model.text_times import TextTimes
from include.ticklake.model.times import EPOCH, PER_SECOND, Instant, TimeUnit
from include.ticklake.types.field_type import (
    EngineNames,
    FieldType,
    SqlFormat,
    TimeLimits,
    year_bounds_s,
)
from include.ticklake.types.reading import Kind, Reading
from include.ticklake.types.values import CoarseColumnError, InvalidValueError, NumberText, Value

if TYPE_CHECKING:
    import pyarrow as pa


LakeUnit = Literal["ms", "us", "ns"]
"""The unit of a timestamp's column."""

_LAKE_UNITS: dict[TimeUnit, LakeUnit] = {
    "s": "ms", "ms": "ms", "us": "us", "iso": "ns", "ns": "ns", "float_s": "ns",
}  # fmt: skip
_FINER = ("timestamp[ms]", "timestamp[us]", "timestamp[ns]")
_EARLY_S = 60 * 86_400  # milliseconds of this century, read as microseconds, end in February 1970
_LAST_NS_YEAR = 2261  # 64 bits of nanoseconds end in 2262
_INT64 = 2**63
_DIGITS: dict[TimeUnit, int] = {"s": 0, "float_s": 0, "ms": 3, "us": 6, "ns": 9}


@dataclass(frozen=True, slots=True)
class TimestampType(FieldType):
    """``timestamp``, with the units that its source writes, the coarsest first."""

    units: tuple[TimeUnit, ...] = ()
    precision: LakeUnit | None = None
    """Of the column; None for the default of the units."""
    text: TextTimes | None = None
    """How times are written as text; None for numbers, and for ISO 8601 in UTC."""

    pattern: ClassVar[str] = "timestamp"
    example: ClassVar[str] = "timestamp"
    needs_unit: ClassVar[bool] = True
    can_be_event_time: ClassVar[bool] = True
    sql_format: ClassVar[SqlFormat] = "time"
    encoding: ClassVar[str | None] = "DELTA_BINARY_PACKED"

    @classmethod
    def from_spelling(cls, match: re.Match[str], units: tuple[TimeUnit, ...]) -> Self:
        """An instant that is written in one of *units*."""
        return cls(units)

    @property
    def unit(self) -> LakeUnit:
        """``ms``, ``us`` or ``ns``: that of the lake."""
        if self.precision:
            return self.precision
        if self.units:
            return _LAKE_UNITS[self.units[-1]]
        return "ns" if self.text and self.text.has_fraction else "ms"

    @property
    def per_second(self) -> int:
        """How many of the lake's units a second has."""
        return PER_SECOND[self.unit]

    @property
    def name(self) -> str:
        """``timestamp[ms]``."""
        return f"timestamp[{self.unit}]"

    def arrow_type(self) -> pa.DataType:
        """Fine enough for every instant that the source can write."""
        import pyarrow as pa

        return pa.timestamp(self.unit, "UTC")

    def parse_value(self, value: object, limits: TimeLimits) -> int:
        """The instant in units of the lake since 1970, exactly, if it is plausible."""
        instant = self._parse(value, limits)
        at, finer_ns = divmod(instant.ns, 10**9 // self.per_second) if instant else (None, 0)
        first, end = self._range(limits)
        is_inside = at is not None and first <= at < end
        if at is None or not is_inside or self._is_doubtful(at, limits):
            other = self._other_unit(str(value), limits)
            if at is None or not is_inside or other:
                raise self._misplaced(at, limits, other=other)
        if instant and not instant.is_exact:
            raise InvalidValueError("is finer than a nanosecond")
        if finer_ns:
            raise CoarseColumnError(
                f"is finer than {times.UNIT_NAMES[self.unit]}, the precision of its column; add "
                f"`precision: {'ns' if finer_ns % 1_000 else 'us'}` to the field and convert "
                "again: nothing was committed, and the staged JSON has every digit"
            )
        return at

    def reading(self, limits: TimeLimits) -> Reading:
        """Numbers and ISO 8601 in UTC at once, other texts by ``parse_value``."""
        kind = Kind.TIME
        if self.text == TextTimes() or self.units == ("iso",):
            kind = Kind.ISO_TIME
        if self.text and self.text != TextTimes():
            kind = Kind.TOKEN
        digits = _DIGITS[self.unit]
        first_s, end_s = times.plausible_range(limits.years, unit="s")
        return Reading(
            kind=kind,
            takes_numbers=bool(self.text and self.text.format),
            shifts=tuple(digits - _DIGITS[unit] for unit in self.units if unit in _DIGITS),
            per_second=self.per_second,
            plausible_s=(first_s, end_s),
            instants=self._range(limits),
            early=0 if limits.is_event_time else _EARLY_S * self.per_second,
        )

    def widens_from(self, old: str, limits: TimeLimits) -> bool:
        """From a coarser one; nanoseconds end in 2262, so only event times are known to fit."""
        if old not in _FINER or _FINER.index(old) > _FINER.index(self.name):
            return False
        return (
            old == self.name
            or self.unit != "ns"
            or (limits.is_event_time and limits.years[1] <= _LAST_NS_YEAR)
        )

    def format_value(self, value: Value) -> str:
        """ISO 8601 with as many digits as the unit has."""
        assert isinstance(value, int)  # noqa: S101 - what parse_value gave
        seconds, fraction = divmod(value, self.per_second)
        digits = len(str(self.per_second)) - 1
        return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{fraction:0{digits}d}Z"

    def engine_names(self) -> EngineNames:
        """Spark and Iceberg have no nanoseconds, Athena shows milliseconds."""
        nanoseconds = self.unit == "ns"
        notes = {}
        if self.unit != "ms":
            notes["athena"] = "is shown with milliseconds"
        if nanoseconds:
            notes["spark"] = (
                "has nanoseconds, which spark reads as numbers: "
                "SET spark.sql.legacy.parquet.nanosAsLong = true where no table declares it; "
                "the time is timestamp_micros(number div 1000)"
            )
        return EngineNames(
            athena="timestamp",
            duckdb="TIMESTAMP WITH TIME ZONE",
            spark="bigint" if nanoseconds else "timestamp",
            trino=f"timestamp({len(str(self.per_second)) - 1})",
            polars=f'pl.Datetime("{self.unit}", "UTC")',
            pyarrow=f'pa.timestamp("{self.unit}", tz="UTC")',
            iceberg="long" if nanoseconds else "timestamptz",
            notes=notes,
        )

    def iceberg_arrow_type(self) -> pa.DataType:
        """Microseconds, the unit of Iceberg's files; nanoseconds since 1970 as whole numbers."""
        import pyarrow as pa

        return pa.int64() if self.unit == "ns" else pa.timestamp("us", "UTC")

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """Of any unit."""
        import pyarrow as pa

        return bool(pa.types.is_timestamp(arrow_type))

    @staticmethod
    def comparable(values: pa.Array) -> pa.Array:
        """The numbers behind the instants."""
        import pyarrow as pa

        return values.cast(pa.int64())

    def _range(self, limits: TimeLimits) -> tuple[int, int]:
        """The first instant that is allowed, and the first after them, in lake units."""
        return (
            max(limits.first_s * self.per_second, -_INT64),
            min(limits.end_s * self.per_second, _INT64),
        )

    def _is_doubtful(self, instant: int, limits: TimeLimits) -> bool:
        """Whether *instant* may be one in a coarser unit: few happened so early."""
        return not limits.is_event_time and 0 < instant < _EARLY_S * self.per_second

    def _parse(self, value: object, limits: TimeLimits) -> Instant | None:
        """The instant *value*; None where it is outside the calendar, or in no plausible year."""
        text = self.text or (TextTimes() if self.units == ("iso",) else None)
        if text is None:
            is_written = isinstance(value, str)
            instant = times.parse_any(value, self.units, years=limits.years) if is_written else None
            if instant is None and not (is_written and times.is_number(value)):
                raise InvalidValueError("is not a number")
            return instant
        # 20261122 is a date where the feed gives its format; a number is not ISO 8601.
        if not isinstance(value, str) or (isinstance(value, NumberText) and not text.format):
            raise InvalidValueError(f"is not {text.name}")
        if (instant := text.parse(value)) is None:
            raise InvalidValueError(text.why_not(value))
        return instant

    def _other_unit(self, text: str, limits: TimeLimits) -> str | None:
        """*text* in the unit that the source may have changed to; a format is not a unit."""
        if not self.units:
            return None
        return times.detect_other_unit(text, self.units, years=limits.years)

    def _misplaced(
        self, at: int | None, limits: TimeLimits, *, other: str | None
    ) -> InvalidValueError:
        """Why an instant, in lake units, has no place in a column with *limits*."""
        unit = " or ".join(self.units) or "the feed's format"
        doubt = f": has the source's unit changed? {other}" if other else ""
        first, last = limits.years
        first_s, last_s = year_bounds_s(limits.years)
        if at is not None and not other and self._fits_microseconds(at, limits):
            return InvalidValueError(
                "lies outside the years 1677 to 2262 of nanoseconds; "
                "set `precision: us` in the field"
            )
        if not limits.is_event_time and (at is not None or len(self.units) == 1):
            is_early = at is not None and self._is_doubtful(at, limits)
            why = (
                "lies at the beginning of 1970" if is_early else "is more than a timestamp can hold"
            )
            return InvalidValueError(f"in {unit} {why}{doubt}")
        if at is not None and first_s <= at // self.per_second <= last_s:
            return InvalidValueError("lies outside the window")
        return InvalidValueError(f"in {unit} lies outside the years {first} to {last}{doubt}")

    def _fits_microseconds(self, at: int, limits: TimeLimits) -> bool:
        """Whether only a column of nanoseconds, and one that can be coarser, cannot hold *at*."""
        return (
            self.unit == "ns"
            and self.units[-1:] != ("ns",)
            and not -_INT64 <= at < _INT64
            and limits.first_s <= at // self.per_second < limits.end_s
        )
