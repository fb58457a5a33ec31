"""A small paged source for tests: rows by id, and a feed that reads them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from include.ticklake.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
UNIT = Unit(Slice.of({"symbol": "BTCUSDT"}), WINDOW)
NOW_S = 1_795_330_000.5
NO_RETRIES = SourceRetryPolicy(max_attempts=1)

YAML = """\
description: Trades of the tests' own API.
source:
  kind: http
  base_url: https://api.example.com
  path: /trades
  params: {{symbol: "{{symbol}}", limit: {page_rows}}}
  paging:
    kind: id_forward
    param: fromId
    field: id
    first_params: {{startTime: "{{start_ms}}", endTime: "{{last_ms}}"}}
slices: {{symbol: [BTCUSDT]}}
fields:
  trade_id: {{from: id, type: int64, key: true}}
  price: {{type: "decimal(18,8)", required: true}}
  trade_time: {{from: time, type: timestamp, unit: ms, event_time: true}}
part_bytes: {part_bytes}
"""


def feed_file(folder: Path, *, page_rows: int = 10, part_bytes: int = 1_000) -> Path:
    """The feed as a file of *folder*, for ``TICKLAKE_FEEDS``."""
    folder.mkdir(exist_ok=True)
    path = folder / "trades.yaml"
    path.write_text(YAML.format(page_rows=page_rows, part_bytes=part_bytes))
    return path


def trades_feed(*, page_rows: int = 10, part_bytes: int = 1_000) -> Feed:
    """The same without a file."""
    import yaml

    text = YAML.format(page_rows=page_rows, part_bytes=part_bytes)
    return Feed.model_validate({"name": "trades"} | yaml.safe_load(text))


def trade(number: int, *, at_ms: int) -> dict[str, object]:
    return {"id": number, "price": f"{number}.00000000", "time": at_ms}


def trades(count: int, *, before: int = 0, after: int = 0) -> list[dict[str, object]]:
    """*count* trades spread over the window, more *before* it and *after* it."""
    step_ms = 3_600_000 // max(count, 1)
    inside = [WINDOW.start_ms + n * step_ms for n in range(count)]
    times = [WINDOW.start_ms - 1 - n for n in reversed(range(before))] + inside
    times += [WINDOW.end_ms + n for n in range(after)]
    return [trade(1_000 + n, at_ms=at_ms) for n, at_ms in enumerate(times)]


class TradesApi:
    """Answers by id and time; ``hook`` may look at each request before it is answered."""

    def __init__(self, server: HttpServer, rows: Iterable[dict[str, object]]) -> None:
        self.rows = list(rows)
        self.hook: Callable[[ReceivedRequest], Reply | None] = lambda _: None
        self.server = server
        server.answer_by("/trades", self._answer)

    @property
    def asked_from(self) -> list[str | None]:
        """The ids that pages were asked from; None for the first page, which is asked by time."""
        return [asked.params.get("fromId") for asked in self.server.asked]

    def _answer(self, asked: ReceivedRequest) -> Reply:
        return self.hook(asked) or Reply(body=json.dumps(self._page(asked.params)).encode())

    def _page(self, params: dict[str, str]) -> list[dict[str, object]]:
        if "fromId" in params:
            found = [row for row in self.rows if int(str(row["id"])) >= int(params["fromId"])]
        else:
            first, last = int(params["startTime"]), int(params["endTime"])
            found = [row for row in self.rows if first <= int(str(row["time"])) <= last]
        return found[: int(params["limit"])]


def extract_trades(
    storage: Storage,
    server: HttpServer,
    *,
    of: Feed | None = None,
    unit: Unit = UNIT,
    **options: object,
) -> Manifest:
    """Extract *unit* from *server*, without retries; the manifest that was committed."""
    options = {"base_url": server.url, "patience": NO_RETRIES, "clock": lambda: NOW_S} | options
    return extract.extract(of or trades_feed(), unit, storage=storage, **options).manifest


def staged_records(storage: Storage, committed: Manifest) -> list[dict[str, object]]:
    """Every record that *committed* names, in order."""
    bodies = [storage.read(part.key) or b"" for part in committed.json.parts]
    return [record for body in bodies for record in json.loads(gzip.decompress(body))]


def objects(storage: Storage) -> dict[str, bytes]:
    """Every object of the lake."""
    return {key: storage.read(key) or b"" for key in storage.list("")}
