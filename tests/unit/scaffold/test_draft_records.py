"""The lines about the records say where they are, why, and what is left out."""

from __future__ import annotations

from include.ticklake.scaffold.draft_records import record_lines
from include.ticklake.scaffold.record_form import FIRST_ROW, RecordForm


def test_the_options_of_a_form_are_lines():
    """With a reason for each that is a guess."""
    form = RecordForm(records="a.*", shape="object", key_as="symbol", add={"t": "ts"}, reason="map")
    assert [*record_lines(form)] == [
        "  records: a.*  # guess: map",
        "  shape: object",
        "  key_as: symbol",
        "  add: {t: ts}  # guess: beside the records, and copied into each",
    ]


def test_names_of_a_first_row_are_known():
    """Those of other arrays are not."""
    first_row = RecordForm(records="$", columns=FIRST_ROW)
    assert [*record_lines(first_row)][1:] == ["  columns: first_row"]
    named = [*record_lines(RecordForm(records="$", columns=["value_1"]))][1]
    assert named == "  columns: [value_1]  # guess: only the number of values is known"


def test_many_paths_that_are_not_read_are_counted():
    """The line stays one that can be read."""
    line = [*record_lines(RecordForm(records="$"), not_read=[f"p{n}" for n in range(60)])][-1]
    assert line.startswith("  # not read, and outside of the records: p0, p1, ")
    assert line.endswith(", p49 and 10 more")
