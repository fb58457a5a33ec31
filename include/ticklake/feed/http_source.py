"""What a feed says of an HTTP API: address, parameters, paging, errors, pace, access."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)

from include.ticklake.feed.paging import AnyPaging, SinglePage
from include.ticklake.model.durations import Duration
from include.ticklake.model.strict import PATH, FieldError, StrictModel


class ErrorRules(StrictModel):
    """How a body says that the source failed, with HTTP 200 or not; patterns may hold ``*``."""

    code: str = Field(description="path of the code in the body: retCode, error.item")
    ok: list[str] = Field(
        default_factory=list, description="codes of success; a body without a code is one too"
    )
    message: str | None = Field(None, description="path of the reason in words")
    slow_down: dict[str, Duration] = Field(
        default_factory=dict,
        description="codes that say: too many requests, and how long to wait then: {10006: 5s}",
    )
    retry: list[str] = Field(
        default_factory=list, description="codes of failures that pass; others do not"
    )

    def wait(self, code: object) -> timedelta | None:
        """How long *code* asks us to wait; None where it says something else."""
        waits = (wait for pattern, wait in self.slow_down.items() if _is(code, pattern))
        return next(waits, None)

    def passes(self, code: object) -> bool:
        """Whether *code* is a failure that passes."""
        return any(_is(code, pattern) for pattern in self.retry)


def _is(code: object, pattern: str) -> bool:
    return fnmatchcase(str(code), pattern)


class Rate(StrictModel):
    """How fast we ask, and where the source says how much of its budget is used."""

    requests_per_s: float | None = Field(None, gt=0)
    used_header: str | None = Field(None, description="what we used: X-MBX-USED-WEIGHT-1M")
    budget: int | None = Field(None, gt=0, description="what used_header may reach")
    per: Duration | None = Field(None, description="the period of the budget: 1m")
    remaining_header: str | None = Field(None, description="what is left: X-Bapi-Limit-Status")
    reset_ms_header: str | None = Field(
        None, description="when it is renewed, ms since 1970: X-Bapi-Limit-Reset-Timestamp"
    )

    @model_validator(mode="after")
    def _budget_is_whole(self) -> Rate:
        if bool(self.used_header) != bool(self.budget and self.per):
            raise ValueError("used_header, budget and per go together")
        if bool(self.remaining_header) != bool(self.reset_ms_header):
            raise ValueError("remaining_header and reset_ms_header go together")
        return self


class Auth(StrictModel):
    """Whom we are to the source: the login comes from a connection, never from this file."""

    kind: Literal["header", "query", "basic", "bearer", "sign"]
    connection: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Airflow connection id; without Airflow, the variable AIRFLOW_CONN_<ID>",
    )
    name: str | None = Field(None, description="of the header or parameter that holds the key")
    signer: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="module:function that signs a request, such as mypackage.acme:sign",
    )

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Auth:
        if (self.name is not None) != (self.kind in ("header", "query")):
            raise ValueError("name is for kind header or query, and needed there")
        if (self.signer is not None) != (self.kind == "sign"):
            raise ValueError("signer is for kind sign, and needed there")
        return self


class HttpSource(StrictModel):
    """A paged HTTP API that answers in JSON."""

    kind: Literal["http"]
    base_url: str = Field(description="scheme and host: https://api.example.com")
    path: str = Field(pattern=r"^/", description="path; {symbol} is the slice's value")
    params: dict[str, str | int | bool] = Field(
        default_factory=dict, description="query; {symbol}, {start_ms}, {last_ms}, ... are filled"
    )
    headers: dict[str, str] = Field(default_factory=dict)
    records: str = Field(
        "$",
        pattern=rf"^(\$|{PATH})$",
        description="where the array of records is: $ (the whole body), data, result.*, "
        "item (arrays of records inside the body's array)",
    )
    columns: list[str] | None = Field(
        None,
        min_length=1,
        description="names for the values of records that are arrays; name? may be missing",
    )
    capture: dict[str, Annotated[str, StringConstraints(pattern=rf"^{PATH}$")]] = Field(
        default_factory=dict, description="other values of the body that paging needs: name -> path"
    )
    paging: AnyPaging = SinglePage()
    errors: ErrorRules | None = None
    bans: dict[int, Duration] = Field(
        default_factory=dict,
        description="statuses that mean a ban without saying for how long: {403: 10m}",
    )
    rate: Rate = Rate()
    auth: Auth | None = None

    @field_validator("base_url")
    @classmethod
    def _plain_origin(cls, value: str) -> str:
        TypeAdapter(HttpUrl).validate_python(value)
        parts = urlsplit(value)
        if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("give scheme and host only, such as https://api.example.com")
        return value.rstrip("/")

    @field_validator("columns")
    @classmethod
    def _columns_are_apart(cls, columns: list[str] | None) -> list[str] | None:
        seen: dict[str, str] = {}
        before = ""
        for name in columns or ():
            if other := seen.get(name.rstrip("?").casefold()):
                raise ValueError(f"{other!r} and {name!r} are the same, or differ by case only")
            if before.endswith("?") and not name.endswith("?"):
                raise ValueError(f"{before!r} may only be missing at the end, before it {name!r}")
            seen[name.rstrip("?").casefold()] = before = name
        return columns

    @model_validator(mode="after")
    def _paging_uses_what_is_captured(self) -> HttpSource:
        options = self.paging.model_dump()
        for option in ("cursor", "url", "total", "has_more"):
            if (name := options.get(option)) and name not in self.capture:
                raise FieldError(
                    f"{name!r} is what nothing captures; "
                    f"add it: capture: {{{name}: path.in.the.body}}",
                    at=("paging", option),
                )
        return self

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every text that slices and windows fill, and where it stands."""
        yield ("source", "path"), self.path
        for name, value in self.params.items():
            yield ("source", "params", name), str(value)
        for option, params in self.paging.model_dump(by_alias=True).items():
            for name, value in params.items() if isinstance(params, dict) else ():
                yield ("source", "paging", option, name), value

    @property
    def host(self) -> str:
        """Whom we ask; limits and pools are per host."""
        return urlsplit(self.base_url).hostname or ""
