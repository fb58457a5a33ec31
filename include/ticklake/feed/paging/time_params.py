"""Times in the parameters of paging: numbers of any unit, ISO 8601, or a format in a zone.

A pager counts in instants: of a second, a day, whatever the parameters can tell apart. What shares
an instant is requested again, so none is lost where a source's times are finer. Those of a format
begin where its clock says: a day of Seoul at 15:00 UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator

from include.ticklake.model.param_values import SentValue
from include.ticklake.model.time_writing import TimeWriter, instant
from include.ticklake.model.time_zones import fixed_offset
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

TimeParamUnit = Literal["s", "ms", "us", "ns", "min", "float_s", "iso"]
_ISO = "%Y-%m-%dT%H:%M:%S"
_UNIT_NS: dict[str, int] = UNIT_NS | {"min": 60 * 10**9, "float_s": 1, "iso": 10**6}


def _check_format(text: str) -> str:
    writer = TimeWriter.of(text)
    if not writer.says_date:
        raise ValueError("a time needs a year, a month and a day: %Y %m %d, or %Y %j")
    return text


TimeParamFormat = Annotated[str, AfterValidator(_check_format)]


def check_format_zone(format: str | None, timezone: str) -> None:
    """``ValueError`` where times in *format* would not say which instant of *timezone* is meant."""
    if format is None:
        raise ValueError("is for times in a format; write one, or remove it")
    writer = TimeWriter.of(format, timezone)
    is_offset = writer.shows_offset and writer.step <= timedelta(minutes=1)
    if fixed_offset(timezone) is None and not is_offset:
        raise ValueError(
            f"the clock of {timezone} is changed twice a year, and shows an hour twice; write %z "
            f"if the source reads it, or page another way, with {{start@{timezone}:{format}}} in "
            "source.params"
        )


class TimeParams:
    """How a paging style writes its times."""

    def __init__(
        self, unit: TimeParamUnit, format: str | None = None, timezone: str | None = None
    ) -> None:
        self._unit = unit
        self._writer = TimeWriter.of(format, timezone) if format else None
        offset = fixed_offset(timezone) if timezone else None
        self._offset_ns = (offset or timedelta()) // timedelta(microseconds=1) * 1_000
        self.instant_ns = _UNIT_NS[unit]
        """How long an instant is."""
        if self._writer:
            self.instant_ns = self._writer.step // timedelta(microseconds=1) * 1_000

    def bounds(self, window: Window) -> tuple[int, int]:
        """The first instant of *window*, and the first after it."""
        return self.of(window.start_ns), self.of(window.end_ns - 1) + 1

    def of(self, at_ns: int) -> int:
        """The instant in which *at_ns* lies."""
        return (at_ns + self._offset_ns) // self.instant_ns

    def start(self, at: int) -> SentValue:
        """A parameter that asks for the instant *at* and later ones."""
        if self._writer is None:
            return self._plain(at)
        begin = self._writer.start(self._begin(at))
        return self._writer.write(begin, later=False)

    def end(self, at: int, *, is_inclusive: bool) -> SentValue:
        """A parameter that asks for the instant *at* and earlier ones."""
        if self._writer is None:
            return self._plain(at if is_inclusive else at + 1)
        end = self._writer.end(self._begin(at + 1))
        return self._writer.write(end - is_inclusive * self._writer.step, later=True)

    def show(self, at: int) -> str:
        """The instant *at* as a message has it."""
        shown = self.start(at)
        return str(shown) if self._writer or self._unit == "iso" else f"{shown} {self._unit}"

    def _begin(self, at: int) -> datetime:
        return instant(at * self.instant_ns - self._offset_ns)

    def _plain(self, at: int) -> SentValue:
        if self._unit == "iso":
            moment = instant(at * self.instant_ns)
            return f"{moment:{_ISO}}.{moment.microsecond // 1_000:03}Z"
        return Decimal(at).scaleb(-9) if self._unit == "float_s" else at
