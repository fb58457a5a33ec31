"""``slices: {symbol: {feed: binance_symbols, where: {status: TRADING}}}``: listed elsewhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from include.ticklake.errors import UsageError
from include.ticklake.feed.fields import ColumnName, FeedName
from include.ticklake.feed.limits import Share
from include.ticklake.model.strict import StrictModel

_SCALAR = {"type": ["string", "integer", "boolean"]}


def _wanted(value: object) -> object:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str | int) for item in values):
        raise ValueError("must be a text, a whole number, true or false, or a list of them")
    return values


Wanted = Annotated[
    list[str | int | bool],
    BeforeValidator(_wanted),
    WithJsonSchema({"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}),
]
"""What a column must be; of a list, any."""


class SliceList(StrictModel):
    """The values of a slice are those of a column, in the newest window of another feed."""

    feed: FeedName = Field(description="The feed that lists the values: a snapshot of symbols.")
    column: ColumnName | None = Field(
        None,
        description="Column of that feed, of type string or int64. Defaults to the slice's name.",
    )
    where: dict[ColumnName, Wanted] = Field(
        default_factory=dict,
        max_length=20,
        description="Which of its rows count, by the values of columns: {status: TRADING}. A list "
        "means any of its values. Defaults to all rows.",
    )
    may_shrink: Share = Field(
        0.2,
        description="Share of the values that may leave the list at once: of a list that loses "
        "more, the one before stays in force. Defaults to 20%.",
    )

    def column_of(self, slice_name: str) -> str:
        """The column that lists the values of the slice *slice_name*."""
        return self.column or slice_name


def unread_error(slice_name: str, listed: SliceList) -> UsageError:
    """What to raise where the values are needed, and nobody has read them."""
    return UsageError(
        f"slices.{slice_name}: its values are those of feed {listed.feed}, which are not known "
        "here; name a slice with --slice"
    )
