"""Two feeds: ``symbols`` is a snapshot of an exchange's symbols, ``prices`` has them as slices."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from include.ticklake.extract import renew_slices
from include.ticklake.extract.endpoint_values import EndpointAccess
from include.ticklake.extract.extract import extract
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import slice_lists
from include.ticklake.lake.slice_lists import ValueList
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.servers.http import HttpServer

SYMBOLS = """\
source: {kind: http, base_url: "https://api.example.com", path: /symbols}
snapshot: true
order: none
fields:
  symbol: {type: string, key: true}
  status: {type: string}
  number: {type: int64}
  is_open: {from: rules.open, type: bool}
  tick: {type: "decimal(18,8)"}
  fetched_at: {from: $fetched_at, type: timestamp, event_time: true}
limits: {attempts: 1}
"""

PRICES = """\
source:
  {kind: http, base_url: "https://api.example.com", path: /prices, params: {symbol: "{symbol}"}}
slices: {symbol: {feed: symbols, where: {status: TRADING}}}
fields:
  id: {type: int64, key: true}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
limits: {attempts: 1}
"""

START = datetime(2026, 1, 2, tzinfo=UTC)


def hour(number: int) -> Window:
    """The hour of that number."""
    start = START + timedelta(hours=number)
    return Window(start, start + timedelta(hours=1))


def fetched_ms(number: int) -> int:
    """When the snapshot of an hour is fetched: ten seconds after its end."""
    return hour(number).end_ms + 10_000


def rows(symbols: Iterable[str], status: str = "TRADING") -> list[dict[str, object]]:
    """A record for each symbol."""
    return [{"symbol": symbol, "status": status} for symbol in symbols]


class ListedSymbols:
    """A folder with the two feeds and their lake, and the server of the exchange."""

    def __init__(self, folder: Path, server: HttpServer, *, prices: str = PRICES) -> None:
        self.feeds = folder / "feeds"
        self.feeds.mkdir()
        self.storage = Storage.open(f"file://{folder}/lake", {})
        self._server = server
        self.write(symbols=SYMBOLS, prices=prices)

    def write(self, **texts: str) -> None:
        """Write feed files."""
        for name, text in texts.items():
            (self.feeds / f"{name}.yaml").write_text(text)

    @property
    def prices(self) -> Feed:
        """The feed whose slices are listed."""
        return loader.load("prices")

    @property
    def listed(self) -> ValueList:
        """The list that is in the lake."""
        return slice_lists.read("prices", storage=self.storage).lists["symbol"]

    def fetch(self, number: int, records: list[dict[str, object]], *, after_ms: int = 0) -> None:
        """Fetch the snapshot of an hour, of an exchange that has *records*."""
        self.answer(records)
        self.fetch_slice(number, after_ms=after_ms)

    def list_by_endpoint(self, more: str = "") -> None:
        """Have the prices' symbols asked from the exchange itself, with *more* options."""
        own = f"{{path: /symbols, where: {{status: TRADING}}{more}}}"
        self.write(prices=PRICES.replace("{feed: symbols, where: {status: TRADING}}", own))

    def answer(self, records: list[dict[str, object]], *, status: int = 200) -> None:
        """Have the exchange answer with *records* from now on."""
        self._server.answer("/symbols", json.dumps(records).encode(), status=status)

    def fetch_slice(self, number: int, *, after_ms: int = 0, **values: str) -> None:
        """Fetch the snapshot of an hour, of one slice of the symbols."""
        extract(
            loader.load("symbols"), Unit(Slice.of(values), hour(number)), storage=self.storage,
            base_url=self._server.url, patience=SourceRetryPolicy(max_attempts=1),
            clock=lambda: (fetched_ms(number) + after_ms) / 1000,
        )  # fmt: skip

    def renew(self, number: int, *, accepts_shrink: bool = False) -> list[str]:
        """Plan a run after an hour: the symbols that it fetches."""
        planned = renew_slices.renew(
            self.prices, storage=self.storage, now_ms=fetched_ms(number) + 10_000,
            accepts_shrink=accepts_shrink,
            access=EndpointAccess(
                base_url_for=lambda _: self._server.url,
                patience=SourceRetryPolicy(max_attempts=1),
            ),
        )  # fmt: skip
        return [slice_.as_dict()["symbol"] for slice_ in planned.all_slices]


class CountedStore:
    """The operations of *store*; the name of each that is called is in *calls*."""

    def __init__(self, store: Any, calls: list[str]) -> None:
        self._store, self._calls = store, calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            self._calls.append(name)
        return found


def counting(storage: Storage) -> tuple[Storage, list[str]]:
    """*storage*, and the operations that it was asked for."""
    calls: list[str] = []
    return replace(storage, store=CountedStore(storage.store, calls)), calls
