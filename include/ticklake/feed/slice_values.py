"""The values of one slice, as a feed lists them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from include.ticklake.model.case_clashes import name_clashes


def _slice_values(values: object) -> object:
    """Refuse what is not text or a whole number, and values that are not distinct."""
    source_values = values.values() if isinstance(values, dict) else ()
    if not isinstance(values, list | dict) or not all(isinstance(v, str) for v in source_values):
        raise ValueError(
            "must be a list of values, or a mapping {name: source's value}, such as {1month: 1M}"
        )
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ValueError(f"{value!r} is neither text nor a whole number; quote it")
    for first, second in name_clashes(map(str, values)):
        if first == second:
            raise ValueError(f"duplicate value {first!r}; list each value once")
        raise ValueError(
            f"{first!r} and {second!r} differ by case only, which file systems and query "
            "engines may confuse; give one another name, {name: source's value}, such as "
            "{1month: 1M}"
        )
    return values


SliceValues = Annotated[list[str | int] | dict[str, str], BeforeValidator(_slice_values)]
"""A list of values, or a mapping from our names of them to the source's."""
