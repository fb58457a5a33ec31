"""An HTTP API as a feed describes it: address, parameters, paging, errors, rate limit, auth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from include.ticklake.feed.address import check_base_url, check_path
from include.ticklake.feed.auth import Auth
from include.ticklake.feed.csv_format import CsvFormat
from include.ticklake.feed.error_rules import ErrorRules
from include.ticklake.feed.paging import AnyPaging, SinglePage
from include.ticklake.feed.rate_limit import RateLimit
from include.ticklake.feed.record_options import RecordOptions
from include.ticklake.model.durations import Duration
from include.ticklake.model.param_values import BodyValue, ParamValue, names, put, texts
from include.ticklake.model.record_path import check_body_path
from include.ticklake.model.strict import FieldError

FilePath = tuple[str | int, ...]
"""Where a value is in a feed file."""


class HttpSource(RecordOptions):
    """A paged HTTP API that returns JSON."""

    kind: Literal["http"] = Field(description="http: a paged HTTP API.")
    base_url: Annotated[str, AfterValidator(check_base_url)] = Field(
        description="Scheme and host: https://api.example.com."
    )
    path: Annotated[str, AfterValidator(check_path)] = Field(
        json_schema_extra={"pattern": "^/"},
        description="Path of the endpoint; {symbol} is replaced by the slice's value.",
    )
    method: Literal["GET", "POST"] = Field("GET", description="GET or POST. Defaults to GET.")
    params: dict[str, ParamValue] = Field(
        default_factory=dict,
        description="Query parameters; {symbol}, {start_ms}, {last_ms} and others are replaced by "
        "the slice's values and the window's bounds. A list repeats the parameter; null, and what "
        "an empty value of a slice leaves empty, is left out.",
    )
    body: BodyValue | None = Field(
        None,
        description="JSON body of a POST. Its texts are filled like params, and a text that is "
        'only a number of the window, "{start_ms}", is sent as a number. Paging puts its '
        "parameters here, by paths such as req.endTime.",
    )
    form: dict[str, ParamValue] | None = Field(
        None, description="Form of a POST, instead of body; filled like params."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Request headers.")
    paging: AnyPaging = Field(
        SinglePage(), description="How the next page is requested. Defaults to a single page."
    )
    errors: ErrorRules | None = Field(None, description="How a response body reports a failure.")
    format: Literal["json", "ndjson", "csv"] = Field(
        "json",
        description="What a response holds: json, ndjson (one JSON value a line) or csv. Defaults "
        "to json.",
    )
    csv: CsvFormat = Field(CsvFormat(), description="How CSV is written: {delimiter: ';'}.")
    ban_statuses: dict[int, Duration] = Field(
        default_factory=dict,
        description="HTTP statuses that mean a temporary ban, and how long to wait where the "
        "response does not say: {403: 10m}.",
    )
    rate_limit: RateLimit = Field(RateLimit(), description="How many requests the source allows.")
    auth: Auth | None = Field(
        None, description="How requests are authenticated. Defaults to no authentication."
    )

    @model_validator(mode="after")
    def _text_has_no_values_around_its_records(self) -> HttpSource:
        if self.format == "json":
            return self
        options = ["capture", "errors", "add", "key_as"]
        options += ["shape"] if self.shape != "array" else []
        options += ["columns"] if self.columns == "first_row" else []
        for option in options:
            if getattr(self, option):
                raise FieldError(
                    "only JSON has values outside of the records; remove it, or format: "
                    f"{self.format}",
                    path=(option,),
                )
        if self.format == "csv" and self.csv.header is False and self.columns is None:
            raise FieldError(
                "CSV without a header needs the names of its columns; list them", path=("columns",)
            )
        return self

    @model_validator(mode="after")
    def _what_is_sent_has_a_place(self) -> HttpSource:
        if self.body is not None and self.form is not None:
            raise FieldError("a request has one body; remove form or body", path=("form",))
        for option in ("body", "form"):
            if self.method != "POST" and getattr(self, option) is not None:
                raise FieldError("a GET sends none; write method: POST", path=(option,))
        self._check_key_in_body()
        for path, name in self.paging.param_names():
            try:
                put(self.body, name, None) if self.pages_in_body(name) else None
            except ValueError as error:
                raise FieldError(
                    f"{name!r} leads nowhere in source.body: {error}; correct the path, or name "
                    "the parameter in source.params to send it in the query",
                    path=("paging", *path),
                ) from None
        return self

    def _check_key_in_body(self) -> None:
        if self.auth is None or self.auth.kind != "body":
            return
        if self.method != "POST":
            raise FieldError("a GET sends no body; write method: POST", path=("auth", "kind"))
        try:
            put(self.body, self.auth.name or "", "") if self.form is None else None
        except ValueError as error:
            raise FieldError(
                f"{self.auth.name!r} leads nowhere in source.body: {error}; correct the path",
                path=("auth", "name"),
            ) from None

    @model_validator(mode="after")
    def _paging_refers_to_captured_values(self) -> HttpSource:
        for option in self.paging.captured_options:
            name = getattr(self.paging, option)
            if name and name not in self.capture:
                raise FieldError(
                    f"refers to {name!r}, which is not captured; "
                    f"add `capture: {{{name}: path.in.the.body}}`",
                    path=("paging", option),
                )
        return self

    @model_validator(mode="after")
    def _names_are_paths(self) -> HttpSource:
        for group, options in (("errors", ("code", "message")), ("paging", ("field",))):
            for option in options:
                path = getattr(getattr(self, group), option, None)
                try:
                    check_body_path(path) if isinstance(path, str) else None
                except ValueError as error:
                    raise FieldError(str(error), path=(group, option)) from None
        return self

    def templates(self) -> Iterator[tuple[FilePath, str]]:
        """Every text with placeholders, and its path in the file."""
        yield ("source", "path"), self.path
        for option in ("params", "form"):
            for path, text in texts(getattr(self, option)):
                yield ("source", option, *path), text
        for option, params in self.paging.model_dump(by_alias=True).items():
            for path, text in texts(params) if isinstance(params, dict) else ():
                yield ("source", "paging", option, *path), text

    def body_texts(self) -> Iterator[tuple[FilePath, str]]:
        """Every text of the JSON body, which may have braces of its own, and its path."""
        for path, text in texts(self.body):
            yield ("source", "body", *path), text

    def texts_sent_as_they_are(self) -> Iterator[tuple[FilePath, str]]:
        """Every text of a request in which placeholders are not filled, and its path."""
        for name, value in self.headers.items():
            yield ("source", "headers", name), f"{name} {value}"
        for option in ("params", "form", "body"):
            for path, name in names(getattr(self, option)):
                yield ("source", option, *path), name
        for option, value in self.paging.model_dump(by_alias=True).items():
            if isinstance(value, str):
                yield ("source", "paging", option), value

    def pages_in_body(self, name: str) -> bool:
        """Whether the paging parameter *name* is put into the JSON body, by its path."""
        return self.body is not None and name not in self.params

    def pages_in_form(self, name: str) -> bool:
        """Whether the paging parameter *name* is put into the form."""
        return self.form is not None and name not in self.params

    @property
    def array_columns(self) -> list[str] | None:
        """Names of the values of records that are arrays; in CSV those are rows that do not fit."""
        is_of_values = self.format == "json" and self.shape != "columns"
        return self.columns if is_of_values and isinstance(self.columns, list) else None

    @property
    def host(self) -> str:
        """The API's host; rate limits and Airflow pools are per host."""
        return urlsplit(self.base_url).hostname or ""
