"""A table of two sources: trades of an API, and of files that are its history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from include.ticklake.extract import into
from include.ticklake.extract.extract import ExtractResult
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tests.unit.sources.files.test_zip_member import packed

START = datetime(2024, 12, 17, tzinfo=UTC)
START_US = int(START.timestamp()) * 10**6
DAY_US = 86_400_000_000
SLICE = Slice.of({"symbol": "BTCUSDT"})
NOW_S = START.timestamp() + 40 * 86_400
NO_RETRIES = SourceRetryPolicy(max_attempts=1)

TARGET: dict[str, Any] = {
    "source": {
        "kind": "http",
        "base_url": "https://api.example.com",
        "path": "/trades",
        "params": {"symbol": "{symbol}", "limit": 100},
        "paging": {
            "kind": "id_forward",
            "param": "fromId",
            "field": "a",
            "first_params": {"startTime": "{start_ms}", "endTime": "{last_ms}"},
        },
    },
    "slices": {"symbol": ["BTCUSDT"]},
    "window": "6h",
    "fields": {
        "trade_id": {"from": "a", "type": "int64", "key": True, "contiguous": True},
        "price": {"from": "p", "type": "decimal(18,8)", "required": True},
        "trade_time": {
            "from": "T", "type": "timestamp", "unit": "ms", "precision": "us", "event_time": True,
        },
        "is_sell": {"from": "m", "type": "bool"},
    },
}  # fmt: skip
FILES: dict[str, Any] = {
    "into": "trades",
    "source": {
        "kind": "files",
        "address": "https://data.example.com/{symbol}-{date}.zip",
        "columns": ["a", "p", "time", "is_sell"],
    },
    "window": "1d",
    "fields": {
        "trade_time": {"from": "time", "type": "timestamp", "unit": ["ms", "us"]},
        "is_sell": {"from": "is_sell", "type": "bool"},
    },
}


class JoinedTrade(NamedTuple):
    """What really happened."""

    id: int
    price: str
    at_us: int
    is_sell: bool = False


def save(folder: Path, **changes: dict[str, Any]) -> None:
    """Write the two feed files; ``trades`` and ``old_trades`` in *changes* are of each."""
    folder.mkdir(exist_ok=True)
    for name, described in (("trades", TARGET), ("old_trades", FILES)):
        (folder / f"{name}.yaml").write_text(
            yaml.dump(described | changes.get(name, {}), sort_keys=False)
        )


def feeds(folder: Path, **changes: dict[str, Any]) -> tuple[Feed, Feed]:
    """The feed of the API and that of the files, saved in *folder*."""
    save(folder, **changes)
    return loader.read_feed(folder / "trades.yaml"), loader.read_feed(folder / "old_trades.yaml")


def day(number: int) -> Unit:
    """A day of the files."""
    start = START + timedelta(days=number)
    return Unit(SLICE, Window(start, start + timedelta(days=1)))


def csv(trades: Iterable[JoinedTrade], *, unit: str = "us") -> bytes:
    """The trades as a file has them: all values are texts."""
    per = {"ms": 1_000, "us": 1}[unit]
    lines = [f"{t.id},{t.price},{t.at_us // per},{t.is_sell}" for t in trades]
    return "".join(f"{line}\n" for line in lines).encode()


def publish(
    server: HttpServer, number: int, trades: Iterable[JoinedTrade], *, unit: str = "us"
) -> None:
    """Serve the file of a day."""
    at = START + timedelta(days=number)
    body = packed({"trades.csv": csv(trades, unit=unit)})
    server.answer(f"/BTCUSDT-{at:%Y-%m-%d}.zip", body)


class TradesOfApi:
    """The API: ids and flags as JSON has them, times in milliseconds with a fraction."""

    def __init__(self, server: HttpServer, trades: Iterable[JoinedTrade]) -> None:
        self.trades = sorted(trades)
        server.answer_by("/trades", self._answer)

    def _answer(self, asked: ReceivedRequest) -> Reply:
        params = asked.params
        if "fromId" in params:
            found = [trade for trade in self.trades if trade.id >= int(params["fromId"])]
        else:
            first, last = int(params["startTime"]), int(params["endTime"])
            found = [trade for trade in self.trades if first <= trade.at_us // 1_000 <= last]
        records = map(api_record, found[: int(params["limit"])])
        return Reply(body=f"[{','.join(records)}]".encode())


def api_record(trade: JoinedTrade) -> str:
    """A trade as the API writes it."""
    whole, fraction = divmod(trade.at_us, 1_000)
    time = f"{whole}.{fraction:03}" if fraction else str(whole)
    price = json.dumps(trade.price)
    return f'{{"a":{trade.id},"p":{price},"T":{time},"m":{str(trade.is_sell).lower()}}}'


def extract(
    feed: Feed, unit: Unit, storage: Storage, server: HttpServer, **options: Any
) -> list[ExtractResult]:
    """Extract *unit* without retries."""
    options = {"base_url": server.url, "patience": NO_RETRIES, "clock": lambda: NOW_S} | options
    return into.extract_unit(feed, unit, storage=storage, **options)
