"""A small lake of one day of trades, as files that a test may damage, and commands on it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from include.ticklake.cli.main import main
from include.ticklake.lake import layout, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED

RANGE = ("--start", "2026-11-22", "--end", "2026-11-23")
DAY_MANIFEST = layout.day_manifest_key(FEED.name, BTC, DAY)
DAY_FILE = layout.parquet_key(FEED.name, BTC, DAY)
ROWS = 400


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str
    """Also what it logged."""


def run_command(*argv: str) -> Ended:
    """Run a command in this process; an exception that it does not put in words propagates."""
    out, err = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(err)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(argv)
    finally:
        logging.getLogger().removeHandler(handler)
    return Ended(code, out.getvalue(), err.getvalue())


class DayLake:
    """A copy of a lake, with the feed's file."""

    def __init__(self, original: Path, folder: Path, patch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        shutil.copytree(original, folder / "lake")
        self.storage = Storage.open(f"file://{folder}/lake", {})
        self._feeds = folder / "feeds"
        self._feeds.mkdir()
        self.describe()
        patch.setenv("TICKLAKE_FEEDS", str(self._feeds))

    def describe(self, **changes: object) -> None:
        """Write the feed's file, with *changes*."""
        described = FEED.model_dump(mode="json", by_alias=True, exclude_unset=True) | changes
        described.pop("name")
        (self._feeds / "trades.yaml").write_text(json.dumps(described))

    def run(self, command: str, *more: str) -> Ended:
        """Run *command* on the feed."""
        return run_command(command, "trades", *more, "--root", self.storage.root_uri)

    def findings(self) -> set[tuple[str, str, str]]:
        """Kind, window and repair of what an audit finds."""
        lines = self.run("audit", *RANGE, "--json").out.splitlines()
        found = [json.loads(line) for line in lines]
        return {(each["kind"], each["window"], each["repair"]) for each in found}

    def ids(self, *, on_error: read.OnError = "raise") -> list[int]:
        """The ids that a reader sees."""
        found = read.table(FEED, storage=self.storage, columns=["agg_trade_id"], on_error=on_error)
        return list(found["agg_trade_id"].to_pylist())

    def objects(self) -> dict[str, bytes]:
        """Every object of the lake, but for the summary, which logs its runs."""
        keys = [key for key in self.storage.list("") if not key.startswith("summary/")]
        return {key: self.storage.read(key) or b"" for key in keys}


def build(folder: Path, *, is_compacted: bool) -> list[int]:
    """Write a lake of one day into *folder*, and return its ids."""
    storage = Storage.open(f"file://{folder}", {})
    table = lake_factory.day_of_trades(ROWS)
    lake_factory.ingest_day(storage, table)
    if is_compacted:
        compact.compact(FEED, BTC, DAY, storage=storage, budget=BUDGET)
    return list(table["a"].to_pylist())


def manifest_key(hour: int) -> str:
    """The key of the manifest of an hour."""
    return layout.manifest_key(FEED.name, BTC, lake_factory.hour(hour))
