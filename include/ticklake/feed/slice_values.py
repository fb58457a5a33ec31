"""The values of one slice, as a feed lists them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator


def _slice_values(values: object) -> object:
    """Refuse what is not text or a whole number, and values that are not distinct."""
    source_values = values.values() if isinstance(values, dict) else ()
    if not isinstance(values, list | dict) or not all(isinstance(v, str) for v in source_values):
        raise ValueError(
            "must be a list of values, or a mapping to the source's own names: {1month: 1M}"
        )
    by_fold: dict[str, object] = {}
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ValueError(f"{value!r} is neither text nor a whole number; quote it")
        # Not case_clashes: a slash in a value does not make a folder.
        other = by_fold.setdefault(str(value).casefold(), value)
        if str(other) != str(value):
            raise ValueError(
                f"{other!r} and {value!r} differ by case only, which file systems and query "
                "engines may confuse; use distinct names: {1month: 1M}"
            )
    if len(by_fold) < len(values):
        raise ValueError("duplicate value; list each value once")
    return values


SliceValues = Annotated[list[str | int] | dict[str, str], BeforeValidator(_slice_values)]
"""A list of values, or a mapping from our names of them to the source's."""
