"""A zip of many trades is read with a block in memory: the peak is that of a zip of few."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ticklake.extract.target_windows import HELD_BYTES
from include.ticklake.model.sizes import MIB
from tests.support.cli_process import CommandResult, environment, run
from tests.support.file_feeds import DAY_MS
from tests.support.servers.http import HttpServer

pytestmark = pytest.mark.memory

MANY_ROWS = int(os.environ.get("TICKLAKE_TEST_ZIP_ROWS", "300000"))
INTO_ROWS = max(200_000, MANY_ROWS // 5)
BLOCK_ROWS = 10_000
FEED = """\
source:
  kind: files
  address: https://data.example.com/trades-{date}.zip
  columns: [id, price, quantity, first, last, time, maker, best]
window: 1d
fields:
  id: {type: int64, key: true}
  price: {type: "decimal(18,8)"}
  quantity: {type: "decimal(18,8)"}
  at: {from: time, type: timestamp, unit: us, event_time: true}
"""

TABLE = """\
source:
  {kind: http, base_url: "https://api.example.com", path: /trades, params: {start: "{start_ms}"}}
window: 15m
fields:
  id: {type: int64, key: true}
  price: {type: "decimal(18,8)"}
  quantity: {type: "decimal(18,8)"}
  at: {from: T, type: timestamp, unit: ms, event_time: true}
"""
INTO = (
    FEED.partition("fields:")[0]
    + """\
into: table
fields:
  at: {from: time, type: timestamp, unit: us}
"""
)


def trades(rows: int) -> Iterator[bytes]:
    """CSV as an exchange publishes it, a block at a time."""
    for first in range(0, rows, BLOCK_ROWS):
        yield b"".join(
            b"%d,67890.%08d,0.%08d,%d,%d,%d,True,True\n"
            % (n, n % 10**8, n * 7 % 10**8, n, n, DAY_MS * 1000 + n * 8_000 % 86_400_000_000)
            for n in range(first, min(first + BLOCK_ROWS, rows))
        )


def zipped(texts: Iterator[bytes]) -> Iterator[bytes]:
    """A zip of one file, made as it goes: its sizes come behind the data."""
    name, check, size, packed_size = b"trades.csv", 0, 0, 0
    packer = zlib.compressobj(1, wbits=-15)
    header = struct.pack("<HHHHHIIIHH", 20, 8, 8, 0, 33, 0, 0, 0, len(name), 0)
    yield b"PK\x03\x04" + header + name
    for text in texts:
        check, size = zlib.crc32(text, check), size + len(text)
        if packed := packer.compress(text):
            packed_size += len(packed)
            yield packed
    packed = packer.flush()
    packed_size += len(packed)
    yield packed + b"PK\x07\x08" + struct.pack("<III", check, packed_size, size)
    offset = 30 + len(name) + packed_size + 16
    entry = struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 8, 8, 0, 33, check, packed_size, size,
                        len(name), 0, 0, 0, 0, 0, 0)  # fmt: skip
    yield b"PK\x01\x02" + entry + name
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, 46 + len(name), offset, 0)
    yield b"PK\x05\x06" + end


def extracted(
    rows: int, server: HttpServer, folder: Path, *, described: str = FEED
) -> CommandResult:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds/trades.yaml").write_text(described)
    (folder / "feeds/table.yaml").write_text(TABLE)
    server.answer("/trades-2024-12-31.zip", zipped(trades(rows)))
    ended = run(
        "extract", "trades", "--start", "2024-12-31", "--end", "2025-01-01",
        "--root", f"file://{folder}/lake-{rows}", "--base-url", server.url,
        env=environment(TICKLAKE_FEEDS=str(folder / "feeds")), timeout_s=3_600,
    )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    assert sum(json.loads(line)["rows"] for line in ended.out.splitlines()) == rows
    return ended


def test_the_peak_for_a_large_zip_is_that_for_a_small_one(http_server, tmp_path, report_line):
    """Extraction holds one block, at most the largest record: its peak memory is the same for
    files of any size.

    Within 8 MB, and below 72 MB in all: most of that is libraries. ``TICKLAKE_TEST_ZIP_ROWS``
    sets another number of trades than 300,000.
    """
    few = extracted(20_000, http_server, tmp_path)
    many = extracted(MANY_ROWS, http_server, tmp_path)
    seconds = json.loads(many.out)["seconds"]
    report_line(
        f"zip of {MANY_ROWS:,} trades: {many.peak_bytes / MIB:.0f} MiB at the peak, "
        f"{few.peak_bytes / MIB:.0f} MiB for 20,000; {MANY_ROWS / seconds:,.0f} records/s"
    )
    assert many.peak_bytes - few.peak_bytes < 8 * MIB
    assert many.peak_bytes < 72 * MIB


def test_the_peak_is_the_same_where_the_trades_are_cut_in_windows_of_another_feed(
    http_server, tmp_path, report_line
):
    """A day of 96 windows with ``into``: what waits for the end of the file waits in the storage.

    Within what may wait in memory, which the few do not reach.
    """
    few = extracted(20_000, http_server, tmp_path, described=INTO)
    many = extracted(INTO_ROWS, http_server, tmp_path, described=INTO)
    report_line(
        f"{INTO_ROWS:,} trades into 96 windows: {many.peak_bytes / MIB:.0f} MiB at the peak, "
        f"{few.peak_bytes / MIB:.0f} MiB for 20,000"
    )
    assert many.peak_bytes - few.peak_bytes < HELD_BYTES + 4 * MIB
    assert many.peak_bytes < 76 * MIB
