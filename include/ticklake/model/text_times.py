"""How a source writes its times as text: ISO 8601 or a format, and the zone of its clock."""

from __future__ import annotations

from dataclasses import dataclass

from include.ticklake.model import time_zones, times
from include.ticklake.model.iso_times import ClockTime, parse_iso
from include.ticklake.model.time_formats import TimeFormat
from include.ticklake.model.times import Instant


@dataclass(frozen=True, slots=True)
class TextTimes:
    """What ``format`` and ``timezone`` of a field say."""

    format: str | None = None
    """In the words of ``time_formats``; None for ISO 8601."""
    timezone: str | None = None
    """Of the clock that wrote a time without an offset; None for UTC."""

    @property
    def has_fraction(self) -> bool:
        """Whether the times may be finer than a second."""
        return self.format is None or TimeFormat.of(self.format).has_fraction

    @property
    def name(self) -> str:
        """What a text must be: ``an ISO 8601 time``."""
        return f"a time in the format {self.format!r}" if self.format else "an ISO 8601 time"

    def parse(self, text: str) -> Instant | None:
        """The instant that *text* is; None if it is not one."""
        if self.format is None and self.timezone is None:
            return times.parse(text, unit="iso")
        parts = self.take_apart(text)
        zone = time_zones.zone(self.timezone) if self.timezone else None
        return times.to_instant(parts, zone=zone) if parts else None

    def why_not(self, text: str) -> str:
        """Why *text*, which ``parse`` did not read, is not an instant."""
        if self.timezone and self.take_apart(text):
            return f"is a time that the clock of {self.timezone} shows twice, or never"
        return f"is not {self.name}"

    def take_apart(self, text: str) -> ClockTime | None:
        """What *text* says, wherever that clock is; None if it is not a time."""
        return TimeFormat.of(self.format).parse(text) if self.format else parse_iso(text)
