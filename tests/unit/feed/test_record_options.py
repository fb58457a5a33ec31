"""The records of a page as a feed describes them: a mistake names its option and what to write."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.feed.record_options import RecordOptions
from tests.support.feed_files import VALID, mistakes


def options(**changes: object) -> RecordOptions:
    return RecordOptions.model_validate(changes)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("columns: [a, A]", "5: source.columns: 'a' and 'A' are equal or differ by "
                     "case only", id="columns by case"),
        pytest.param("columns: [a, a?]", "5: source.columns: 'a' and 'a' are equal or differ",
                     id="columns twice"),
        pytest.param("columns: [a?, b]", "5: source.columns: 'a?' is optional but 'b' "
                     "after it is not",
                     id="an optional column before others"),
        pytest.param("records: a..b", "5: source.records: 'a..b' is not a path",
                     id="an empty name in a path"),
        pytest.param("capture: {x: ''}", "5: source.capture.x: '' is not a path",
                     id="an empty path"),
        pytest.param("key_as: symbol", "5: source.key_as: needs a * in records, for whose name it "
                     "stands; write records: data.*", id="a key without a star"),
        pytest.param("records: data.*\n  key_as: a\n  columns: [a]", "6: source.key_as: "
                     "one of columns has this name; choose another",
                     id="a key with the name of a column"),
        pytest.param("shape: columns\n  records: a.*", "6: source.records: shape columns reads the "
                     "arrays of one object", id="columns of many objects"),
        pytest.param("shape: columns\n  columns: first_row", "6: source.columns: shape columns "
                     "takes the arrays' own names", id="columns with a first row"),
        pytest.param("columns: first", "5: source.columns: ", id="a word that is no option"),
        pytest.param("columns: []", "5: source.columns: ", id="no columns"),
        pytest.param("records: data\n  add: {ts: data.item.ts}", "6: source.add.ts: 'data.item.ts' "
                     "is not on the way to the records at 'data'", id="a value of other records"),
        pytest.param("records: data\n  shape: object\n  add: {ts: data.ts}", "7: source.add.ts: "
                     "'data.ts' is inside the record", id="a value in the record"),
        pytest.param("records: data\n  add: {ts: $.ts}", "6: source.add.ts: '$.ts' is not a path",
                     id="a path of others"),
        pytest.param("records: data\n  columns: [a]\n  add: {a: ts}", "7: source.add.a: key_as or "
                     "one of columns has this name", id="a value with the name of a column"),
        pytest.param("format: csv\n  shape: object", "source.shape: only JSON has values "
                     "outside of the records", id="a shape of text"),
        pytest.param("format: csv\n  columns: first_row", "source.columns: only JSON has values "
                     "outside of the records", id="a first row of text"),
        pytest.param("shape: map", "5: source.shape: 'map' is not one of array",
                     id="a shape that there is not"),
    ],
)  # fmt: skip
def test_mistakes_in_the_records_are_reported_with_their_option(tmp_path, source, message):
    """With the line of the file, and what to write instead."""
    lines = mistakes(tmp_path, VALID.replace("  path: /rows", f"  path: /rows\n  {source}"))
    assert any(line.startswith("small.yaml:") and message in line for line in lines), lines


def test_a_column_has_the_name_of_an_unnamed_one_at_its_place_only():
    """Otherwise one name would stand for two values."""
    assert options(columns=["a", "column_2?"]).columns == ["a", "column_2?"]
    with pytest.raises(ValidationError, match=r"'column_2' is the name that .* at place 3; choose"):
        options(columns=["a", "b", "column_2"])
