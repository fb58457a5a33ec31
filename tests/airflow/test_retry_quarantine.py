"""A rebuild of quarantined windows only: what the page's "Retry" starts."""

from __future__ import annotations

import json

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ui.quarantine_view import retry_conf
from tests.support import lake_factory

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

NAME = "priced"
DESCRIBED = {
    "source": {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"},
    "fields": {
        "id": {"type": "int64", "key": True},
        "price": {"type": "decimal(18,8)"},
        "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
    },
    "limits": {"max_bad_share": 0.5},
}
LATER = "2026-11-29T00:00:00+00:00"


def stage(storage: Storage, feed: Feed, number: int, *prices: str) -> str:
    """Convert an hour of records with these prices; its manifest's key."""
    window = lake_factory.hour(number)
    lines = [
        json.dumps({"id": number * 100 + row, "price": price, "t": window.start_ms + row})
        for row, price in enumerate(prices)
    ]
    staged = lake_factory.stage(storage, lines, window=window, feed=feed, slice_=Slice())
    convert(staged.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)
    return staged.key


def test_a_rebuild_of_quarantined_windows_converts_those_and_no_others(airflow, tmp_path):
    """Without a range, all of them; records that fit now are in the lake."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    before = Feed.model_validate({"name": NAME, **DESCRIBED})
    good = stage(storage, before, 1, "1.5", "2.5")
    bad = [stage(storage, before, number, "n/a", "3.5") for number in (2, 5)]
    good_file = storage.version(manifest.read(good, storage=storage).parquet.key)
    assert read.table(before, storage=storage).num_rows == 4
    fixed = DESCRIBED | {"null_values": ["n/a"]}
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / f"{NAME}.yaml").write_text(json.dumps(fixed))

    ended = airflow(
        "dags", "test", "rebuild", LATER,
        "--conf", retry_conf(NAME),
        TICKLAKE_FEEDS=str(tmp_path / "feeds"), TICKLAKE_SHIPPED_FEEDS="none",
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout[-2_000:] + ended.stderr[-2_000:]
    after = Feed.model_validate({"name": NAME, **fixed})
    assert read.table(after, storage=storage).num_rows == 6
    sections = [manifest.read(key, storage=storage).parquet for key in bad]
    assert [section.quarantined_rows for section in sections] == [0, 0]
    assert list(storage.list("quarantine")) == []
    assert storage.version(manifest.read(good, storage=storage).parquet.key) == good_file
