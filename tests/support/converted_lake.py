"""A made-up feed converted in small blocks, and what its lake holds then."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from pyarrow import parquet as pq

from include.ticklake.convert.budget import Budget, budget_for
from include.ticklake.convert.convert import ConvertResult, convert
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.support.staged_factory import WINDOW, feed

FEED = feed()
SMALL_BUDGET = replace(budget_for(128 * MIB), block_bytes=2_000, row_group_rows=300, workers=1)
"""Sizes at which a few thousand records are many blocks and row groups."""

PARQUET_KEY = f"parquet/made_up/symbol=BTCUSDT/date=2026-11-22/{WINDOW.name}.parquet"
QUARANTINE_KEY = f"quarantine/made_up/symbol=BTCUSDT/date=2026-11-22/{WINDOW.name}.jsonl.gz"


def converted(
    manifest: Manifest, storage: Storage, *, described: Feed = FEED, budget: Budget = SMALL_BUDGET
) -> ConvertResult:
    """The result of converting what *manifest* names."""
    return convert(manifest.key, feed=described, storage=storage, budget=budget)


def stored_rows(storage: Storage, key: str = PARQUET_KEY) -> list[dict[str, Any]]:
    """Every row of the Parquet, times as integers."""
    with storage.open_file(key) as source:
        table = pq.ParquetFile(source).read()
    at = table.schema.get_field_index("at")
    return table.set_column(at, "at", table.column(at).cast("int64")).to_pylist()


def expected_row(text: str) -> dict[str, Any]:
    """The row of a good record."""
    record = json.loads(text)
    price = Decimal(record["p"]).quantize(Decimal("1e-8"))
    return {"number": record["n"], "price": price, "note": record["s"], "at": record["t"]}


def objects(storage: Storage) -> dict[str, bytes]:
    """Every object of the lake, but for what is staged."""
    return {
        key: storage.read(key) or b"" for key in storage.list("") if not key.startswith("json/")
    }
