"""Which units have a quarantine: by slice and range, whatever else is in the folder."""

from __future__ import annotations

import pytest

from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.quarantined_units import quarantined_units
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from tests.support.lake_factory import BTC, DAY, FEED, hour

ETH = Slice.of({"symbol": "ETHUSDT"})


@pytest.mark.parametrize(
    ("start", "end", "slices", "expected"),
    [
        pytest.param(DAY.start, DAY.end, [BTC, ETH], [(BTC, 2), (BTC, 3), (ETH, 3)], id="all"),
        pytest.param(DAY.start, DAY.end, [ETH], [(ETH, 3)], id="a slice"),
        pytest.param(hour(2).start, hour(2).end, [BTC, ETH], [(BTC, 2)], id="an hour"),
        pytest.param(hour(4).start, DAY.end, [BTC, ETH], [], id="none"),
    ],
)
def test_the_units_with_a_quarantine_are(tmp_path, start, end, slices, expected):
    """Those of the slices and the range; a stray object is passed over."""
    storage = Storage.open(f"file://{tmp_path}", {})
    for slice_, number in ((BTC, 2), (BTC, 3), (ETH, 3)):
        storage.put(layout.quarantine_key(FEED.name, slice_, hour(number)), b"")
    storage.put(f"quarantine/{FEED.name}/notes.txt", b"")
    units = quarantined_units(FEED, storage=storage, start=start, end=end, slices=slices)
    assert list(units) == [Unit(slice_, hour(number)) for slice_, number in expected]
