"""What is read once for all units of a batch, and what they leave to each other."""

from __future__ import annotations

import pytest

from include.ticklake.extract.batch import ExtractBatch
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.stop_signal import StopWork
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.feed_texts import feed

UNIT = Unit(Slice(), Window.parse("20261122T050000Z-20261122T060000Z"))


@pytest.fixture
def batch(tmp_path):
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    with ExtractBatch(feed(), storage=storage) as opened:
        yield opened


def test_nobody_looks_for_a_checkpoint_of_a_feed_that_was_new(batch, tmp_path):
    """One of another feed with that name would be as old as the lake."""
    batch.record.check()
    folder = tmp_path / "lake/_incomplete/json/small/date=2026-11-22" / UNIT.window.name
    folder.mkdir(parents=True)
    (folder / "progress.json").write_bytes(b"{}")
    assert batch.load_or_start(UNIT, now_ms=1)[1] is False
    batch.record.create()
    later = ExtractBatch(feed(), storage=Storage.open(f"file://{tmp_path}/lake", {}))
    later.record.check()
    assert later.load_or_start(UNIT, now_ms=1)[1] is True


def test_a_wait_for_the_source_ends_with_the_batch(batch):
    """Its retries sleep until then only."""
    batch.stop.set()
    with pytest.raises(StopWork):
        batch.patience.sleep(60)
