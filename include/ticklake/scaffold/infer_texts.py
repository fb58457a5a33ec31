"""Texts that stand for something else: a time in a format of its own, or no value at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from include.ticklake.model.text_times import TextTimes
from include.ticklake.model.times import parse_ns, plausible_range
from include.ticklake.scaffold.infer_times import name_says_time
from include.ticklake.scaffold.infer_types import as_numbers

_DATES = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
_FORMATS = (
    "%Y%m%d", "%Y%m%d%H%M%S", *_DATES, *(f"{date} %H:%M:%S" for date in _DATES),
    *(f"{date} %H:%M" for date in _DATES), "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y",
    "%Y-%m-%d %H:%M:%S %Z", "%a, %d %b %Y %H:%M:%S %Z", "%a, %d %b %Y %H:%M:%S %z",
)  # fmt: skip
_NOTHING = frozenset({
    "nan", "n/a", "na", "#n/a", "-", "--", "null", "none", "nil", ".", "inf", "-inf", "infinity",
    "-infinity", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00t00:00:00z", "undefined",
})  # fmt: skip
_WORDS = _NOTHING | {"true", "false"}
_DIGITS = re.compile(r"[-+$€£ ]*\d[\d.,:/ +%-]*")
_YEARS = (1900, 2099)


def null_texts(values: Sequence[object]) -> list[str]:
    """The texts of *values* that mean nothing, where all others are numbers or times."""
    texts = sorted({v for v in values if isinstance(v, str) and v.lower() in _NOTHING})
    others = [value for value in values if value not in (None, "") and value not in texts]
    if not texts or not others:
        return []
    is_time = all(parse_ns(value, unit="iso") is not None for value in others)
    return texts if is_time or as_numbers(others) is not None else []


def is_value(text: str) -> bool:
    """Whether *text* is a number, a time or a word for nothing, and so no name of a column."""
    return (
        _DIGITS.fullmatch(text) is not None
        or text.strip().lower() in _WORDS
        or as_numbers([text]) is not None
        or parse_ns(text.strip(), unit="iso") is not None
    )


def infer_format(path: str, values: Sequence[object]) -> str | None:
    """The one format in which all *values* are dates or times; None where there are two.

    ``05/11/2026`` may be of May or of November. Digits alone need a time's name.
    """
    named = name_says_time(path)
    texts = [str(value) for value in values if value not in (None, "")]
    is_plain = all(isinstance(value, str | int) and not isinstance(value, bool) for value in values)
    if named is False or not texts or not is_plain:
        return None
    if all(text.isdecimal() for text in texts) and named is None:
        return None
    found = [text for text in _FORMATS if all(_is_time(value, text) for value in texts)]
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=10_000)
def _is_time(text: str, format_: str) -> bool:
    instant = TextTimes(format_).parse(text)
    first_ns, after_ns = plausible_range(_YEARS, unit="ns")
    return instant is not None and first_ns <= instant.ns < after_ns


def instant_ns(value: object, *, format_: str) -> int | None:
    """Nanoseconds since 1970 of a time in a format of its own; None if it is not one."""
    instant = None if value is None else TextTimes(format_).parse(str(value))
    return instant.ns if instant else None
