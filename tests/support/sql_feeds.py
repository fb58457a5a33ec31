"""Feeds of databases as tests need them, and what becomes of their rows."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

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
