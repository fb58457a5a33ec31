"""The types and the files of a feed's Iceberg table."""

from __future__ import annotations

from datetime import date

import pytest

from include.ticklake.lake import layout
from include.ticklake.lake.files import LakeFile
from include.ticklake.lake.layout import SliceDay
from tests.support import lake_factory, staged_factory
from tests.support.lake_factory import BTC, FEED

iceberg_files = pytest.importorskip("include.ticklake.publish.iceberg_files", reason="no PyIceberg")

PARQUET = layout.parquet_key(FEED.name, BTC, lake_factory.hour(3))


def lake_file(sha256: str = "ab") -> LakeFile:
    day = SliceDay(BTC, date(2026, 11, 22))
    return LakeFile(slice_day=day, key=PARQUET, sha256=sha256, rows=3)


def test_every_type_of_the_lake_has_one_in_the_table():
    """Exactly: what Iceberg has no type for is text or a number."""
    fields = {
        "id": {"type": "int64", "key": True},
        "price": {"type": "decimal(38,10)"},
        "wide": {"type": "decimal(76,38)"},
        "name": {"type": "string"},
        "flag": {"type": "bool"},
        "at": {"type": "timestamp", "unit": "ns", "event_time": True},
        "seen": {"type": "timestamp", "unit": "ms"},
    }
    types = iceberg_files.table_types(staged_factory.feed(fields))
    assert {name: str(type_) for name, type_ in types.items()} == {
        "id": "long",
        "price": "decimal(38, 10)",
        "wide": "string",
        "name": "string",
        "flag": "boolean",
        "at": "long",
        "seen": "timestamptz",
        "symbol": "string",
        "date": "date",
    }


def test_a_file_s_key_follows_from_what_it_is_made_of():
    """Another content, or other columns, are another file: Iceberg's files never change."""
    key = iceberg_files.table_key(FEED, lake_file())
    assert key == iceberg_files.table_key(FEED, lake_file())
    assert key.startswith(f"iceberg/trades/data/date=2026-11-22/{lake_factory.hour(3).name}-")
    fewer = {name: field for name, field in FEED.fields.items() if name != "price"}
    other = FEED.model_copy(update={"fields": fewer})
    assert key != iceberg_files.table_key(FEED, lake_file(sha256="cd"))
    assert key != iceberg_files.table_key(other, lake_file())


def test_a_partition_is_the_slice_and_the_day():
    """In days since 1970, as Iceberg stores dates."""
    record = iceberg_files.partition(SliceDay(BTC, date(1970, 1, 3)))
    assert [record[0], record[1]] == ["BTCUSDT", 2]
