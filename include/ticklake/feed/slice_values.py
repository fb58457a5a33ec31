"""The values of one slice, as a feed lists them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, GetJsonSchemaHandler, Tag

from include.ticklake.feed.slice_list import (
    ListingEndpoint,
    ListingFeed,
    SliceList,
    unread_error,
)
from include.ticklake.model.case_clashes import name_clashes
from include.ticklake.model.slice import Slice
from include.ticklake.model.strict import FieldError

MAX_SLICES = 200_000
"""Combinations of a feed's values. Each has a folder of its own, and objects for every window."""


def check_slice_value(value: str) -> str:
    """*value*, which names folders and is sent to the source; ``ValueError`` if it cannot be."""
    if not value.strip():
        raise ValueError(f"{value!r} is blank; write the value, or remove it")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise ValueError(f"{value!r} holds a control character; remove it")
    return value


def _slice_values(values: object) -> object:
    """Refuse what is not text or a whole number, and values that are not distinct."""
    source_values = values.values() if isinstance(values, dict) else ()
    if not isinstance(values, list | dict) or not all(isinstance(v, str) for v in source_values):
        raise ValueError(
            "must be a list of values, or a mapping {name: source's value}, such as {1month: 1M}"
        )
    if not values:
        raise ValueError("holds no value, so nothing would be fetched; list one, or remove it")
    # Nothing is a source's value, too: the parameter with it is left out.
    for value in (*values, *filter(None, source_values)):
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ValueError(f"{value!r} is neither text nor a whole number; quote it")
        check_slice_value(str(value))
    for first, second in name_clashes(map(str, values)):
        if first == second:
            raise ValueError(f"duplicate value {first!r}; list each value once")
        raise ValueError(
            f"{first!r} and {second!r} differ by case only, which file systems and query "
            "engines may confuse; give one another name, {name: source's value}, such as "
            "{1month: 1M}"
        )
    return values


def source_value(values: list[str | int] | dict[str, str] | SliceList, value: str) -> str:
    """*value*, one of our names, as the source writes it."""
    return values.get(value, value) if isinstance(values, dict) else value


SliceValues = Annotated[list[str | int] | dict[str, str], BeforeValidator(_slice_values)]
"""A list of values, or a mapping from our names of them to the source's."""


class _AnyOf:
    """Editors take what fits any of the forms: one that names a feed fits two."""

    def __get_pydantic_json_schema__(
        self,
        core_schema: Any,  # noqa: ANN401 - pydantic's
        handler: GetJsonSchemaHandler,
    ) -> dict[str, Any]:
        schema = handler(core_schema)
        return {"anyOf" if name == "oneOf" else name: value for name, value in schema.items()}


def _form(value: object) -> str:
    """Which form of values it is: the key ``feed`` names another feed, ``path`` an endpoint."""
    for name, model in _LISTS.items():
        if isinstance(value, model) or (isinstance(value, Mapping) and name in value):
            return model.__name__
    return "values"


_LISTS = {"feed": ListingFeed, "path": ListingEndpoint}
AnySliceValues = Annotated[
    Annotated[SliceValues, Tag("values")]
    | Annotated[ListingFeed, Tag("ListingFeed")]
    | Annotated[ListingEndpoint, Tag("ListingEndpoint")],
    Discriminator(_form),
    _AnyOf(),
]
"""Values, or what lists them."""


def known_values(values: AnySliceValues) -> tuple[str, ...]:
    """The values that a feed file lists itself; none where something else does."""
    return () if isinstance(values, SliceList) else tuple(map(str, values))


def count_slices(slices: Mapping[str, AnySliceValues]) -> int:
    """How many combinations the values have, of those that are known; none of them is made."""
    return prod(len(values) for values in slices.values() if not isinstance(values, SliceList))


def check_slice_count(slices: Mapping[str, AnySliceValues]) -> None:
    """``FieldError`` where the values have more combinations than a feed can plan."""
    if (count := count_slices(slices)) > MAX_SLICES:
        sizes = " x ".join(
            f"{len(values):,} {name}"
            for name, values in slices.items()
            if not isinstance(values, SliceList)
        )
        raise FieldError(
            f"{sizes} are {count:,} slices, more than {MAX_SLICES:,}; list fewer values, or split "
            "the feed",
            path=("slices",),
        )


def combine(slices: Mapping[str, AnySliceValues]) -> Iterator[Slice]:
    """Yield every combination of the values, in the order of the file.

    ``UsageError`` where some are listed elsewhere.
    """
    for name, values in slices.items():
        if isinstance(values, SliceList):
            raise unread_error(name, values)
    names = list(slices)
    for texts in product(*map(known_values, slices.values())):
        yield Slice(tuple(zip(names, texts, strict=True)))
