"""Publishing commits to the Iceberg catalog that is switched on, and to none otherwise."""

from __future__ import annotations

import json

import pytest

from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.publish import publish
from include.ticklake.settings import Settings
from tests.iceberg.tables import again, folder, iceberg, rows, same, sync
from tests.support import lake_factory
from tools.servers.s3 import Bucket


def test_publishing_commits_only_where_it_is_switched_on(storage, table):
    """And says what it did, in numbers that JSON can carry."""
    works = [Unit(lake_factory.BTC, lake_factory.hour(3))]
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    off = publish.publish(lake_factory.FEED, works, storage=storage, settings=Settings(), env={})
    assert off == {"latest_slices": 1}
    assert list(storage.list("iceberg")) == []
    settings = Settings(iceberg="sqlite", latest_rows=0)
    on = publish.publish(lake_factory.FEED, works, storage=storage, settings=settings, env={})
    assert (on["iceberg_added"], on["iceberg_removed"]) == (1, 0)
    assert json.loads(json.dumps(on)) == on
    assert int(on["iceberg_snapshot"]) > 0


@pytest.mark.s3
def test_on_s3_the_table_lies_beside_the_lake_and_tells_no_key(s3: Bucket, tmp_path, table):
    """Data and metadata in the bucket; the catalog, in a file of its own, knows where."""
    storage = Storage.open(s3.root, s3.environment)
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    setting = f"sqlite:///{tmp_path}/catalog.db"
    catalog = iceberg.catalog(setting, storage=storage, env=s3.environment)
    sync(storage, catalog)
    again(storage, table, 3)
    assert sync(storage, catalog).removed_files == 1
    assert same(rows(catalog), folder(storage))
    catalog.close()
    told = [tmp_path / "catalog.db", *(path for path in s3.folder.rglob("*") if path.is_file())]
    assert len(told) > 6
    assert [path for path in told if s3.secret_key.encode() in path.read_bytes()] == []
