"""How long a source asks to wait: in seconds, until a date, or until a moment since 1970.

Sources mix these up, and their units, too. A number is read by its size, and what would be longer
than any real wait is not read at all: nothing waits a week by accident.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from include.ticklake.errors import LONGEST_WAIT_S

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d:\d\d:\d\d", re.IGNORECASE)
_UNITS_S = {"ms": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600,
            "hour": 3600}  # fmt: skip

# From which number on it is a moment since 1970, and how many of its unit are a second.
_MOMENTS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e8, 1.0))


def retry_after_s(
    headers: Mapping[str, str], *, default_s: float = 60.0, now_s: float | None = None
) -> float:
    """Seconds to wait according to ``Retry-After``; *default_s* where it does not say."""
    now_s = time.time() if now_s is None else now_s
    wait_s = read_wait_s(headers.get("Retry-After", ""), now_s=now_s)
    return default_s if wait_s is None else wait_s


def read_wait_s(text: str, *, now_s: float, unit_s: float = 1.0) -> float | None:
    """Seconds to wait from *now_s* on, 0 if it is over; None where *text* does not say.

    A number is one of *unit_s* or, where it is large, a moment since 1970 in any unit. Of several,
    as a header that was sent twice has, the longest counts.
    """
    text = text.strip()
    numbers = [_NUMBER.fullmatch(part.strip()) for part in text.split(",")]
    waits_s = (
        [_number_s(match, now_s=now_s, unit_s=unit_s) for match in numbers if match]
        if all(numbers)
        else [_date_s(text, now_s=now_s)]
    )
    known_s = [wait_s for wait_s in waits_s if wait_s is not None and wait_s <= LONGEST_WAIT_S]
    return max(0.0, *known_s) if len(known_s) == len(waits_s) else None


def _number_s(match: re.Match[str], *, now_s: float, unit_s: float) -> float | None:
    number, unit = float(match[1]), match[2].lower()
    if unit:
        own_unit_s = _UNITS_S.get(unit, _UNITS_S.get(unit.removesuffix("s")))
        return None if own_unit_s is None else number * own_unit_s
    for least, per_s in _MOMENTS:
        if number >= least:
            return number / per_s - now_s
    return number * unit_s


def _date_s(text: str, *, now_s: float) -> float | None:
    try:
        date = parsedate_to_datetime(text) if _DATE.match(text) else datetime.fromisoformat(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now_s
