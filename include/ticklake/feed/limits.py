"""The bounds of a feed: the largest record and page, the timeouts, the attempts."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from include.ticklake.errors import UsageError
from include.ticklake.model.durations import Duration
from include.ticklake.model.sizes import parse_bytes
from include.ticklake.model.strict import StrictModel


def _size(value: object) -> object:
    try:
        return parse_bytes(value) if isinstance(value, str) else value
    except UsageError as error:
        raise ValueError(str(error)) from None


Size = Annotated[
    int, BeforeValidator(_size), WithJsonSchema({"type": ["string", "integer"]}), Field(gt=0)
]
"""A number of bytes, which a feed may write as 128MiB."""


def _share(value: object) -> object:
    """``2%`` as 0.02; anything else as it is."""
    if not isinstance(value, str) or not (match := _PERCENT.fullmatch(value)):
        return value
    return float(Decimal(match[1]) / 100)


_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,10})?) ?%")

Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema({"type": ["number", "string"]}),
    Field(ge=0, le=1),
]
"""A part of a whole, which a feed may write as 2% or as 0.02."""


class Limits(StrictModel):
    """Bounds on the size of records and pages, on waits, and on attempts."""

    max_record_bytes: Size = Field(
        8 * 1024**2, description="Largest record, as JSON text. Defaults to 8MiB."
    )
    max_page_bytes: Size = Field(
        4 * 1024**3, description="Largest page, decompressed. Defaults to 4GiB."
    )
    max_bad_share: Share = Field(
        0.01,
        description="Share of a window's records that may be quarantined before its conversion "
        "fails: 2% or 0.02. Defaults to 1%.",
    )
    connect_timeout_s: float = Field(
        10, gt=0, description="Seconds to wait for a connection. Defaults to 10."
    )
    read_timeout_s: float = Field(
        30, gt=0, description="Seconds to wait for the next bytes of a response. Defaults to 30."
    )
    page_timeout_s: float = Field(
        600,
        gt=0,
        description="Seconds that a whole page may take, from its request to its last byte; of a "
        "query, its login, its first row, and the rows of each page. Defaults to 600.",
    )
    max_pages: int = Field(
        100_000,
        ge=1,
        description="Pages per unit, against paging that does not end. Defaults to 100000.",
    )
    unit_timeout: Duration = Field(
        timedelta(hours=6),
        description="Time that an attempt at a unit may take, with all of its pages or rows, tries "
        "and waits, whatever its source sends. Defaults to 6h.",
    )
    resume_within: Duration = Field(
        timedelta(hours=6),
        description="A retry resumes an attempt that is at most this old. Defaults to 6h.",
    )
    attempts: int = Field(
        5, ge=1, description="Attempts per page before the task fails. Defaults to 5."
    )
    max_wait_s: float = Field(
        30,
        ge=0,
        description="Longest rate-limit wait, in seconds, that is spent inside the task; a longer "
        "one ends the attempt, and Airflow retries when the wait is over. Defaults to 30.",
    )
