"""The structure of a body is read in one pass: its arrays, and the values around them."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.scaffold.json_shape import JsonShape, read_shape, records_path


def shape(body: object) -> JsonShape:
    return read_shape(io.BytesIO(json.dumps(body).encode()))


def test_arrays_are_counted_and_scalars_kept():
    """Of the outermost arrays only; what is inside them belongs to a record."""
    read = shape({"n": 2, "meta": {"next": "x", "no": None}, "rows": [{"a": [{}, {}, {}]}, [1], 5]})
    assert read.arrays == {"rows": 2}
    assert read.siblings == {"n": 2, "meta.next": "x"}


@pytest.mark.parametrize(
    ("arrays", "path"),
    [
        pytest.param({"": 3}, "$", id="the whole body"),
        pytest.param({"small": 1, "data.list": 4}, "data.list", id="the largest"),
        pytest.param({"result.XXBTZUSD": 4}, "result.*", id="under an instrument's name"),
        pytest.param({"XXBTZUSD": 4}, "XXBTZUSD", id="an instrument at the root"),
    ],
)
def test_the_records_are_the_largest_array(arrays, path):
    """A name that differs from slice to slice is any name."""
    assert records_path(JsonShape(arrays=arrays), where="here") == path


def test_a_body_without_records_names_its_values():
    """But none of the values themselves."""
    with pytest.raises(SourceRefusedError, match=r"here: no array of records; .*: id, price;"):
        records_path(shape({"id": 1, "price": 2, "rows": []}), where="here")


def test_a_body_that_is_not_json_is_refused():
    """As one that ended early."""
    with pytest.raises(MalformedPageError, match="not JSON, or ended early"):
        read_shape(io.BytesIO(b'[{"a": 1}, {'))
