"""A feed ``rows``, its lake and a server, used from the command line."""

from __future__ import annotations

import gzip
import json
import shlex
from pathlib import Path
from typing import Any

import yaml

from include.ticklake.cli.main import main
from include.ticklake.feed import loader
from include.ticklake.lake import read
from include.ticklake.lake.storage import Storage
from tests.support.servers.http import HttpServer

HOUR = ("--start", "2026-11-22T05:00:00Z", "--end", "2026-11-22T06:00:00Z")
START_MS = 1_795_323_600_000
AT = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
FIELDS: dict[str, Any] = {
    "id": {"type": "int64", "key": True},
    "price": {"type": "decimal(18,8)"},
    "at": AT,
}


class RowsLake:
    """A feed ``rows``, its lake, and a server with its records."""

    def __init__(self, folder: Path, server: HttpServer) -> None:
        self._file = folder / "feeds" / "rows.yaml"
        self._file.parent.mkdir()
        self.server = server
        self.storage = Storage.open(f"file://{folder}/lake", {})
        self.describe()

    def describe(self, *, source: dict[str, Any] | None = None, **feed: Any) -> None:
        """Write the feed's file."""
        http = {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"}
        described = {"source": http | (source or {}), "fields": FIELDS} | feed
        self._file.write_text(yaml.safe_dump(described, sort_keys=False))

    def append(self, line: str) -> None:
        """Add *line* to the feed's file."""
        self._file.write_text(f"{self._file.read_text()}{line}\n")

    def send(self, *records: str) -> None:
        """Let the server send *records*, as they are written."""
        self.server.answer("/rows", f"[{','.join(records)}]".encode())

    def run(self, command: str, *more: str) -> int:
        """What *command* ends with."""
        fetches = command in ("extract", "retry-quarantine", "audit")
        url = ("--base-url", self.server.url) if fetches else ()
        return main([command, "rows", *more, "--root", self.storage.root_uri, *url])

    def run_line(self, line: str) -> int:
        """What the command *line* of a message ends with."""
        command, _, *more = shlex.split(line)
        return self.run(command, *more)

    def ingest(self, *hour: str) -> int:
        """Fetch the hour and convert it."""
        hour = hour or HOUR
        return self.run("extract", *hour) or self.run("rebuild", *hour)

    def column(self, name: str) -> list[Any]:
        """A column of the lake."""
        feed = loader.load("rows")
        return list(read.table(feed, storage=self.storage, columns=[name])[name].to_pylist())

    def staged(self) -> list[Any]:
        """The records of all parts, as a web page reads them."""
        parts = [self.storage.read(key) or b"" for key in self.storage.list("json")]
        return [row for part in parts for row in strict_json(gzip.decompress(part))]

    def quarantined(self) -> list[str]:
        """The reasons in the quarantine."""
        bodies = [self.storage.read(key) or b"" for key in self.storage.list("quarantine")]
        lines = [line for body in bodies for line in gzip.decompress(body).splitlines()]
        return [json.loads(line)["reason"] for line in lines]


def strict_json(text: bytes) -> Any:
    """JSON without Python's own literals."""

    def refuse(literal: str) -> Any:
        raise AssertionError(f"{literal} is not JSON")

    return json.loads(text, parse_constant=refuse)


def record(number: int, price: str, **more: Any) -> str:
    """A record with a price as the source writes it."""
    rest = "".join(f',"{name}":{json.dumps(value)}' for name, value in more.items())
    return f'{{"id":{number},"price":{price},"t":{START_MS + number}{rest}}}'
