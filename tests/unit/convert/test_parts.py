"""The records of all parts arrive in the order of time, or an error names the part."""

from __future__ import annotations

import gzip

import pytest

from include.ticklake.errors import (
    CorruptPartError,
)
from include.ticklake.lake.storage import Storage
from tests.support.converted_lake import (
    FEED,
    converted,
    expected_row,
    objects,
    stored_rows,
)
from tests.support.staged_factory import WINDOW, feed, record, stage


@pytest.fixture
def disk(tmp_path) -> Storage:
    """A lake on disk: for what does not depend on the storage."""
    return Storage.open(f"file://{tmp_path}/lake", {})


def test_a_source_that_sends_the_newest_first_comes_out_in_order(disk):
    """Parts and records are turned round; of one instant, the last that was sent comes first."""
    newest_first = feed(order="descending")
    times = [WINDOW.start_ms + n // 3 * 7 for n in range(2000)]
    records = [record(n, at_ms=at) for n, at in enumerate(times)]
    sent = records[::-1]
    staged_manifest = stage(newest_first, [sent[:700], sent[700:1500], sent[1500:]], storage=disk)
    section = converted(staged_manifest, disk, described=newest_first).manifest.parquet
    assert section is not None
    assert section.sorted
    assert stored_rows(disk) == [expected_row(text) for text in records]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: body[:-20], id="cut"),
        pytest.param(lambda body: body[:50] + b"\0" + body[51:], id="changed"),
        pytest.param(lambda body: body[:0], id="empty"),
        pytest.param(lambda body: gzip.compress(gzip.decompress(body)), id="packed again"),
    ],
)
def test_a_part_that_was_changed_commits_nothing(disk, damage):
    """The error names the part; the old Parquet stays."""
    converted(stage(FEED, [[record(n) for n in range(500)]], storage=disk), disk)
    staged_manifest = stage(FEED, [[record(n)] for n in range(3)], storage=disk)
    key = staged_manifest.json.parts[1].key
    disk.put(key, damage(disk.read(key) or b""))
    before = objects(disk)
    with pytest.raises(CorruptPartError, match=key):
        converted(staged_manifest, disk)
    assert objects(disk) == before
