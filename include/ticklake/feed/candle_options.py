"""``candle_opens`` of a feed file: a time of day, of weeks also a weekday."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator

from include.ticklake.feed.placeholders import check_placeholders, placeholder_names, render
from include.ticklake.feed.slice_list import SliceList
from include.ticklake.feed.slice_values import (
    AnySliceValues,
    combine,
    count_slices,
    known_values,
)
from include.ticklake.model.candles import is_weeks, parse_candles, parse_opens
from include.ticklake.model.slice import Slice
from include.ticklake.model.strict import FieldError

_MAX_LENGTHS = 1_000


def _checked(text: str) -> str:
    parse_opens(text)
    return text


CandleOpens = Annotated[str, AfterValidator(_checked)]


def check_candles(
    candle: str | None, opens: str | None, slices: Mapping[str, AnySliceValues]
) -> None:
    """``FieldError`` where *candle* has no length in some of the *slices*, or *opens* no sense."""
    try:
        check_placeholders(candle or "", tuple(slices))
    except ValueError as error:
        raise FieldError(str(error), path=("candle",)) from None
    lengths = []
    for slice_ in candle_slices(candle, slices) if candle else ():
        lengths.append(render(candle or "", slice_.as_dict()))
        try:
            parse_candles(lengths[-1], opens)
        except ValueError as error:
            raise FieldError(f"candle of slice {slice_}: {error}", path=("candle",)) from None
    check_candle_opens(opens, lengths=lengths)


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


def candle_slices(candle: str, slices: Mapping[str, AnySliceValues]) -> list[Slice]:
    """One slice for each length that *candle* names; other values than those change none."""
    used = placeholder_names(candle)
    for name in sorted(used & set(slices)):
        if isinstance(slices[name], SliceList):
            raise FieldError(
                f"{{{name}}} is listed elsewhere; name a slice whose values are listed here",
                path=("candle",),
            )
    deciding: dict[str, AnySliceValues] = {
        name: values if name in used else [next(iter(known_values(values)), "any")]
        for name, values in slices.items()
    }
    if (count := count_slices(deciding)) > _MAX_LENGTHS:
        raise FieldError(
            f"stands for {count:,} lengths, more than {_MAX_LENGTHS:,}; name a slice "
            "of fewer values",
            path=("candle",),
        )
    return list(combine(deciding))
