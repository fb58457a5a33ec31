"""A small lake on a real server, two commands on it at once, and what its readers see afterwards.

There are three days of two windows: retention deletes the first and keeps the last. Everything is
done by commands in processes of their own; only the readers are in this one.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import yaml

from include.ticklake.convert.convert import convert
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest, read
from include.ticklake.lake.layout import DAY
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from include.ticklake.model.window import Window
from tests.support import cli_process, lake_factory
from tests.support.forked_cli import CommandForks
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tools.servers.s3 import Bucket

NAME = "paired"
SLOT_MS = 3 * 3_600_000
KEPT_DAYS = 2
FEED = {
    "source": {
        "kind": "http",
        "base_url": "https://api.example.com",
        "path": "/{symbol}",
        "params": {"start": "{start_ms}", "end": "{end_ms}"},
        "paging": {"kind": "single"},
    },
    "slices": {"symbol": ["BTCUSDT"]},
    "window": "12h",
    "retention": {"json": f"{KEPT_DAYS}d", "parquet": f"{KEPT_DAYS}d"},
    "fields": {
        "number": {"from": "n", "type": "int64", "key": True},
        "amount": {"from": "v", "type": "int64"},
        "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
    },
}

Rows = list[tuple[int, int]]
"""Number and amount of each record, in order."""


@dataclass(frozen=True, kw_only=True)
class Days:
    """The day that retention deletes, and the one that it keeps."""

    expired: Window
    kept: Window

    @classmethod
    def now(cls) -> Days:
        """By today's date, as the commands see it."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        kept = today - DAY  # also if midnight passes
        expired = kept - KEPT_DAYS * DAY
        return cls(expired=Window(expired, expired + DAY), kept=Window(kept, kept + DAY))


class ServedLake:
    """The lake, the API that its records come from, and the commands."""

    def __init__(self, bucket: Bucket, server: HttpServer, folder: Path) -> None:
        (folder / f"{NAME}.yaml").write_text(yaml.safe_dump(FEED, sort_keys=False))
        env = cli_process.environment(**bucket.environment, TICKLAKE_FEEDS=str(folder))
        self.days, self.feed = Days.now(), Feed.model_validate(FEED | {"name": NAME})
        self.storage = Storage.open(bucket.root, bucket.environment)
        self.forks = CommandForks(env, folder)
        self.root, self._url = bucket.root, server.url
        self.amount, self.every = 1, 2
        server.answer_by("/BTCUSDT", self._reply)

    def source_has(self, *, amount: int, every: int) -> None:
        """From now on each amount is *amount*, and there is a record in every n-th slot."""
        self.amount, self.every = amount, every

    def argv(self, command: str) -> list[str]:
        """Its arguments, for both days."""
        start, end = self.days.expired.start, self.days.kept.end
        days = ["--start", f"{start:%Y-%m-%d}", "--end", f"{end:%Y-%m-%d}"]
        url = ["--base-url", self._url]
        return {
            "extract": ["extract", NAME, *days, *url],
            "rebuild": ["rebuild", NAME, *days],
            "convert": ["convert", *self._staged()],
            "compact": ["compact", NAME, *days],
            "retention": ["retention", NAME, "--delete"],
            "repair": ["audit", NAME, *days, "--repair", *url],
        }[command] + ["--root", self.root]

    def fill(self, objects: dict[str, bytes] | None = None) -> dict[str, bytes]:
        """Both days are fetched and converted: by commands, or by a copy of what they made."""
        if objects is None:
            for command in ("extract", "rebuild"):
                code, text = self.forks.run(*self.argv(command))
                assert code == 0, text
            return {key: self.storage.read(key) or b"" for key in self.storage.list("")}
        for key, body in objects.items():
            # Parts are read as they are, whatever their headers say.
            self.storage.put(key, body)
        return objects

    def convert_and_compact(self) -> None:
        """The kept day: in this process, where nobody is in the way."""
        day = self.days.kept
        for unit in plan.plan_units(self.feed, start=day.start, end=day.end):
            key = layout.manifest_key(NAME, unit.slice, unit.window)
            convert(key, feed=self.feed, storage=self.storage, budget=lake_factory.BUDGET)
        slice_ = self.feed.all_slices[0]
        compact.compact(self.feed, slice_, day, storage=self.storage, budget=lake_factory.BUDGET)

    def _staged(self) -> list[str]:
        start, end = self.days.expired.start, self.days.kept.end
        units = plan.plan_units(self.feed, start=start, end=end)
        return [
            self.storage.uri(layout.manifest_key(NAME, unit.slice, unit.window)) for unit in units
        ]

    # What there is.

    def expected(self, *, amount: int, every: int) -> Rows:
        """What the kept day has where the source had this."""
        day = self.days.kept
        return [(number, amount) for number in self._numbers(day.start_ms, day.end_ms, every)]

    def scanned(self) -> Rows:
        """What readers of manifests see of the kept day."""
        day = self.days.kept
        return _rows(read.table(self.feed, storage=self.storage, start=day.start, end=day.end))

    def in_folder(self) -> Rows:
        """What readers of the folder see of the kept day."""
        table = read.dataset(self.feed, storage=self.storage).to_table()
        day = self.days.kept
        return [
            row for row in _rows(table)
            if day.start_ms <= row[0] * SLOT_MS < day.end_ms
        ]  # fmt: skip

    def staged(self) -> Rows:
        """The records of the kept day's parts."""
        rows: Rows = []
        for found in manifest.read_all(NAME, storage=self.storage):
            if Window.parse(found.window).start < self.days.kept.start:
                continue
            for part in found.json.parts:
                body = self.storage.read(part.key)
                assert body is not None, f"{found.key} names {part.key}, which is not there"
                rows += [(record["n"], record["v"]) for record in json.loads(gzip.decompress(body))]
        return sorted(rows)

    def _numbers(self, start_ms: int, end_ms: int, every: int) -> range:
        first = -(-start_ms // SLOT_MS)
        return range(first + -first % every, -(-end_ms // SLOT_MS), every)

    def _reply(self, request: ReceivedRequest) -> Reply:
        start_ms, end_ms = int(request.params["start"]), int(request.params["end"])
        return Reply(body=json.dumps([
            {"n": number, "v": self.amount, "t": number * SLOT_MS}
            for number in self._numbers(start_ms, end_ms, self.every)
        ]).encode())  # fmt: skip


def _rows(table: pa.Table) -> Rows:
    return sorted(zip(table["number"].to_pylist(), table["amount"].to_pylist(), strict=True))


def numbers(rows: Sequence[tuple[int, int]]) -> list[int]:
    """The keys of *rows*."""
    return [number for number, _ in rows]
