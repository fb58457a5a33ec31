"""How the kernel reads a value of a type from JSON, without Python: see ``json_lines.c``.

It must give what the type's ``parse_value`` gives, or leave the record to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What a value becomes; the numbers are those of the kernel."""

    INT64 = 0
    DECIMAL = 1
    DOUBLE = 2
    BOOLEAN = 3
    STRING = 4
    TIME = 5
    """A number since 1970."""
    ISO_TIME = 6
    ISO_DATE = 7
    TOKEN = 8
    """A text that ``parse_value`` reads, once for each that is different."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One column's values, as the kernel reads them."""

    kind: Kind
    digits: int = 0
    """Of a decimal, at most."""
    scale: int = 0
    """Of a decimal."""
    takes_numbers: bool = False
    """Of a token: whether a JSON number may be one."""
    shifts: tuple[int, ...] = ()
    """Of times: the power of ten from each unit of the source to that of the column."""
    per_second: int = 1
    """Units of the column in a second."""
    plausible_s: tuple[int, int] = (0, 0)
    """Seconds since 1970: where there are several units, the one that leads here counts."""
    instants: tuple[int, int] = (0, 0)
    """The first that is allowed, and the first after them."""
    early: int = 0
    """After zero and before this instant ``parse_value`` decides."""

    @property
    def is_text(self) -> bool:
        """Whether the kernel gives texts, which are copied out of the records."""
        return self.kind in (Kind.STRING, Kind.TOKEN)
