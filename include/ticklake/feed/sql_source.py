"""A SQL query as a feed describes it: the connection, the query, and how its values are read.

Parameters are bound by the driver, never written into the query:

===================================== ================================================
``:symbol``                           the slice's value, as the source writes it
``:start``, ``:end``                  the window's bounds, as instants (UTC)
``:start_local``, ``:end_local``      the same in ``timezone``, without a zone
``:start_ms``, ``:end_ms``, ...       integers since 1970: s, ms, us or ns
``:last_ms``, ...                     the last instant of the window, for ``BETWEEN``
``:start_iso``, ``:end_iso``          text such as 2026-11-22T05:00:00Z
===================================== ================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from include.ticklake.errors import did_you_mean
from include.ticklake.feed.window_values import WINDOW_NAMES
from include.ticklake.model.strict import FieldError, StrictModel
from include.ticklake.model.time_zones import ZoneName, zone

BOUNDS = frozenset({"start", "end", "start_local", "end_local"})
"""Parameters that are bound as instants."""

# Not in ::casts, and \: is a colon.
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w++)(?!:(?!:))")
_CAST = re.compile(r"(?<![:\w\\]):(\w++)(?=::)")
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)


class SqlSource(StrictModel):
    """A SQL query."""

    kind: Literal["sql"] = Field(description="sql: a query of a database.")
    connection: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        max_length=200,
        description="Airflow connection id. Outside Airflow, the environment variable "
        "AIRFLOW_CONN_<ID>, which may also hold an SQLAlchemy URL.",
    )
    query: str = Field(
        min_length=1,
        description="A SELECT with the parameters :start, :end and the names of the slices.",
    )
    fetch_rows: int = Field(
        2_000,
        gt=0,
        le=100_000,
        description="Rows held in memory at once; fewer where they take more than 1 MiB. Defaults "
        "to 2000.",
    )
    timezone: ZoneName | None = Field(
        None, description="Time zone of timestamps that have none: UTC, Europe/Berlin."
    )
    base64_columns: list[str] = Field(
        default_factory=list, description="Columns of bytes, which are written as base64."
    )

    @property
    def array_columns(self) -> None:
        """Rows are not arrays."""
        return

    @property
    def host(self) -> str:
        """The connection; limits and Airflow pools are per connection."""
        return self.connection

    @property
    def parameters(self) -> frozenset[str]:
        """Names of the query's parameters."""
        return frozenset(_PARAMETER.findall(self.query))

    @property
    def text(self) -> str:
        """The query for SQLAlchemy, which does not see the parameter in ``:start::timestamp``."""
        return _CAST.sub(r"(:\1)", self.query)

    @property
    def zone(self) -> ZoneInfo | None:
        """Time zone of timestamps that have none; None where the feed does not say."""
        return zone(self.timezone) if self.timezone else None

    def check(self, slices: Mapping[str, object], *, snapshot: bool, order: str) -> None:
        """Raise ``FieldError`` where the query contradicts the rest of the feed."""
        path, used = ("source", "query"), self.parameters
        for name in sorted(set(slices) & (BOUNDS | WINDOW_NAMES)):
            raise FieldError(
                "clashes with a built-in query parameter; rename the slice", path=("slices", name)
            )
        known = [*slices, "start", "end", *sorted((BOUNDS | WINDOW_NAMES) - {"start", "end"})]
        for name in sorted(used - set(known)):
            listed = f"; known: {', '.join(known)}"
            hint = did_you_mean(f":{name}", [f":{other}" for other in known])
            raise FieldError(
                f"unknown query parameter :{name}{hint or listed} (escape a literal colon as \\:)",
                path=path,
            )
        for name in sorted(set(slices) - used):
            raise FieldError(
                f":{name} is not used, so every slice would contain all rows; "
                f"filter by :{name} or remove the slice",
                path=path,
            )
        bounds = {name.partition("_")[0] for name in used - set(slices)}
        if not snapshot and not ("start" in bounds and bounds & {"end", "last"}):
            raise FieldError(
                ":start and :end are not used, so every window would read all rows; "
                "filter by both, or set snapshot: true for a table without a time",
                path=path,
            )
        if order != "none" and not snapshot and not _ORDERED.search(self.query):
            raise FieldError(
                "ORDER BY is missing; order by the event time and the key, or set order: none",
                path=path,
            )
        if self.timezone is None and any(name.endswith("_local") for name in used):
            raise FieldError("local parameters need a time zone; set source.timezone", path=path)

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Nothing: a query's parameters are bound, not written into its text."""
        yield from ()
