"""The rows of a day are those of all its units together."""

from __future__ import annotations

from include.ticklake.maintain.day_rows import DayRows
from include.ticklake.model.window import Window
from tests.support.lake_factory import DAY, hour

NEXT = Window(DAY.end, DAY.end + (DAY.end - DAY.start))


def test_a_day_without_any_row_is_empty():
    """One row in any hour, of any slice, is enough."""
    rows = DayRows()
    for number in range(24):
        rows.add(hour(number), rows=0)
        rows.add(hour(number, NEXT), rows=int(number == 7))
    assert list(rows.empty()) == [(DAY, 24)]


def test_slices_that_were_counted_elsewhere_are_added():
    """As plain JSON."""
    rows, others = DayRows(), DayRows()
    rows.add(hour(1), rows=0)
    rows.add(NEXT, rows=0)
    others.add(hour(1), rows=0)
    others.add(NEXT, rows=5)
    assert others.as_dict() == {DAY.name: [1, 0], NEXT.name: [1, 5]}
    rows.add_all(others.as_dict())
    assert list(rows.empty()) == [(DAY, 2)]


def test_days_without_units_are_not_empty():
    """Nothing is known of them."""
    assert list(DayRows().empty()) == []
