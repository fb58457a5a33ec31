"""The largest record is told as it grows, and not for each record."""

from __future__ import annotations

import pytest

from include.ticklake.convert.parse.largest_record import LargestRecordReporter


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        pytest.param([100], [100], id="the first one"),
        pytest.param([100, 100, 80], [100], id="none is larger"),
        pytest.param([100, 125, 126], [100, 126], id="a quarter larger"),
        pytest.param([0], [], id="nothing"),
        pytest.param(list(range(1, 10_001)), None, id="one byte more each time"),
    ],
)
def test_a_record_is_told_when_it_is_a_quarter_larger(sizes, told):
    """However many records there are, a few lines tell the largest."""
    heard = []
    largest = LargestRecordReporter(heard.append)
    for number, size_bytes in enumerate(sizes):
        largest.observe(size_bytes, part="json/x.json.gz", offset=number)
    found = [one["largest_record_bytes"] for one in heard]
    assert found == told or (told is None and len(found) < 50 and found[-1] > 8_000)
    places = {one["largest_record_at"] for one in heard}
    assert places == {f"byte {sizes.index(size)} of json/x.json.gz" for size in found}


def test_where_nobody_listens_nothing_is_news():
    """A conversion that is not a step of its own has nobody to tell."""
    assert not LargestRecordReporter().should_report(10**9)
    LargestRecordReporter().observe(10**9, part="json/x.json.gz", offset=0)
