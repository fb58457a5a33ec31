"""Feeds of databases as tests need them, and what becomes of their rows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from include.ticklake.extract import extract
from include.ticklake.extract.extract import ExtractResult
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.sql import engines

HOUR = Window.parse("20261122T050000Z-20261122T060000Z")

ALL = Slice()

FIELDS: dict[str, Any] = {
    "id": {"type": "int64", "key": True},
    "at": {"type": "timestamp", "unit": "iso", "event_time": True},
}

EVENTS = "SELECT id, at FROM events WHERE at >= :start AND at < :end ORDER BY at, id"

PRICE = {"price": {"type": "decimal(28,8)"}}


def feed(query: str = EVENTS, *, fields: dict[str, Any] | None = None, **changes: Any) -> Feed:
    """A feed of *query* with id and event time, and what else *fields* and *changes* say."""
    source = {"kind": "sql", "connection": "shop", "query": query} | changes.pop("source", {})
    return Feed.model_validate(
        {"name": "shop_events", "source": source, "fields": FIELDS | (fields or {})} | changes
    )


def run(
    feed: Feed, url: str, root: Path, *, slice_: Slice = ALL, window: Window = HOUR
) -> ExtractResult:
    """Extract one window of *feed* from the database at *url*."""
    return extract.extract(
        feed,
        Unit(slice_, window),
        storage=Storage.open(root.as_uri(), {}),
        connect=partial(connect, url=url),
        patience=SourceRetryPolicy(max_attempts=2, sleep=lambda _: None),
    )


def connect(connection: str, *, url: str) -> Any:
    """The engine for any connection: that of *url*."""
    return engines.open_engine(url, where=connection)


def lines(done: ExtractResult, root: Path) -> list[str]:
    """The text of every staged record, in order."""
    texts = [gzip.decompress((root / part.key).read_bytes()) for part in done.manifest.json.parts]
    return [
        line.removeprefix("[").removesuffix(",")
        for text in texts
        for line in text.decode().splitlines()
        if line != "]"
    ]


def records(done: ExtractResult, root: Path) -> list[dict[str, Any]]:
    """Every staged record, numbers exact."""
    return [json.loads(line, parse_float=Decimal) for line in lines(done, root)]


@contextmanager
def events_table(url: str, columns: str, rows: Sequence[tuple] = ()) -> Iterator[None]:
    """A table ``events`` that is there while the block runs."""
    name = "events"
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {name} ({columns})")
        if "mysql" in url:  # whose own clock is at +05:30
            connection.exec_driver_sql("SET time_zone = '+00:00'")
        for row in rows:
            marks = ", ".join("?" if "sqlite" in url else "%s" for _ in row)
            connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({marks})", row)
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE {name}")


def trades_query(rows: int) -> str:
    """A query for that many trades within the hour, made by the server as it is read."""
    return f"""
        SELECT n AS id, :start::timestamptz + n * interval '1 microsecond' AS at,
               (n * 0.00000001)::numeric(28,8) AS price
        FROM (SELECT generate_series(1, {rows}) AS n) AS numbers WHERE :start < :end"""


def ids_query(rows: int, url: str) -> str:
    """The same for any server, without prices."""
    if "postgresql" in url:
        return trades_query(rows)
    at = "CAST(:start AS DATETIME) AS at"
    return f"SELECT seq AS id, {at} FROM seq_1_to_{rows} WHERE :start < :end"
