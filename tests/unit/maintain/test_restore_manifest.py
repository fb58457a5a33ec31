"""A damaged manifest is made again from its parts, or from its Parquet; else nothing is changed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from include.ticklake.errors import DataError
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.restore_manifest import restore_manifest
from include.ticklake.model.unit import Unit
from tests.support import lake_factory
from tests.support.lake_factory import BTC, FEED

UNIT = Unit(BTC, lake_factory.hour(5))
KEY = layout.manifest_key(FEED.name, UNIT.slice, UNIT.window)


@pytest.fixture
def storage(tmp_path) -> Storage:
    """An hour of trades."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), UNIT.window)
    return storage


def test_a_manifest_that_is_not_damaged_is_left_as_it_is(storage):
    """Also where it was, when an audit looked."""
    before = {key: storage.read(key) for key in storage.list("")}
    assert restore_manifest(FEED, UNIT, storage=storage) == manifest.read(KEY, storage=storage)
    assert {key: storage.read(key) for key in storage.list("")} == before


def test_the_parts_say_what_was_staged(storage):
    """The account begins with them; the text of the damaged manifest is kept."""
    whole = manifest.read(KEY, storage=storage)
    assert whole is not None
    storage.put(KEY, b"damaged")
    restored = restore_manifest(FEED, UNIT, storage=storage)
    assert restored == manifest.read(KEY, storage=storage)
    assert restored is not None
    assert restored.json.parts == whole.json.parts
    assert [storage.read(key) for key in storage.list("reports")] == [b"damaged"]


def test_without_parts_the_parquet_says_what_is_in_it(storage):
    """And that its JSON was removed."""
    whole = manifest.read(KEY, storage=storage)
    assert whole is not None
    storage.delete(whole.json.parts[0].key)
    storage.put(KEY, b"")
    restored = restore_manifest(FEED, UNIT, storage=storage)
    assert restored is not None
    assert restored.json.removed
    section = restored.require_parquet()
    assert restored.is_current
    assert replace(section, parts_digest="") == replace(whole.require_parquet(), parts_digest="")


def test_where_the_parquet_cannot_be_read_either_nothing_is_changed(storage):
    """Somebody may have a backup."""
    whole = manifest.read(KEY, storage=storage)
    assert whole is not None
    storage.delete(whole.json.parts[0].key)
    storage.put(whole.require_parquet().key or "", b"PAR1")
    storage.put(KEY, b"")
    with pytest.raises(DataError, match="cannot be read"):
        restore_manifest(FEED, UNIT, storage=storage)
    assert storage.read(KEY) == b""


def test_a_unit_without_any_object_is_never_restored(storage):
    """There is nothing that it could be made of, and no manifest either."""
    other = Unit(BTC, lake_factory.hour(9))
    assert restore_manifest(FEED, other, storage=storage) is None
