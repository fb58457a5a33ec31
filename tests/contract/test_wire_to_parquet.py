"""Whatever a source sends comes out of the Parquet with every digit, or lies in the quarantine.

A case is an answer with some records in it. Some answers make a window, which is staged as JSON,
converted to Parquet and read back.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.extract.extract import extract
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.sources import source
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support import canned_pages
from tests.support.servers.raw import RawServer
from tests.support.staged_factory import UNIT
from tests.support.wire_records import FEED, PAGES, Case, one_line

BUDGET = replace(budget_for(128 * MIB), block_bytes=400, workers=1)
ONCE = SourceRetryPolicy(max_attempts=1)


CASES = 10_000 if os.environ.get("TICKLAKE_REQUIRE_PARTS") == "1" else 400
"""How many answers are made up: all of them in CI, fewer where somebody waits for it."""

ANSWERS = 8
"""In a window: a window takes longer than an answer."""


@pytest.fixture
def storage() -> Iterator[Storage]:
    """In memory where there is a disk in memory: it is written a hundred thousand times."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Storage.open(f"file://{folder}/lake", {})


def test_every_value_comes_back_or_its_record_is_in_the_quarantine(
    storage, monkeypatch, report_line
):
    """Numbers are exact from the wire to Parquet: integers of any size, decimals with every digit.

    Any-size integers, all digits, all letters, nested values, in any spelling and order.
    """
    monkeypatch.setitem(source.SOURCES, "http", canned_pages.NAME)
    seen: Counter[str] = Counter()

    @settings(max_examples=CASES // ANSWERS, database=None)
    @given(
        pages=st.lists(PAGES, min_size=ANSWERS, max_size=ANSWERS),
        chunk_bytes=st.sampled_from([9, 50, 300, 5_000]),
    )
    def holds(pages: list[list[Case]], chunk_bytes: int) -> None:
        canned_pages.bodies[:] = [cut(answer(page), chunk_bytes) for page in pages]
        cases = [case for page in pages for case in page]
        check(cases, storage=storage)
        seen.update(windows=1, answers=len(pages), records=len(cases))
        seen.update(rows=sum(case.row is not None for case in cases))
        seen.update(refused=sum(bool(case.reasons) for case in cases))

    holds()
    assert seen["answers"] >= CASES
    report_line(
        f"wire to Parquet: {', '.join(f'{count:,} {what}' for what, count in seen.items())}"
    )


def test_the_same_holds_over_http(storage):
    """A page is an answer of a server, as a source sends it."""
    with RawServer() as server:

        @settings(max_examples=CASES // 50)
        @given(page=PAGES)
        def holds(page: list[Case]) -> None:
            body = answer(page)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            server.chunks = (head.encode(), body)
            check(page, storage=storage, base_url=server.url)

        holds()


def check(cases: list[Case], *, storage: Storage, base_url: str | None = None) -> None:
    """Stage and convert *cases*; every record of it is where it must be, and nowhere else."""
    staged = extract(FEED, UNIT, storage=storage, base_url=base_url, patience=ONCE).manifest
    account = convert(staged.key, feed=FEED, storage=storage, budget=BUDGET).manifest.parquet
    assert account is not None
    rows = _rows(storage, account.key)
    refused = _refused(storage, account.quarantine_key)
    for key in list(storage.list("")):
        storage.delete(key)

    assert staged.json.received_rows == len(cases)
    assert staged.json.out_of_window_rows == sum(case.outside for case in cases)
    wanted = [case.row for case in cases if case.row is not None]
    assert sorted(map(_shown, rows)) == sorted(map(_shown, wanted))
    bad = [case for case in cases if case.reasons]
    assert [one["record"] for one in refused] == [one_line(case.text, case.text) for case in bad]
    for one, case in zip(refused, bad, strict=True):
        assert one["reason"] in case.reasons


def cut(body: bytes, size_bytes: int) -> list[bytes]:
    """*body* in pieces."""
    return [body[n : n + size_bytes] for n in range(0, len(body), size_bytes)]


def answer(page: list[Case]) -> bytes:
    """The body of an answer with *page*."""
    return f"[{','.join(case.text for case in page)}]".encode()


def _shown(row: dict[str, Any]) -> str:
    """A row as text in which equal values are equal: to put rows in some order."""
    exact = {
        name: Fraction(value) if name in ("price", "wide") and value is not None else value
        for name, value in row.items()
    }
    return repr(exact)


def _rows(storage: Storage, key: str | None) -> list[dict[str, Any]]:
    if key is None:
        return []
    with storage.open_file(key) as source:
        table = pq.ParquetFile(source).read(use_threads=False)
    at = table.schema.get_field_index("at")
    rows: list[dict[str, Any]] = table.set_column(
        at, "at", table.column(at).cast("int64")
    ).to_pylist()
    return rows


def _refused(storage: Storage, key: str | None) -> list[dict[str, Any]]:
    if key is None:
        return []
    lines = gzip.decompress(storage.read(key) or b"").decode().split("\n")[:-1]
    return [json.loads(line) for line in lines]
