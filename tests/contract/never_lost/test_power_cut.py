"""Local commits are flushed: after a power cut, what was reported is there, and nothing is half."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from include.ticklake.feed import loader
from include.ticklake.lake import layout, manifest, read
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.storage import Storage
from tests.support import power_cut
from tests.support.rows_lake import START_MS, RowsLake

DAY = ("--start", "2026-11-22", "--end", "2026-11-23")
MORNING_MS = START_MS - 4 * 3_600_000
ROWS = 3


@pytest.fixture
def lake(tmp_path, http_server, monkeypatch) -> RowsLake:
    """A feed with two windows a day, and a source with three records in each."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    rows = RowsLake(tmp_path, http_server)
    rows.describe(window="12h")
    return rows


def record(number: int) -> str:
    """The record with this number, half of them in each window."""
    at_ms = MORNING_MS + number % ROWS * 1_000 + number // ROWS * 12 * 3_600_000
    return f'{{"id":{number},"price":1.5,"t":{at_ms}}}'


def ids(folder: Path) -> tuple[list[int], list[int]]:
    """What is staged, and what a reader of the manifests sees; all that they name is whole."""
    storage = Storage.open(f"file://{folder}/lake", {})
    staged: list[int] = []
    for key in storage.list("manifests/rows"):
        window = None if layout.is_day_manifest(key) else manifest.read(key, storage=storage)
        for part in window.json.parts if window else ():
            assert sha256_of_object(part.key, storage) == part.sha256
            body = gzip.decompress(storage.read(part.key) or b"")
            staged += [row["id"] for row in json.loads(body)]
    parquet = read.table(loader.load("rows"), storage=storage, columns=["id"])
    return sorted(staged), sorted(parquet["id"].to_pylist())


def test_what_was_reported_outlives_a_power_cut_at_any_moment(lake, tmp_path):
    """Of an extraction, a conversion and a compaction; before that, the old state or the new."""
    lake.send(*map(record, range(2 * ROWS)))
    disk = power_cut.Disk(tmp_path)
    root = ("--root", lake.storage.root_uri)
    commands = [
        ("extract", "rows", *DAY, *root, "--base-url", lake.server.url),
        ("rebuild", "rows", *DAY, *root),
        ("compact", "rows", *DAY, *root),
    ]
    staged, stored = [], []
    for command in commands:
        events = power_cut.run(command, folder=tmp_path, log=tmp_path / "log")
        folder = tmp_path / f"cuts of {command[0]}"
        folder.mkdir()
        for left, reported in power_cut.cuts(events, disk, folder):
            staged_then, stored_then = ids(left)
            rows = sum(json.loads(line)["rows"] for line in reported)
            assert set(staged) <= set(staged_then)
            assert set(stored) <= set(stored_then)
            assert rows <= len(staged_then if command[0] == "extract" else stored_then)
            assert len(stored_then) == len(set(stored_then))
        assert rows == 2 * ROWS  # it did report them, before the last moment
        staged, stored = staged_then, stored_then
    assert staged == stored == lake.column("id") == list(range(2 * ROWS))
