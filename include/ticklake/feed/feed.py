"""Feed files in, ``Feed`` values out: all that ticklake knows of a source.

A feed is ``include/feeds/<name>.yaml``; ``TICKLAKE_FEEDS`` adds further folders. The
models below are the format: ``feed.schema.json`` beside the files is made from them.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from include.ticklake.errors import UsageError, did_you_mean
from include.ticklake.feed.fields import FETCHED_AT, ColumnName, FieldSpec
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.placeholders import WINDOW_NAMES, placeholder_names, render
from include.ticklake.feed.retention import Retention
from include.ticklake.feed.sql_source import SqlSource
from include.ticklake.model.durations import Duration, parse_duration
from include.ticklake.model.sizes import parse_bytes
from include.ticklake.model.slice import Slice
from include.ticklake.model.strict import FieldError, StrictModel
from include.ticklake.settings import Extraction, Runner


def _size(value: object) -> object:
    try:
        return parse_bytes(value) if isinstance(value, str) else value
    except UsageError as wrong:
        raise ValueError(str(wrong)) from None


Size = Annotated[
    int, BeforeValidator(_size), WithJsonSchema({"type": ["string", "integer"]}), Field(gt=0)
]


def _values(given: object) -> object:
    """The values of one slice, each there once, as text or with the source's own spelling."""
    source_values = given if isinstance(given, dict) else {}
    if not isinstance(given, list | dict) or not all(
        isinstance(v, str) for v in source_values.values()
    ):
        raise ValueError(
            "give a list of values, or a mapping to the source's spelling: {1month: 1M}"
        )
    by_fold: dict[str, object] = {}
    for value in given:
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise ValueError(f"{value!r} is neither text nor a whole number; put it in quotes")
        other = by_fold.setdefault(str(value).casefold(), value)
        if str(other) != str(value):
            raise ValueError(
                f"{other!r} and {value!r} differ by case only, which file systems and query "
                "engines mix up; name them apart: {1month: 1M}"
            )
    if len(by_fold) < len(given):
        raise ValueError("a value is there twice")
    return given


def _years(given: list[int]) -> list[int]:
    if len(given) != 2 or not 1 <= given[0] <= given[1] <= 9998:
        raise ValueError("give the first and the last year: [2009, 2100]")
    return given


Values = Annotated[list[str | int] | dict[str, str], BeforeValidator(_values)]
FeedName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Limits(StrictModel):
    """What a source, a page and a record may cost at most."""

    max_record_bytes: Size = Field(8 * 1024**2, description="one record, as text")
    max_page_bytes: Size = Field(4 * 1024**3, description="one page, decompressed")
    max_bad_share: float = Field(
        0.01, ge=0, le=1, description="share of records that may go to the quarantine"
    )
    connect_timeout_s: float = Field(10, gt=0)
    read_timeout_s: float = Field(30, gt=0, description="between two pieces of a body")
    page_timeout_s: float = Field(600, gt=0, description="a whole page")
    resume_within: Duration = Field(
        timedelta(hours=6), description="a retry goes on with what a try of this age had staged"
    )
    attempts: int = Field(
        5, ge=1, description="how often a page that breaks is asked for before the task fails"
    )
    max_wait_s: float = Field(
        30, ge=0, description="a longer rate-limit wait goes back to the scheduler as a retry"
    )


class Feed(StrictModel):
    """One dataset from one source."""

    name: FeedName
    description: str = ""
    source: Annotated[HttpSource | SqlSource, Field(discriminator="kind")]
    slices: dict[ColumnName, Values] = Field(
        default_factory=dict,
        description="partition values by name; a mapping gives the source's own spelling: "
        "{1month: 1M}",
    )
    window: Duration = Field(timedelta(hours=1), description="length of one unit: 1h")
    snapshot: bool = Field(
        False, description="the source only knows the present: event time is the time of fetching"
    )
    candle: str | None = Field(
        None,
        description="length of a candle, 1m or the slice's {interval}: one that is not over "
        "when it is fetched is left out",
    )
    order: Literal["ascending", "descending", "none"] = Field(
        "ascending", description="order of the source's records by event time"
    )
    fields: dict[ColumnName, FieldSpec] = Field(min_length=1)
    ignore: list[str] = Field(
        default_factory=list,
        description="names in records that no field reads and that need no report, with dots and "
        "*: [info.*]; others are reported once a run as new",
    )
    plausible_years: Annotated[list[int], AfterValidator(_years)] = Field(
        [2009, 2100],
        description="first and last year of an event; a time outside of them has another unit "
        "than the feed says, or is none",
    )
    limits: Limits = Limits()
    part_bytes: Size = Field(32 * 1024**2, description="JSON text per part, before gzip")
    retention: Retention | None = Field(
        None, description="how long to keep what: {json: 30d, parquet: 520w}; default: for ever"
    )
    runner: Runner | None = None
    extract: Extraction | None = Field(
        None, description="where pages are fetched: in the worker, or in a capped step"
    )
    cap: Size | None = Field(None, description="memory cap of this feed's capped steps: 128MiB")

    @model_validator(mode="before")
    @classmethod
    def _paths_default_to_columns(cls, data: object) -> object:
        if not isinstance(data, dict) or not isinstance(fields := data.get("fields"), dict):
            return data
        filled = {
            name: {"from": name, **field} if isinstance(field, dict) else field
            for name, field in fields.items()
        }
        return {**data, "fields": filled}

    @model_validator(mode="after")
    def _one_event_time(self) -> Feed:
        marked = [name for name, field in self.fields.items() if field.event_time]
        if len(marked) != 1:
            raise FieldError(
                f"exactly one field must have event_time: true; here: {marked}", at=("fields",)
            )
        if self.snapshot != (self.event_time[1].source == FETCHED_AT):
            raise FieldError(
                f"a snapshot's event_time is {{from: {FETCHED_AT}, type: timestamp}}, "
                "and only a snapshot's",
                at=("fields", *marked),
            )
        return self

    @model_validator(mode="after")
    def _query_fits(self) -> Feed:
        if isinstance(self.source, SqlSource):
            self.source.check(self.slices, snapshot=self.snapshot, order=self.order)
        return self

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Feed:
        for place, text in [*self.source.templates(), (("candle",), self.candle or "")]:
            window_names = frozenset() if place == ("candle",) else WINDOW_NAMES
            for name in sorted(placeholder_names(text) - window_names - set(self.slices)):
                known = [*self.slices, *sorted(window_names)]
                told = did_you_mean(name, known) or f"; known: {', '.join(known) or 'no name'}"
                raise FieldError(f"{text!r} wants {name!r}{told}", at=place)
        return self

    @model_validator(mode="after")
    def _candles_fit_the_window(self) -> Feed:
        for piece in self.all_slices if self.candle else ():
            try:
                length = self.candle_length(piece)
            except UsageError as wrong:
                raise FieldError(str(wrong), at=("candle",)) from None
            if length and length > self.window:
                raise FieldError(
                    f"{length} of slice {piece} is longer than the window", at=("candle",)
                )
        return self

    @model_validator(mode="after")
    def _names_are_apart(self) -> Feed:
        for name in self.slices:
            if name in self.fields:
                raise FieldError("is also the name of a column; rename one", at=("slices", name))
        taken = dict.fromkeys([*self.slices, *self.fields, "date"], "the name of another column")
        for name, field in self.fields.items():
            for old in field.was:
                if old in taken:
                    raise FieldError(f"{old!r} is {taken[old]}", at=("fields", name, "was"))
                taken[old] = "there twice"
        for group, known in (("slices", self.slices), ("fields", self.fields)):
            if "date" in known:
                raise FieldError("is the name of the lake's own folders", at=(group, "date"))
        return self

    @property
    def event_time(self) -> tuple[str, FieldSpec]:
        """Name and field of the column that says when a record happened."""
        return next((name, field) for name, field in self.fields.items() if field.event_time)

    @property
    def years(self) -> tuple[int, int]:
        """First and last year in which an event of this feed may lie."""
        return self.plausible_years[0], self.plausible_years[1]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that make a record unique within its slice."""
        return tuple(name for name, field in self.fields.items() if field.key)

    @property
    def host(self) -> str:
        """Whom this feed asks."""
        return self.source.host

    @property
    def all_slices(self) -> list[Slice]:
        """Every combination of the slices' values, in the order of the file."""
        names = list(self.slices)
        return [
            Slice(tuple(zip(names, map(str, values), strict=True)))
            for values in product(*self.slices.values())
        ]

    def candle_length(self, piece: Slice) -> timedelta | None:
        """How long a candle of *piece* lasts; None where records are no candles."""
        if self.candle is None:
            return None
        try:
            return parse_duration(render(self.candle, piece.as_dict()))
        except ValueError as wrong:
            raise UsageError(f"candle of slice {piece}: {wrong}") from None

    def source_values(self, piece: Slice) -> dict[str, str]:
        """The values of *piece* as the source spells them."""
        return {
            name: known.get(value, value) if isinstance(known := self.slices[name], dict) else value
            for name, value in piece.values
        }
