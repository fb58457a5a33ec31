"""Every printed table lines its columns up."""

from __future__ import annotations

from include.ticklake.cli.table import format_row, format_table


def test_columns_are_as_wide_as_their_cells():
    """Numbers are aligned to the right; no line ends in spaces."""
    rows = [("feed", "rows", "note"), ("trades", "1,200", ""), ("a", "7", "x")]
    assert list(format_table(rows, numbers=[1])) == [
        "feed     rows  note",
        "trades  1,200",
        "a           7  x",
    ]


def test_a_row_of_one_text_spans_the_columns():
    """It does not widen any."""
    rows = [("id", "price"), "quarantined: price: not a number", ("1", "0.50")]
    assert list(format_table(rows)) == ["id  price", "quarantined: price: not a number", "1   0.50"]


def test_a_table_without_rows_has_no_lines():
    """Nor does it fail."""
    assert list(format_table([])) == []


def test_a_row_has_the_widths_that_it_is_given():
    """For rows that are printed as they come; a longer cell moves the others."""
    assert format_row(("gap", "5", "x"), (5, -3, 0)) == "gap      5  x"
    assert format_row(("duplicate", "5", "x"), (5, -3, 0)) == "duplicate    5  x"
