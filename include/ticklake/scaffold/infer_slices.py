"""Infer the slices of a feed: parameters that name an instrument, and those with several values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from include.ticklake.errors import UsageError
from include.ticklake.feed.slice_values import SliceValues
from include.ticklake.feed.window_values import EDGES, REQUEST_NAMES
from include.ticklake.model.case_clashes import name_clashes
from include.ticklake.scaffold.logins import is_login
from include.ticklake.scaffold.name_words import snake_case

_SLICE_PARAM = re.compile(
    r"(symbol|(currency_?)?pair|(inst|instrument|product)(_?(id|name))?|market|coin|asset|"
    r"contract(_?code)?|interval|bar|granularity|step|resolution|timeframe)",
    re.IGNORECASE,
)
_VALUES: TypeAdapter[object] = TypeAdapter(SliceValues)
_TAKEN = {"date", "fetched_at", *EDGES, *REQUEST_NAMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredSlice:
    """A slice of a feed, and the parameter that it fills."""

    param: str
    """Empty for a part of the path."""
    values: list[str] | dict[str, str]
    """As a feed lists them: with names of their own where they differ by case only."""


def infer_slices(
    pairs: Sequence[tuple[str, str]], *, path_slices: Mapping[str, InferredSlice] | None = None
) -> dict[str, InferredSlice]:
    """The slices by name for the parameters *pairs* of a URL, in which a name may be repeated.

    Those of its path, *path_slices*, come first.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    slices = dict(path_slices or {})
    for param, values in given.items():
        distinct = list(dict.fromkeys(values))
        # A feed sends each name once, and takes {symbol} for a placeholder: both are data here.
        is_data = len(distinct) > 1 or re.search(r"\{\w+\}", values[0])
        is_slice = is_data or _SLICE_PARAM.fullmatch(param)
        if is_slice and not is_login(param) and _is_allowed(listed := listed_values(distinct)):
            name = _free_name(snake_case(param), slices)
            slices[name] = InferredSlice(param=param, values=listed)
    return slices


def slice_of_path(segment_before: str, values: Sequence[str]) -> tuple[str, InferredSlice]:
    """The name of the slice for a part of a path, and the slice: its *values* differ.

    ``UsageError`` where a feed cannot list them.
    """
    listed = listed_values([*values])
    if not _is_allowed(listed):
        raise UsageError(f"{', '.join(values)}: a feed cannot list these parts of a path")
    name = snake_case(segment_before).removesuffix("s") if segment_before.isalpha() else "symbol"
    return _free_name(name, {}), InferredSlice(param="", values=listed)


def _free_name(name: str, slices: dict[str, InferredSlice]) -> str:
    candidates = [name, *(f"{name}_{number}" for number in range(2, len(slices) + 4))]
    return next(name for name in candidates if name not in _TAKEN and name not in slices)


def _is_allowed(values: list[str] | dict[str, str]) -> bool:
    """Whether a feed may list *values*: an empty one, or one with a line break, it may not."""
    try:
        _VALUES.validate_python(values)
    except ValidationError:
        return False
    return True


def listed_values(values: list[str]) -> list[str] | dict[str, str]:
    """*values* as a feed lists them: with names where they differ by case only."""
    if not any(name_clashes(values)):
        return values
    return {f"value_{number}": value for number, value in enumerate(values, start=1)}
