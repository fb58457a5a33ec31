"""``candle_opens`` of a feed file: a time of day, of weeks also a weekday."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from include.ticklake.model.candles import is_weeks, parse_opens
from include.ticklake.model.strict import FieldError


def _checked(text: str) -> str:
    parse_opens(text)
    return text


CandleOpens = Annotated[str, AfterValidator(_checked)]


def check_candle_opens(opens: str | None, *, lengths: Iterable[str]) -> None:
    """``FieldError`` where *opens* says more than candles of these *lengths* have."""
    if opens is None:
        return
    listed = list(lengths)
    if not listed:
        raise FieldError("the records are not candles; set candle", path=("candle_opens",))
    if parse_opens(opens)[0] is not None and not any(map(is_weeks, listed)):
        raise FieldError(
            "only candles of weeks open on a weekday; write the time of day alone: 16:00",
            path=("candle_opens",),
        )
