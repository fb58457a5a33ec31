"""The first records show what the shape of a body does not: columns, headers, batches."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold.record_form import RecordForm
from include.ticklake.scaffold.sample_records import SAMPLE_ROWS, SampledPages, read_samples

ARRAY = RecordForm(records="$")


def sample(*bodies: object, form: RecordForm = ARRAY) -> SampledPages:
    files = [io.BytesIO(json.dumps(body).encode()) for body in bodies]
    return read_samples(files, form, limits=Limits())


@pytest.mark.parametrize(
    ("bodies", "options", "first"),
    [
        pytest.param([[{"a": 1}]], {}, {"a": 1}, id="objects"),
        pytest.param([[[1, 2], [3]]], {"columns": ["value_1", "value_2?"]},
                     {"value_1": 1, "value_2": 2}, id="arrays"),
        pytest.param([[[1]], [[1, 2]]], {"columns": ["value_1", "value_2?"]}, {"value_1": 1},
                     id="arrays of two pages"),
        pytest.param([["a", 1]], {"columns": ["value"]}, {"value": "a"}, id="plain values"),
        pytest.param([[["t", "p"], [1, "2"]]], {"columns": "first_row"}, {"t": 1, "p": "2"},
                     id="header row"),
        pytest.param([[["t", "p"], [1, "2"]], [["t", "p"], [2, "2"]]], {"columns": "first_row"},
                     {"t": 1, "p": "2"}, id="header rows"),
        pytest.param([[["t", "p"], ["u", "v"]]], {"columns": ["value_1", "value_2"]},
                     {"value_1": "t", "value_2": "p"}, id="texts all along"),
        pytest.param([[["t", "t"], [1, 2]]], {"columns": ["value_1", "value_2"]},
                     {"value_1": "t", "value_2": "t"}, id="no names"),
        pytest.param([[["2026-11-21", "-"], ["2026-11-22", "1"]]],
                     {"columns": ["value_1", "value_2"]},
                     {"value_1": "2026-11-21", "value_2": "-"}, id="a record of texts"),
        pytest.param([[["t", "p"], [1, 2, 3]]], {"columns": ["value_1", "value_2", "value_3?"]},
                     {"value_1": "t", "value_2": "p"}, id="names of another width"),
    ],
)  # fmt: skip
def test_values_get_names(bodies, options, first):
    """Of objects they have them."""
    found = sample(*bodies)
    assert (found.form.options(), found.rows[0]) == (options, first)


def test_records_inside_of_batches_are_found():
    """What the batch says is copied into each; a name of both says whose it is."""
    found = sample([{"id": 7, "n": 1, "data": [{"id": 1}, {"id": 2}]}])
    assert found.form.records == "item.data"
    assert found.form.add == {"batch_id": "item.id", "n": "item.n"}
    assert found.rows == [
        {"batch_id": 7, "n": 1, "id": 1}, {"batch_id": 7, "n": 1, "id": 2}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param([{"id": 7, "data": []}, {"id": 8, "data": [{"x": 1}]}], id="an empty one"),
        pytest.param([{"id": 7, "data": [1, 2]}], id="plain values"),
        pytest.param([{"id": 7, "tags": [{"x": 1}]}], id="a list of another name"),
        pytest.param([{"data": [{"x": 1}], "list": [{"x": 1}]}], id="two lists"),
    ],
)
def test_lists_that_are_no_batches_stay_values(batches):
    """A batch without records would be lost."""
    assert sample(batches).form.records == "$"


def test_a_key_that_the_records_have_gets_another_name():
    """The name is in each record once."""
    form = RecordForm(records="*", shape="object", key_as="symbol")
    found = sample({"x": {"Symbol": 1}, "y": {"name": 1}}, form=form)
    assert found.form.key_as == "key"
    assert found.rows == [{"key": "x", "Symbol": 1}, {"key": "y", "name": 1}]


@pytest.mark.parametrize("body", [[{"a": 1}, [1]], [[1], 2], [{"a": 1}, 2]])
def test_a_mixture_is_refused(body):
    """No feed reads it."""
    with pytest.raises(SourceRefusedError, match="neither all objects nor all arrays"):
        sample(body)


@pytest.mark.parametrize("body", [[[]], [[], [1]], [[1], []]])
def test_an_empty_array_is_no_record(body):
    """And no mixture: the reason is another."""
    with pytest.raises(SourceRefusedError, match="an array among the records is empty"):
        sample(body)


def test_lines_of_arrays_are_refused():
    """As what they are: all are arrays."""
    form = RecordForm(records="$", format="ndjson")
    with pytest.raises(SourceRefusedError, match="a line of it is an array"):
        sample([1, 2], form=form)


def test_no_more_than_a_sample_is_held():
    """Whatever a page has."""
    assert len(sample([{"a": n} for n in range(SAMPLE_ROWS + 10)]).rows) == SAMPLE_ROWS
