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
from tests.support.servers.loopback import LoopbackServer

Row = dict[str, Any]
TIME = {"t": {"type": "timestamp", "unit": "ms", "event_time": True}}
KEYED = {"id": {"type": "int64", "key": True}} | TIME
NO_KEY = {"price": {"type": "int64"}} | TIME


ONCE = SourceRetryPolicy(max_attempts=1)
WHOLE = Unit(Slice(()), WINDOW)


def rows_of(
    described: Feed,
    server: LoopbackServer | None,
    storage: Storage,
    *,
    patience: SourceRetryPolicy = ONCE,
    unit: Unit = WHOLE,
) -> list[Row]:
    """The staged records of the one window, from *server* or from the feed's own address.

    Every page is requested once, if *patience* does not say otherwise.
    """
    manifest = extract.extract(
        described, unit, storage=storage,
        base_url=server.url if server else None, patience=patience, clock=lambda: END / 1000 + 3600,
    ).manifest  # fmt: skip
    bodies = [storage.read(part.key) or b"" for part in manifest.json.parts]
    return [row for body in bodies for row in json.loads(gzip.decompress(body))]
