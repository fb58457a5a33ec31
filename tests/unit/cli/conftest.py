"""A small lake for commands that maintain one."""

from __future__ import annotations

import json

import pytest

from include.ticklake.lake.storage import Storage
from tests.support import lake_factory


@pytest.fixture
def lake(tmp_path, monkeypatch) -> Storage:
    """A lake with one hour of the feed ``trades``, whose JSON is kept for 30 days."""
    feed = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    feed.pop("name")
    (tmp_path / "feeds").mkdir()
    text = json.dumps(feed | {"retention": {"json": "30d"}})
    (tmp_path / "feeds" / "trades.yaml").write_text(text)
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", storage.root_uri)
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), lake_factory.hour(3))
    return storage
