"""Feeds of files, a server's file that breaks and has ranges, and what is staged of them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from include.ticklake.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.auth import Credentials
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.servers.http import ReceivedRequest, Reply

DAY = Window.parse("20241231T000000Z-20250101T000000Z")
DAY_MS = DAY.start_ms
ALL = Slice(())
NEXT_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""When every file of ``DAY`` should long be published."""

FIELDS: dict[str, Any] = {
    "id": {"type": "int64", "key": True},
    "price": {"type": "decimal(38,18)"},
    "at": {"type": "timestamp", "unit": "ms", "event_time": True},
}


def feed(address: str, **changes: Any) -> Feed:
    """A daily feed of the files at *address*; ``source`` in *changes* adds to the source."""
    source = {"kind": "files", "address": address} | changes.pop("source", {})
    described = {"name": "bulk", "source": source, "window": "1d", "fields": FIELDS}
    return Feed.model_validate(described | changes)


def csv(rows: int, *, first: int = 0, header: bool = True) -> bytes:
    """*rows* rows of ``FIELDS`` within ``DAY``."""
    lines = ["id,price,at"] if header else []
    lines += [f"{n},{n}.50,{DAY_MS + n}" for n in range(first, first + rows)]
    return ("\n".join(lines) + "\n").encode()


def run(
    described: Feed,
    storage: Storage,
    *,
    base_url: str | None = None,
    slice_: Slice = ALL,
    window: Window = DAY,
    attempts: int = 3,
    now_s: float = NEXT_YEAR,
    **credentials: Any,
) -> Manifest:
    """Extract one window, and return its manifest; no wait takes time."""
    return extract.extract(
        described,
        Unit(slice_, window),
        storage=storage,
        base_url=base_url,
        patience=SourceRetryPolicy(max_attempts=attempts, sleep=lambda _: None),
        lookup=lambda _: Credentials(**credentials),
        clock=lambda: now_s,
    ).manifest


def rows_of(manifest: Manifest, storage: Storage) -> list[Any]:
    """The staged records, in order."""
    bodies = [storage.read(part.key) or b"" for part in manifest.json.parts]
    return [row for body in bodies for row in json.loads(gzip.decompress(body))]


@dataclass(slots=True, kw_only=True)
class ServedFile:
    """A file of a web server: an answer for ``HttpServer.answer_by``."""

    body: bytes
    tag: str = '"1"'
    has_ranges: bool = True
    breaks: Sequence[int] = ()
    """After how many bytes each of the first answers breaks."""
    ranges: list[str] = field(default_factory=list)
    """What each request asked for."""

    def __call__(self, request: ReceivedRequest) -> Reply:
        """The whole file, or the rest that the request asks for."""
        asked = request.headers.get("range", "")
        cut = self.breaks[len(self.ranges)] if len(self.ranges) < len(self.breaks) else None
        self.ranges.append(asked)
        headers = {"ETag": self.tag} if self.tag else {}
        found = re.fullmatch(r"bytes=(\d+)-", asked)
        is_same = request.headers.get("if-range", self.tag) == self.tag
        if found is None or not self.has_ranges or not is_same:
            return Reply(body=self.body, headers=headers, cut_after_bytes=cut)
        start, size = int(found[1]), len(self.body)
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        return Reply(body=self.body[start:], status=206, headers=headers, cut_after_bytes=cut)
