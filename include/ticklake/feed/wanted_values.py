"""The values that records must have, as a feed's ``where`` lists them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from include.ticklake.model.record_path import check_record_path

Wanted = str | int | float | bool | None


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


_SCALARS = ["string", "number", "boolean", "null"]

WantedValues = Annotated[
    list[Wanted],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=10_000),
    WithJsonSchema(
        {"type": [*_SCALARS, "array"], "items": {"type": _SCALARS}, "minItems": 1},
    ),
]
"""One value, or a list of which any may be there."""


def _check_paths(where: dict[str, list[Wanted]]) -> dict[str, list[Wanted]]:
    for path in where:
        check_record_path(path)
    return where


Where = Annotated[
    dict[str, WantedValues],
    Field(
        max_length=100,
        description="Values that records must have to be stored, by the path in the record: "
        "{status: TRADING, info.type: [spot, margin]}. Others are counted as filtered; a record "
        "without the value is kept. Defaults to all records.",
    ),
    AfterValidator(_check_paths),
]
"""The wanted values by their paths in the record."""
