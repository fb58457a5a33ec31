"""What a feed says of a database: whom to ask, the query, and what its values mean.

The query's parameters are bound by the driver, never written into its text:

===================================== ================================================
``:symbol``                           the slice's value, as the source spells it
``:start``, ``:end``                  the window's bounds, as instants (UTC)
``:start_local``, ``:end_local``      the same on the clock of ``timezone``, zoneless
``:start_ms``, ``:end_ms``, ...       whole numbers since 1970: s, ms, us or ns
``:last_ms``, ...                     the last instant inside, for ``BETWEEN``
``:start_iso``, ``:end_iso``          text such as 2026-11-22T05:00:00Z
===================================== ================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from include.ticklake.errors import did_you_mean
from include.ticklake.feed.placeholders import WINDOW_NAMES
from include.ticklake.model.strict import FieldError, StrictModel

BOUNDS = frozenset({"start", "end", "start_local", "end_local"})

# Not in ::casts, and \: is a colon.
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w++)(?!:(?!:))")
_CAST = re.compile(r"(?<![:\w\\]):(\w++)(?=::)")
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)


class SqlSource(StrictModel):
    """A query that a database answers."""

    kind: Literal["sql"]
    connection: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Airflow connection id; without Airflow, the variable AIRFLOW_CONN_<ID>, "
        "which may also hold an SQLAlchemy URL",
    )
    query: str = Field(
        min_length=1,
        description="one SELECT; :start, :end and the slices' names are its parameters",
    )
    fetch_rows: int = Field(2_000, gt=0, le=100_000, description="rows that are in memory at once")
    timezone: str | None = Field(
        None, description="what timestamps without a zone mean: UTC, Europe/Berlin"
    )
    base64: list[str] = Field(
        default_factory=list, description="columns of bytes, which are written as base64"
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ValueError, OSError, KeyError):
                raise ValueError(f"{value!r} is not a time zone, such as Europe/Berlin") from None
        return value

    @property
    def host(self) -> str:
        """Whom we ask; limits and pools are per connection."""
        return self.connection

    @property
    def parameters(self) -> frozenset[str]:
        """The names that the query wants bound."""
        return frozenset(_PARAMETER.findall(self.query))

    @property
    def text(self) -> str:
        """The query for SQLAlchemy, which does not see the parameter in ``:start::timestamp``."""
        return _CAST.sub(r"(:\1)", self.query)

    @property
    def zone(self) -> ZoneInfo | None:
        """What timestamps without a zone mean; None where that is not known."""
        return ZoneInfo(self.timezone) if self.timezone else None

    def check(self, slices: Mapping[str, object], *, snapshot: bool, order: str) -> None:
        """Raise ``Mistake`` where the query does not fit the rest of the feed."""
        here, used = ("source", "query"), self.parameters
        for name in sorted(set(slices) & (BOUNDS | WINDOW_NAMES)):
            raise FieldError("is the name of a bound; rename it", at=("slices", name))
        known = [*slices, "start", "end", *sorted((BOUNDS | WINDOW_NAMES) - {"start", "end"})]
        for name in sorted(used - set(known)):
            told = did_you_mean(name, known) or f"; known: {', '.join(known)}"
            raise FieldError(f"nothing gives :{name}{told} (write a colon as \\: in text)", at=here)
        for name in sorted(set(slices) - used):
            raise FieldError(f"does not use :{name}, so every slice would hold all rows", at=here)
        bounds = {name.partition("_")[0] for name in used - set(slices)}
        if not snapshot and not ("start" in bounds and bounds & {"end", "last"}):
            raise FieldError(
                "does not use :start and :end, so every window would read all rows; "
                "for a table without a time, say snapshot: true",
                at=here,
            )
        if order != "none" and not snapshot and not _ORDERED.search(self.query):
            raise FieldError(
                "has no ORDER BY, so its rows come in any order; add one, by the event time and "
                "the key, or say order: none",
                at=here,
            )
        if self.timezone is None and any(name.endswith("_local") for name in used):
            raise FieldError("uses the clock of source.timezone, which is missing", at=here)

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every text that slices and windows fill: none, as a query's parameters are bound."""
        yield from ()
