"""The form of records says which values of a body are in them."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.scaffold.json_shape import read_shape
from include.ticklake.scaffold.record_form import RecordForm, path_text

BODY = {
    "a": {"rows": [{"x": 1}], "n": 1, "m": {"y": 2}, "k": {"y": 3}, "t": [1, 2]},
    "z": 5,
}


@pytest.mark.parametrize(
    ("form", "paths"),
    [
        pytest.param(RecordForm(records="a.rows"), {"a.rows"}, id="array"),
        pytest.param(RecordForm(records="a.*"), {"a.rows", "a.t"}, id="arrays by name"),
        pytest.param(
            RecordForm(records="a", shape="object"),
            {"a", "a.rows", "a.n", "a.m", "a.m.y", "a.k", "a.k.y", "a.t"}, id="object",
        ),
        pytest.param(
            RecordForm(records="a.*", shape="object"), {"a.m", "a.m.y", "a.k", "a.k.y"}, id="map"
        ),
        pytest.param(
            RecordForm(records="a", shape="columns", columns=["t"]), {"a.t"}, id="columns"
        ),
        pytest.param(RecordForm(records="a.rows.item.x"), {"a.rows"}, id="batches"),
    ],
)  # fmt: skip
def test_values_in_the_records_are_known(form, paths):
    """All others are around them."""
    root = read_shape(io.BytesIO(json.dumps(BODY).encode()))
    assert {path_text(node.path) for node in root.walk() if form.reads(node)} == paths


def test_only_options_that_differ_from_the_defaults_are_written():
    """A feed of an array needs the path alone."""
    assert RecordForm(records="$").options() == {}
    form = RecordForm(records="*", shape="object", key_as="symbol", columns=["value", "more?"])
    assert form.options() == {
        "shape": "object", "key_as": "symbol", "columns": ["value", "more?"]
    }  # fmt: skip
    assert form.column_names == ["value", "more"]
    assert (form.is_map, form.is_one_object, form.path) == (True, False, ["*"])
