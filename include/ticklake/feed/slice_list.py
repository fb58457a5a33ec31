"""Slices whose values are listed elsewhere: by another feed, or by an endpoint of an API.

``slices: {symbol: {feed: binance_symbols, where: {status: TRADING}}}`` reads a column of another
feed's newest window; ``{path: /api/v3/exchangeInfo, records: symbols}`` asks the API itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from include.ticklake.errors import UsageError
from include.ticklake.feed.address import check_base_url, check_path
from include.ticklake.feed.fields import ColumnName, FeedName
from include.ticklake.feed.limits import Share
from include.ticklake.feed.paging import AnyPaging, SinglePage
from include.ticklake.feed.record_options import RecordOptions
from include.ticklake.feed.wanted_values import Where
from include.ticklake.model.param_values import BodyValue, ParamValue
from include.ticklake.model.record_path import check_record_path
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

MayShrink = Annotated[
    Share,
    Field(
        description="Share of the values that may leave the list at once: of a list that loses "
        "more, the one before stays in force. Defaults to 20%.",
    ),
]


class ListingFeed(StrictModel):
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
    may_shrink: MayShrink = 0.2

    def column_of(self, slice_name: str) -> str:
        """The column that lists the values of the slice *slice_name*."""
        return self.column or slice_name

    @property
    def origin(self) -> str:
        """What lists the values, for people."""
        return self.feed


class ListingEndpoint(RecordOptions):
    """The values of a slice are those that an endpoint returns: each run asks it."""

    path: Annotated[str, AfterValidator(check_path)] = Field(
        json_schema_extra={"pattern": "^/"}, description="Path of the endpoint that lists them."
    )
    base_url: Annotated[str, AfterValidator(check_base_url)] | None = Field(
        None,
        description="Scheme and host, where that is another API than the feed's source; it is "
        "asked without a login. Defaults to source.base_url, with the source's login, headers, "
        "errors and rate limit.",
    )
    method: Literal["GET", "POST"] = Field("GET", description="GET or POST. Defaults to GET.")
    params: dict[str, ParamValue] = Field(
        default_factory=dict, description="Query parameters: {instType: SPOT}."
    )
    body: BodyValue | None = Field(None, description="JSON body of a POST.")
    paging: AnyPaging = Field(
        SinglePage(), description="How the next page is requested. Defaults to a single page."
    )
    column: Annotated[str, AfterValidator(check_record_path)] | None = Field(
        None,
        description="Path of the value in a record, a text or a whole number. Defaults to the "
        "slice's name. Of records that are plain values, each is one.",
    )
    where: Where = Field(
        default_factory=dict,
        description="Which records count, by the values in them: {status: TRADING}. One without "
        "the value does not. Defaults to all records.",
    )
    may_shrink: MayShrink = 0.2

    def column_of(self, slice_name: str) -> str:
        """The path of the values of the slice *slice_name*."""
        return self.column or slice_name

    @property
    def origin(self) -> str:
        """What lists the values, for people."""
        return f"{self.base_url or ''}{self.path}"

    @property
    def request(self) -> dict[str, Any]:
        """What the file says of the request and its records, in the words of a source."""
        others = {"column", "where", "may_shrink"} | ({"base_url"} if not self.base_url else set())
        return self.model_dump(by_alias=True, exclude_unset=True, exclude=others)


SliceList = ListingFeed | ListingEndpoint
"""What lists the values of a slice."""


def unread_error(slice_name: str, listed: SliceList) -> UsageError:
    """What to raise where the values are needed, and nobody has read them."""
    return UsageError(
        f"slices.{slice_name}: its values are those that {listed.origin} lists, which are not "
        "known here; name a slice with --slice"
    )
