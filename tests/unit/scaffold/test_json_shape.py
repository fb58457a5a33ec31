"""The structure of a body is read in one pass: its arrays, and the values around them."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.errors import MalformedPageError
from include.ticklake.scaffold.json_shape import JsonNode, read_shape


def shape(body: object) -> JsonNode:
    return read_shape(io.BytesIO(json.dumps(body).encode()))


def test_arrays_are_counted_and_scalars_kept():
    """Of the outermost arrays only; what is inside them belongs to a record."""
    read = shape({"n": 2, "meta": {"next": "x", "no": None}, "rows": [{"a": [{}, {}]}, [1], 5]})
    assert {node.path: node.rows for node in read.walk() if node.kind == "array"} == {("rows",): 2}
    assert read.scalars() == {"n": 2, "meta.next": "x", "meta.no": None}
    assert (read.children["rows"].size, read.children["rows"].values) == (3, [5])


def test_a_large_map_is_counted_and_its_first_members_are_kept():
    """Memory does not grow with the body."""
    read = shape({f"c{number}": {"x": 1} for number in range(1_000)})
    assert (read.size, len(read.children)) == (1_000, 300)


def test_what_stands_behind_a_large_map_is_kept():
    """A value or an array after it is no member of the map: a draft must name it."""
    read = shape({**{f"c{n}": {"x": 1} for n in range(400)}, "ts": 5, "list": [1]})
    assert [*read.children][300:] == ["ts", "list"]


def test_messages_in_an_array_are_kept():
    """Of its own elements only, and not too many."""
    body = {"errors": [{"message": "no", "at": [{"msg": "x"}]}, {"Detail": 5}] + [{"msg": "y"}] * 9}
    assert shape(body).children["errors"].messages == ["no", 5, "y", "y", "y"]


def test_the_whole_body_may_be_an_array_or_a_value():
    """A name is then empty."""
    assert (shape([{}, {}]).rows, shape([{}]).name, shape(5).value) == (2, "", 5)


@pytest.mark.parametrize("body", [b'[{"a": 1}, {', b"<html>", b'{"a": NaN}', b'["\xff"]'])
def test_a_body_that_is_not_json_is_refused(body):
    """As one that ended early."""
    with pytest.raises(MalformedPageError, match="not JSON, or ended early"):
        read_shape(io.BytesIO(body))


def test_an_empty_body_and_an_endless_number_are_refused():
    """Over the latter ijson would crash the interpreter, wherever it is cut into blocks."""
    with pytest.raises(MalformedPageError, match="the body is empty"):
        read_shape(io.BytesIO(b""))
    for blanks in (0, 60_000, 65_000):
        with pytest.raises(MalformedPageError, match="a number of more than 4000 digits"):
            read_shape(io.BytesIO(b'{"n":' + blanks * b" " + 5_000 * b"1" + b"}"))
