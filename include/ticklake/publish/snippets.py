"""A feed, a slice and a range in, the lines that read those rows in DuckDB, Polars and pandas out.

To be copied by somebody who looks at the rows: every text in them is quoted for its language.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.layout import DAY
from include.ticklake.model.slice import Slice
from include.ticklake.model.window_length import longest
from include.ticklake.publish import ddl

LANGUAGES = {"duckdb": "DuckDB", "polars": "Polars", "pandas": "pandas"}
"""Names and how they are written."""


@dataclass(frozen=True, slots=True)
class RowRange:
    """The rows of ``[start, end)`` of one slice."""

    feed: Feed
    slice: Slice
    start: datetime
    end: datetime

    @property
    def time(self) -> str:
        """The column of the event time."""
        return self.feed.event_time[0]

    @property
    def dates(self) -> tuple[date, date] | None:
        """The first and last folder with such rows; None of a snapshot, which may come later."""
        if self.feed.snapshot:
            return None
        first = self.start.date()
        days = min(math.ceil(longest(self.feed.window) / DAY), first.toordinal() - 1)
        return first - timedelta(days=days), self.end.date()


def snippets(rows: RowRange, *, root_uri: str) -> dict[str, str]:
    """The lines by the names of ``LANGUAGES``: each gives *rows* in the order of time."""
    opened = {
        name: ddl.ddl(rows.feed, engine=name, root_uri=root_uri).rstrip() for name in LANGUAGES
    }
    return {
        "duckdb": f"{opened['duckdb']}\n{_duckdb(rows)}",
        "polars": f"{opened['polars']}\n{_polars(rows)}",
        "pandas": _pandas(opened["pandas"], rows),
    }


def _duckdb(rows: RowRange) -> str:
    conditions = [f'"{column}" = {_sql_text(value)}' for column, value in rows.slice.values]
    if rows.dates:
        conditions.append("\"date\" BETWEEN DATE '{}' AND DATE '{}'".format(*rows.dates))
    conditions += [
        f"\"{rows.time}\" {sign} TIMESTAMPTZ '{at.isoformat()}'"
        for sign, at in ((">=", rows.start), ("<", rows.end))
    ]
    joined = "\n  AND ".join(conditions)
    # Names are letters, digits and _; nothing runs it here.
    return f'SELECT * FROM {rows.feed.name}\nWHERE {joined}\nORDER BY "{rows.time}";'  # noqa: S608


def _polars(rows: RowRange) -> str:
    filters = [f"pl.col({column!r}) == {value!r}" for column, value in rows.slice.values]
    if rows.dates:
        first, last = (f"pl.lit({day.isoformat()!r}).str.to_date()" for day in rows.dates)
        filters.append(f'pl.col("date").is_between({first}, {last})')
    filters += [
        f"pl.col({rows.time!r}) {sign} datetime.fromisoformat({at.isoformat()!r})"
        for sign, at in ((">=", rows.start), ("<", rows.end))
    ]
    lines = "".join(f"    {text},\n" for text in filters)
    return (
        "from datetime import datetime\n\n"
        f"rows = {rows.feed.name}.filter(\n{lines}).sort({rows.time!r}).collect()"
    )


def _pandas(opened: str, rows: RowRange) -> str:
    filters = [f"(ds.field({column!r}) == {value!r})" for column, value in rows.slice.values]
    if rows.dates:
        filters += [
            f'(ds.field("date") {sign} date.fromisoformat({day.isoformat()!r}))'
            for sign, day in zip((">=", "<="), rows.dates, strict=True)
        ]
    filters += [
        f"(ds.field({rows.time!r}) {sign} datetime.fromisoformat({at.isoformat()!r}))"
        for sign, at in ((">=", rows.start), ("<", rows.end))
    ]
    joined = "\n    & ".join(filters)
    return (
        f"from datetime import date, datetime\n\n{opened.removesuffix(_CLOSED)},\n"
        f"    filters={joined},\n)\nrows = {rows.feed.name}.sort_values({rows.time!r})"
    )


_CLOSED = "\n)"
"""How the call ends that opens a frame."""


def _sql_text(text: str) -> str:
    """*text* in SQL's quotes."""
    return "'" + text.replace("'", "''") + "'"
