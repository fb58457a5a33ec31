"""The sums of what has expired are a row of a table."""

from __future__ import annotations

from datetime import date

from include.ticklake.maintain.expired import HEADINGS, NUMBER_COLUMNS, ExpiredTotal


def test_a_row_has_a_cell_for_each_heading():
    """Counts with their thousands apart, at the right."""
    total = ExpiredTotal(
        feed="trades", area="json", before=date(2026, 11, 22), windows=24, objects=1_234, bytes=5
    )
    cells = dict(zip(HEADINGS, total.cells(), strict=True))
    assert cells == {
        "feed": "trades",
        "what": "json",
        "before": "2026-11-22",
        "windows": "24",
        "objects": "1,234",
        "bytes": "5",
    }
    assert [HEADINGS[column] for column in NUMBER_COLUMNS] == ["windows", "objects", "bytes"]
