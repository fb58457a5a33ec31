"""Whatever a source sends comes out of the Parquet with every digit, or lies in the quarantine.

A case is an answer with some records in it: staged as JSON, converted to Parquet, read back.
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

from include.ticklake.cap.budgets import sizes
from include.ticklake.conversion.convert import convert
from include.ticklake.extraction.extract import extract
from include.ticklake.settings import MIB
from include.ticklake.sources import source
from include.ticklake.sources.patience import Patience
from include.ticklake.storage import Storage
from tests import one_page
from tests.raw_server import RawServer
from tests.staged import WORK
from tests.wire_records import FEED, PAGES, Case, one_line

BUDGETS = replace(sizes(128 * MIB), block_bytes=200, workers=1)
ONCE = Patience(attempts=1)


CASES = 10_000 if os.environ.get("TICKLAKE_REQUIRE_PARTS") == "1" else 500
"""How many pages are made up: all of them in CI, fewer where somebody waits for it."""


@pytest.fixture
def storage() -> Iterator[Storage]:
    """In memory where there is a disk in memory: it is written a hundred thousand times."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Storage.open(f"file://{folder}/lake", {})


def test_every_value_comes_back_or_its_record_is_in_the_quarantine(storage, monkeypatch, tell):
    """Any-size integers, all digits, all letters, nested values, in any spelling and order."""
    monkeypatch.setitem(source.SOURCES, "http", one_page.NAME)
    seen: Counter[str] = Counter()

    @settings(max_examples=CASES, database=None)
    @given(page=PAGES, chunk_bytes=st.integers(1, 200))
    def holds(page: list[Case], chunk_bytes: int) -> None:
        body = answer(page)
        one_page.answer[:] = [body[n : n + chunk_bytes] for n in range(0, len(body), chunk_bytes)]
        check(page, storage=storage)
        seen.update(pages=1, records=len(page), rows=sum(case.row is not None for case in page))
        seen.update(refused=sum(bool(case.reasons) for case in page))

    holds()
    assert seen["pages"] >= CASES
    tell(f"wire to Parquet: {', '.join(f'{count:,} {what}' for what, count in seen.items())}")


def test_the_same_holds_over_http(storage):
    """A page is an answer of a server, as a source sends it."""
    with RawServer() as server:

        @settings(max_examples=CASES // 50)
        @given(page=PAGES)
        def holds(page: list[Case]) -> None:
            body = answer(page)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            server.pieces = (head.encode(), body)
            check(page, storage=storage, base_url=server.url)

        holds()


def check(page: list[Case], *, storage: Storage, base_url: str | None = None) -> None:
    """Stage and convert *page*; every record of it is where it must be, and nowhere else."""
    staged = extract(FEED, WORK, storage=storage, base_url=base_url, patience=ONCE).manifest
    account = convert(staged.key, feed=FEED, storage=storage, budgets=BUDGETS).manifest.parquet
    assert account is not None
    rows = _rows(storage, account.key)
    refused = _refused(storage, account.quarantine_key)
    for key in list(storage.list("")):
        storage.delete(key)

    assert staged.json.received_rows == len(page)
    assert staged.json.outside_rows == sum(case.outside for case in page)
    wanted = [case.row for case in page if case.row is not None]
    assert sorted(map(_shown, rows)) == sorted(map(_shown, wanted))
    bad = [case for case in page if case.reasons]
    assert [one["record"] for one in refused] == [one_line(case.text, case.text) for case in bad]
    for one, case in zip(refused, bad, strict=True):
        assert one["reason"] in case.reasons


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
        table = pq.ParquetFile(source).read()
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
