"""Small feeds, and the records that extraction stages of them."""

from __future__ import annotations

import gzip
import json
from typing import Any

from include.ticklake.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.paging import END, WINDOW
from tests.support.servers.http import HttpServer

Row = dict[str, Any]
TIME = {"t": {"type": "timestamp", "unit": "ms", "event_time": True}}
KEYED = {"id": {"type": "int64", "key": True}} | TIME
NO_KEY = {"price": {"type": "int64"}} | TIME


def rows_of(described: Feed, server: HttpServer, storage: Storage) -> list[Row]:
    """The staged records of the one window; every page is requested once at most."""
    manifest = extract.extract(
        described, Unit(Slice(()), WINDOW), storage=storage, base_url=server.url,
        patience=SourceRetryPolicy(max_attempts=1), clock=lambda: END / 1000 + 3600,
    ).manifest  # fmt: skip
    bodies = [storage.read(part.key) or b"" for part in manifest.json.parts]
    return [row for body in bodies for row in json.loads(gzip.decompress(body))]
