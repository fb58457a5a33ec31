"""The catalog and the table of a feed; what a sync does to it is in ``tests/iceberg``."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.storage import Storage
from tests.support import lake_factory
from tests.support.lake_factory import BTC, DAY, FEED

iceberg = pytest.importorskip("include.ticklake.publish.iceberg", reason="no PyIceberg")


@pytest.mark.parametrize(
    ("setting", "root_uri"),
    [
        pytest.param("sqlite", "s3://bucket/lake", id="no folder for the file"),
        pytest.param("hive", "s3://bucket/lake", id="unknown"),
        pytest.param("https://", "s3://bucket/lake", id="no host"),
    ],
)
def test_a_setting_that_names_no_catalog_is_refused(setting, root_uri):
    """With those that do."""
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    storage = Storage.open(root_uri, keys)
    with pytest.raises(UsageError, match=r"https://\.\.\. \(REST\), glue or pyiceberg"):
        iceberg.catalog(setting, storage=storage, env={})


def test_a_sync_adds_each_file_once(tmp_path):
    """The second sync commits nothing."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), lake_factory.hour(3))
    days = [SliceDay(BTC, DAY.start.date())]
    with iceberg.catalog("sqlite", storage=storage, env={}) as catalog:
        first = iceberg.sync(FEED, days, storage=storage, catalog=catalog)
        again = iceberg.sync(FEED, days, storage=storage, catalog=catalog)
        rows = catalog.load_table((iceberg.NAMESPACE, FEED.name)).scan().to_arrow().num_rows
    assert (first.added_files, first.removed_files) == (1, 0)
    assert (again.added_files, again.removed_files) == (0, 0)
    assert again.snapshot_id == first.snapshot_id
    assert (
        rows == lake_factory.of_hour(lake_factory.day_of_trades(300), lake_factory.hour(3)).num_rows
    )
