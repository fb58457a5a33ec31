"""One table and its two sources, each of which can be extracted into it at any time."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.ticklake.convert import convert
from include.ticklake.extract import into
from include.ticklake.feed import plan
from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from tests.support import joined_feeds, lake_factory
from tests.support.joined_feeds import DAY_US, START_US, JoinedTrade, TradesOfApi, day
from tests.support.memory_storage import memory_storage
from tests.support.servers.http import HttpServer

WINDOWS = 4
QUARTER_US = DAY_US // WINDOWS


def trade(number: int, *, price: str = "1.50000000") -> JoinedTrade:
    """Five trades in each window of the day; the first of a window at its very start."""
    window, place = divmod(number, 5)
    return JoinedTrade(number, price, START_US + window * QUARTER_US + place * 1_000_001)


ALL = [trade(number) for number in range(5 * WINDOWS)]


@dataclass
class JoinedTable:
    """The table, and the two sources of it."""

    folder: Path
    server: HttpServer
    storage: Storage = field(default_factory=memory_storage)

    def __post_init__(self) -> None:
        self.api, self.files = joined_feeds.feeds(self.folder)
        self.units = plan.target_units(self.files, day(0))

    def by_api(
        self, trades: Iterable[JoinedTrade], *, windows: int = WINDOWS, **options: Any
    ) -> None:
        """Extract the first windows of the day from an API that has *trades*."""
        TradesOfApi(self.server, trades)
        for unit in self.units[:windows]:
            joined_feeds.extract(self.api, unit, self.storage, self.server, **options)

    def by_file(self, trades: Iterable[JoinedTrade], **options: Any) -> None:
        """Extract the day from a file that has *trades*."""
        joined_feeds.publish(self.server, 0, trades)
        joined_feeds.extract(self.files, day(0), self.storage, self.server, **options)

    def manifests(self) -> list[Manifest]:
        return list(manifest.read_all("trades", storage=self.storage))

    def of(self, unit: Unit) -> Manifest:
        return next(found for found in self.manifests() if found.window == unit.window.name)

    def records(self) -> list[dict[str, Any]]:
        """Every record of the table, window by window."""
        bodies = [
            self.storage.read(part.key) or b""
            for found in self.manifests()
            for part in found.json.parts
        ]
        return [record for body in bodies for record in json.loads(gzip.decompress(body))]

    def ids(self) -> list[int]:
        return [int(record["a"]) for record in self.records()]

    def objects(self) -> dict[str, bytes]:
        return {key: self.storage.read(key) or b"" for key in self.storage.list("")}

    def convert(self) -> None:
        """Convert every window."""
        for found in self.manifests():
            convert.convert(
                found.key, feed=self.api, storage=self.storage, budget=lake_factory.BUDGET
            )

    def write(self, changed: Manifest) -> None:
        stored = manifest.read_versioned(changed.key, storage=self.storage)
        assert stored
        manifest.write(changed, storage=self.storage, expect=stored[1])

    def to_convert(self) -> int:
        keys = into.manifests_to_convert(self.files, [day(0)], storage=self.storage)
        return len(list(keys))
