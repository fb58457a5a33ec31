"""Extraction holds one block: its memory is the same for pages of any size and number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ticklake.model.sizes import MIB
from tests.support.cli_process import CommandResult, environment, run
from tests.support.servers.http import Answer, HttpServer, ReceivedRequest, Reply

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
    answers: bool = False,
) -> CommandResult:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "feeds" / "rows.yaml").write_text(FEED % source)
    if not answers:
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
    for pages of any size and number.

    Within 4 MB, and below 64 MB in all: most of that is libraries, without Arrow.
    """
    few = extracted(1_000, http_server, tmp_path)
    many = extracted(1_000_000, http_server, tmp_path)
    assert many.peak_bytes - few.peak_bytes < 4 * MIB
    again = extracted(1_000_000, http_server, tmp_path)  # is compared with what is there
    assert max(many.peak_bytes, again.peak_bytes) < 64 * MIB


BY_INDEX = {
    "page": "{kind: page, page_rows: 300}",
    "offset": "{kind: offset, param: offset, page_rows: 300}",
    "cursor": "{kind: cursor, param: cursor, cursor: next}",
    "id_forward": (
        "{kind: id_forward, param: from_id, field: a, first_params: {from: '{start_ms}'}}"
    ),
    "time_forward": "{kind: time_forward, start_param: from, end_param: to, unit: ms}",
    "time_backward": "{kind: time_backward, end_param: to, unit: ms, end: exclusive}",
}
START_MS = 1795323600000
ROWS_A_PAGE = 300


def numbered(first: int, last: int, *, newest_first: bool = False) -> bytes:
    """Rows *first* to *last*, one a millisecond, and the cursor of what follows."""
    rows = [
        b'{"a":%d,"p":"0.5","T":%d,"text":"%b"}' % (n, START_MS + n, b"x" * 60)
        for n in range(max(first, 0), last)
    ]
    following = b'"%d"' % last if last > first else b"null"
    data = b",".join(reversed(rows) if newest_first else rows)
    return b'{"next":%b,"data":[%b]}' % (following, data)


def answer_by_index(kind: str, rows: int) -> Answer:
    """A source of *rows* in pages, asked as *kind* asks."""

    def answer(request: ReceivedRequest) -> Reply:
        value = {name: int(text) for name, text in request.params.items()}
        if kind == "time_backward":
            last = min(value["to"] - START_MS, rows)
            return Reply(body=numbered(last - ROWS_A_PAGE, last, newest_first=True))
        first = {
            "page": (value.get("page", 1) - 1) * ROWS_A_PAGE,
            "offset": value.get("offset", 0),
            "cursor": value.get("cursor", 0),
            "id_forward": value.get("from_id", 0),
            "time_forward": value.get("from", START_MS) - START_MS,
        }[kind]
        return Reply(body=numbered(first, min(first + ROWS_A_PAGE, rows)))

    return answer


@pytest.mark.parametrize("kind", BY_INDEX)
def test_the_peak_for_five_hundred_pages_is_that_for_twenty(http_server, tmp_path, kind):
    """Extraction holds one block, at most the largest record: its peak memory is the same
    for pages of any size and number.

    A page of 30 kB that kept the one before it would show.
    """
    order = "descending" if kind == "time_backward" else "ascending"
    captured = "capture: {next: next}, " if kind == "cursor" else ""
    source = (
        '{kind: http, base_url: "https://api.example.com", path: /rows, records: data, '
        f"{captured}paging: {BY_INDEX[kind]}}}\norder: {order}"
    )
    peaks = []
    for pages in (20, 500):
        rows = pages * ROWS_A_PAGE
        http_server.answer_by("/rows", answer_by_index(kind, rows))
        peaks.append(extracted(rows, http_server, tmp_path, source=source, answers=True).peak_bytes)
    assert peaks[1] - peaks[0] < 4 * MIB


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
