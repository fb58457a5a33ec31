"""Files of a window, one after the other, in stretches; and what a missing one means."""

from __future__ import annotations

import hashlib

import pytest

from include.ticklake.errors import (
    MalformedPageError,
    NotThereYetError,
    SourceRefusedError,
)
from include.ticklake.model.slice import Slice
from include.ticklake.sources.files import pages as files_pages
from tests.support.file_feeds import DAY, NEXT_YEAR, ServedFile, csv, feed, rows_of, run
from tests.support.memory_storage import memory_storage

DAILY = "https://data.example.com/{date}.csv"
PATH = "/2024-12-31.csv"


def test_a_file_is_staged_as_it_is_written(http_server):
    """Its texts, and in its order."""
    http_server.answer(PATH, csv(3))
    storage = memory_storage()
    manifest = run(feed(DAILY), storage, base_url=http_server.url)
    assert [row["price"] for row in rows_of(manifest, storage)] == ["0.50", "1.50", "2.50"]
    assert (manifest.json.received_rows, manifest.json.rows) == (3, 3)
    assert manifest.json.page_bytes == len(csv(3))


def test_a_page_is_a_stretch_of_a_file(http_server, monkeypatch):
    """So that a long one is written part by part."""
    monkeypatch.setattr(files_pages, "STRETCH_BYTES", 64 * 1024)
    http_server.answer(PATH, csv(20_000))
    storage = memory_storage()
    described = feed(DAILY, part_bytes="128KiB")
    manifest = run(described, storage, base_url=http_server.url)
    assert manifest.json.pages > 5
    assert len(manifest.json.parts) > 2
    assert [row["id"] for row in rows_of(manifest, storage)] == [str(n) for n in range(20_000)]


def test_a_window_reads_each_of_its_files_once(http_server):
    """Here those of its hours; a missing one stops it."""
    served = {
        f"/2024-12-31T{hour:02}.csv": ServedFile(body=csv(2, first=2 * hour)) for hour in range(24)
    }
    for path, file in served.items():
        http_server.answer_by(path, file)
    storage = memory_storage()
    described = feed("https://data.example.com/{date}T{hour}.csv")
    manifest = run(described, storage, base_url=http_server.url)
    assert [row["id"] for row in rows_of(manifest, storage)] == [str(n) for n in range(48)]
    assert all(file.ranges == [""] for file in served.values())


def test_a_retry_begins_with_the_file_that_broke(http_server):
    """What is staged of the files before it stays."""
    described = feed("https://data.example.com/{date}T{hour}.csv", part_bytes="64KiB")
    files = [ServedFile(body=csv(4_000, first=4_000 * hour)) for hour in range(24)]
    files[20].breaks = [10]
    for hour, file in enumerate(files):
        http_server.answer_by(f"/2024-12-31T{hour:02}.csv", file)
    storage = memory_storage()
    with pytest.raises(MalformedPageError, match=r"20\.csv: ended early after byte 10"):
        run(described, storage, base_url=http_server.url, attempts=1)
    manifest = run(described, storage, base_url=http_server.url)
    assert [row["id"] for row in rows_of(manifest, storage)] == [str(n) for n in range(96_000)]
    assert [len(file.ranges) for file in files] == [1] * 20 + [2] + [1] * 3


def test_the_checksum_decides_before_anything_is_committed(http_server):
    """A wrong one leaves nothing."""
    body, storage = csv(3), memory_storage()
    described = feed(DAILY, source={"checksum": "{address}.CHECKSUM"})
    http_server.answer(PATH, body)
    http_server.answer(f"{PATH}.CHECKSUM", f"{'0' * 64}  2024-12-31.csv".encode())
    with pytest.raises(MalformedPageError, match=r"2024-12-31.csv: its sha256 is .* published"):
        run(described, storage, base_url=http_server.url)
    assert not [key for key in storage.list("") if key.startswith(("json/", "manifests/"))]
    right = hashlib.sha256(body).hexdigest()
    http_server.answer(f"{PATH}.CHECKSUM", f"{right}  2024-12-31.csv".encode())
    assert run(described, storage, base_url=http_server.url).json.rows == 3


def test_a_missing_checksum_is_no_empty_window(http_server):
    """The file is there."""
    described = feed(DAILY, source={"checksum": "{address}.CHECKSUM", "missing": "empty"})
    http_server.answer(PATH, csv(3))
    http_server.answer(f"{PATH}.CHECKSUM", b"", status=404)
    with pytest.raises(NotThereYetError, match=r"csv.CHECKSUM: not there yet"):
        run(described, memory_storage(), base_url=http_server.url, now_s=DAY.end.timestamp())
    with pytest.raises(SourceRefusedError, match=r"csv.CHECKSUM: HTTP 404"):
        run(described, memory_storage(), base_url=http_server.url, now_s=NEXT_YEAR)


def test_a_slice_is_in_the_address_as_the_source_writes_it(http_server):
    """Escaped, so that it is one folder."""
    described = feed(
        "https://data.example.com/{symbol}/{year}{month}{day}.csv",
        slices={"symbol": {"btc_usd": "BTC/USD"}},
    )
    http_server.answer("/BTC%2FUSD/20241231.csv", csv(1))
    symbol = Slice((("symbol", "btc_usd"),))
    assert run(described, memory_storage(), base_url=http_server.url, slice_=symbol).json.rows == 1
