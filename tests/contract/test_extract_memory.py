"""Extraction holds one record: its memory is the same for a page of any size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ticklake.model.sizes import MIB
from tests.support.cli_process import CommandResult, environment, run
from tests.support.servers.http import HttpServer

pytestmark = pytest.mark.memory

SOURCE = '{kind: http, base_url: "https://api.example.com", path: /rows}'
FEED = """\
source: %s
fields:
  id: {from: a, type: int64, key: true}
  price: {from: p, type: "decimal(18,8)"}
  at: {from: T, type: timestamp, unit: ms, event_time: true}
"""
ROW = (
    b'{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1795323600153,"m":true}'
)


def page(rows: int) -> Iterator[bytes]:
    yield b"[" + ROW
    block = (b"," + ROW) * 999
    for _ in range(rows // 1_000 - 1):
        yield block + b"," + ROW
    yield block + b"]"


def extracted(
    rows: int,
    server: HttpServer,
    folder: Path,
    *,
    source: str = SOURCE,
    body: Iterator[bytes] | None = None,
) -> CommandResult:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds" / "rows.yaml").write_text(FEED % source)
    server.answer("/rows", body or page(rows))
    ended = run(
        "extract", "rows", "--start", "2026-11-22T05:00", "--end", "2026-11-22T06:00",
        "--root", f"file://{folder}/lake-{rows}", "--base-url", server.url,
        env=environment(TICKLAKE_FEEDS=str(folder / "feeds")),
    )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    assert json.loads(ended.out)["rows"] == rows
    return ended


def test_the_peak_for_a_million_records_is_that_for_a_thousand(http_server, tmp_path):
    """Extraction holds one block, at most the largest record: its peak memory is the same
    for a page of any size.

    Within 4 MB, and below 64 MB in all: most of that is libraries, without Arrow.
    """
    few = extracted(1_000, http_server, tmp_path)
    many = extracted(1_000_000, http_server, tmp_path)
    assert many.peak_bytes - few.peak_bytes < 4 * MIB
    again = extracted(1_000_000, http_server, tmp_path)  # is compared with what is there
    assert max(many.peak_bytes, again.peak_bytes) < 64 * MIB


FORMS = {
    "a map": (
        '{kind: http, base_url: "https://api.example.com", path: /rows, records: data.*, '
        "shape: object, key_as: name}",
        lambda rows: map_page(rows),
    ),
    "parallel arrays": (
        '{kind: http, base_url: "https://api.example.com", path: /rows, records: data, '
        "shape: columns}",
        lambda rows: columns_page(rows),
    ),
}


def map_page(rows: int) -> Iterator[bytes]:
    yield b'{"data":{"at":1'
    for first in range(0, rows, 1_000):
        yield b"".join(b',"name-%d":%b' % (n, ROW) for n in range(first, first + 1_000))
    yield b"}}"


def columns_page(rows: int) -> Iterator[bytes]:
    yield b'{"data":{"ok":true'
    for name, value in json.loads(ROW).items():
        values = b",".join([json.dumps(value).encode()] * 1_000)
        yield b',"%b":[%b' % (name.encode(), values)
        for _ in range(rows // 1_000 - 1):
            yield b"," + values
        yield b"]"
    yield b"}}"


@pytest.mark.parametrize("form", FORMS)
def test_the_peak_for_many_entries_in_other_forms_is_that_for_a_thousand(
    http_server, tmp_path, form
):
    """Extraction holds one block, at most the largest record: also of a map or parallel arrays."""
    source, body = FORMS[form]
    few, many = (
        extracted(rows, http_server, tmp_path, source=source, body=body(rows))
        for rows in (1_000, 200_000)
    )
    assert many.peak_bytes - few.peak_bytes < 6 * MIB
    assert many.peak_bytes < 64 * MIB
