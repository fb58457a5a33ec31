"""The model of a feed: one dataset from one source, as ``include/feeds/<name>.yaml`` describes it.

The models are the format of the file: ``feed.schema.json`` is generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from include.ticklake.errors import UsageError
from include.ticklake.feed.candle_options import CandleOpens, check_candles
from include.ticklake.feed.field_defaults import with_field_defaults
from include.ticklake.feed.fields import FETCHED_AT, ColumnName, FeedName, FieldSpec, NullValue
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.limits import Limits, Size
from include.ticklake.feed.list_requests import check_lists
from include.ticklake.feed.placeholders import render
from include.ticklake.feed.request_texts import check_request
from include.ticklake.feed.retention import Retention
from include.ticklake.feed.slice_list import SliceList
from include.ticklake.feed.slice_values import (
    AnySliceValues,
    check_slice_count,
    combine,
    count_slices,
    source_value,
)
from include.ticklake.feed.sql_source import SqlSource
from include.ticklake.feed.wanted_values import Where
from include.ticklake.model.candles import CandleGrid, parse_candles
from include.ticklake.model.durations import Duration
from include.ticklake.model.slice import Slice
from include.ticklake.model.strict import FieldError, StrictModel
from include.ticklake.model.window_length import FeedWindow
from include.ticklake.settings import Extraction, Runner


def _years(years: list[int]) -> list[int]:
    if len(years) != 2 or not 1 <= years[0] <= years[1] <= 9998:
        raise ValueError("must be the first and the last year: [2009, 2100]")
    return years


class Feed(StrictModel):
    """One dataset from one source."""

    name: FeedName
    description: str = Field("", description="What the feed holds; shown in its DAG.")
    source: Annotated[HttpSource | SqlSource | FilesSource, Field(discriminator="kind")] = Field(
        description="Where the records come from: an HTTP API, a SQL query or files."
    )
    slices: dict[ColumnName, AnySliceValues] = Field(
        default_factory=dict,
        max_length=20,
        description="Partition values by name: {symbol: [BTCUSDT, ETHUSDT]}. A mapping gives the "
        "source's own name of each value: {interval: {1month: 1M}}. {feed: NAME, column: NAME} "
        "takes the values that another feed lists, {path: /symbols} those of an endpoint.",
    )
    into: FeedName | None = Field(
        None,
        description="Feed whose table the records of files belong to, as its history: its columns, "
        "slices and windows. What both have is in the table once, by its key.",
    )
    window: FeedWindow = Field(
        timedelta(hours=1),
        description="Length of the windows that are fetched, committed and retried as one: 1h, "
        "15m, 1d, or 1mo for calendar months. Defaults to 1h.",
    )
    snapshot: bool = Field(
        False,
        description="The source only returns its current state: the event time is the time of "
        "fetching.",
    )
    candle: str | None = Field(
        None,
        description="Length of a candle, such as 1m, 1d, 1w or 1mo, or {interval} for the slice's "
        "value. A candle belongs to the window in which it opens. One that is not over when it is "
        "fetched is left out, and the next run fetches its window again.",
    )
    candle_opens: CandleOpens | None = Field(
        None,
        description="When candles open: 16:00 (UTC), 00:00+08:00, of weeks also a weekday: sunday "
        "16:00. Defaults to what the records show; weeks open on Monday, months on the first.",
    )
    may_be_outside: bool = Field(
        False,
        description="Whether every record that a window's requests return may lie outside it: the "
        "source returns others where a window has none. Defaults to false: an error.",
    )
    order: Literal["ascending", "descending", "none"] = Field(
        "ascending", description="Order of the records by event time. Defaults to ascending."
    )
    fields: dict[ColumnName, FieldSpec] = Field(
        min_length=1, max_length=10_000, description="Columns of the lake by name."
    )
    null_values: list[NullValue] | None = Field(
        None,
        max_length=100,
        description="Texts and numbers that mean that there is no value: [N/A, '-', NaN, -999]. "
        "For all fields but json; a field's own list replaces it.",
    )
    where: Where = Field(default_factory=dict)
    ignore: list[str] = Field(
        default_factory=list,
        description="Names in the records that are not reported as new although no field reads "
        "them: paths with dots, * for any text: [info.*].",
    )
    plausible_years: Annotated[list[int], AfterValidator(_years)] = Field(
        [2009, 2100],
        description="First and last plausible year of an event. A time outside these years is "
        "either in a different unit or invalid. Defaults to [2009, 2100].",
    )
    limits: Limits = Field(
        Limits(), description="Bounds on the size of records and pages, on waits, on attempts."
    )
    part_bytes: Size = Field(
        32 * 1024**2,
        description="JSON text per staged part, before compression. Defaults to 32MiB.",
    )
    retention: Retention | None = Field(
        None,
        description="How long data is kept: {json: 30d, parquet: 520w}. Defaults to keeping "
        "everything.",
    )
    fresh_within: Duration | None = Field(
        None,
        description="How long after a window's end its data may be published: 2h. A scheduled run "
        "that takes longer alerts the notifier in TICKLAKE_NOTIFIER. Defaults to no alert.",
    )
    runner: Runner | None = Field(
        None,
        description="Where memory-limited steps run. Defaults to TICKLAKE_RUNNER.",
    )
    extract: Extraction | None = Field(
        None,
        description="Where pages are fetched: in the worker, or in a memory-limited step (capped). "
        "Defaults to TICKLAKE_EXTRACT.",
    )
    cap: Size | None = Field(
        None,
        description="Memory limit of this feed's memory-limited steps: 128MiB. Defaults to "
        "TICKLAKE_CAP.",
    )

    _target: Feed | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_fields(cls, data: object) -> object:
        return with_field_defaults(data)

    @model_validator(mode="after")
    def _slices_are_not_too_many(self) -> Feed:
        check_slice_count(self.slices)
        return self

    @model_validator(mode="after")
    def _one_event_time(self) -> Feed:
        marked = [name for name, field in self.fields.items() if field.event_time]
        if len(marked) != 1:
            raise FieldError(
                f"exactly one field must have event_time: true; found {marked or 'none'}",
                path=("fields",),
            )
        if self.snapshot != (self.event_time[1].source == FETCHED_AT):
            raise FieldError(
                f"event_time must be {{from: {FETCHED_AT}, type: timestamp}} in a snapshot, "
                "and only there; check snapshot",
                path=("fields", *marked),
            )
        return self

    @model_validator(mode="after")
    def _source_and_candles_match_the_feed(self) -> Feed:
        if isinstance(self.source, SqlSource):
            self.source.check(self.slices, snapshot=self.snapshot, order=self.order)
        if isinstance(self.source, FilesSource):
            self.source.check(self.slices, window=self.window, snapshot=self.snapshot)
        check_candles(self.candle, self.candle_opens, self.slices)
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Feed:
        for name in self.slices:
            if name in self.fields:
                raise FieldError("a column has the same name; rename one", path=("slices", name))
        taken = {*self.slices, *self.fields, "date"}
        for name, field in self.fields.items():
            for old_name in field.renamed_from:
                if old_name in taken:
                    raise FieldError(
                        f"{old_name!r} is already used by another column; remove it",
                        path=("fields", name, "renamed_from"),
                    )
                taken.add(old_name)
        for group, names in (("slices", self.slices), ("fields", self.fields)):
            if "date" in names:
                raise FieldError(
                    "reserved for the lake's own folders; choose another name",
                    path=(group, "date"),
                )
        return self

    @model_validator(mode="after")
    def _requests_match_the_feed(self) -> Feed:
        if isinstance(self.source, HttpSource):
            check_request(self.source, self.slices)
        check_lists(self.source, self.slices)
        return self

    @property
    def target(self) -> Feed:
        """The feed in whose lake the records are: this one, or the one that ``into`` names."""
        if self.into and self._target is None:
            raise UsageError(f"feed {self.name}: {self.into} is not loaded; load it by its name")
        return self._target or self

    def with_target(self, target: Feed) -> Feed:
        """This feed, whose ``into`` names *target*."""
        joined = self.model_copy()
        joined._target = target
        return joined

    @property
    def event_time(self) -> tuple[str, FieldSpec]:
        """Name and field of the column that says when a record happened."""
        return next((name, field) for name, field in self.fields.items() if field.event_time)

    @property
    def years(self) -> tuple[int, int]:
        """First and last plausible year of an event."""
        return self.plausible_years[0], self.plausible_years[1]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that make a record unique within its slice."""
        return tuple(name for name, field in self.fields.items() if field.key)

    @property
    def host(self) -> str:
        """The host, or for a database the connection, that this feed reads from."""
        return self.source.host

    @property
    def has_history(self) -> bool:
        """Whether the source returns again what it returned earlier."""
        if self.snapshot:
            return False
        return not isinstance(self.source, HttpSource) or self.source.paging.has_history

    @property
    def slice_lists(self) -> dict[str, SliceList]:
        """What lists the values of slices that this file does not, by name."""
        return {
            name: values for name, values in self.slices.items() if isinstance(values, SliceList)
        }

    def with_values(self, values: Mapping[str, Sequence[str]]) -> Feed:
        """This feed with the *values* of those of its slices that are listed elsewhere."""
        slices = self.slices | {name: list(listed) for name, listed in values.items()}
        check_slice_count(slices)
        return self.model_copy(update={"slices": slices})

    @property
    def all_slices(self) -> list[Slice]:
        """Every combination of the slices' values, in the order of the file.

        ``UsageError`` where some are listed elsewhere, and are not known: ``with_values``.
        """
        return list(combine(self.slices))

    @property
    def slice_count(self) -> int:
        """How many slices there are; values that are listed elsewhere count as one."""
        return count_slices(self.slices)

    @property
    def first_slice(self) -> Slice:
        """The first of all slices."""
        return next(combine(self.slices))

    def candles(self, slice_: Slice) -> CandleGrid | None:
        """When the candles of *slice_* open; None where records are not candles."""
        if self.candle is None:
            return None
        try:
            return parse_candles(render(self.candle, slice_.as_dict()), self.candle_opens)
        except ValueError as error:
            raise UsageError(f"candle of slice {slice_}: {error}") from None

    def source_values(self, slice_: Slice) -> dict[str, str]:
        """The values of *slice_* as the source writes them."""
        return {name: source_value(self.slices[name], value) for name, value in slice_.values}
