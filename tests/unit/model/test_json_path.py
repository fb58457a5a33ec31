"""The value at a path of a record is found, whatever else the record holds."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given

from include.ticklake.model import json_path
from tests.support.json_texts import VALUES

HALF = rb'"\ud83d"'


@pytest.mark.parametrize(
    ("path", "record", "text"),
    [
        pytest.param("a", b'{"a":1}', b"1", id="a number"),
        pytest.param("a", b'{"a":null}', b"null", id="null is a value"),
        pytest.param("a.b", b'{"x":[{}],"a":{"b":[1, 2]}}', b"[1, 2]", id="nested, to the byte"),
        pytest.param("a", b'{"a":1,"a":2}', b"2", id="the last of two"),
        pytest.param("a", rb'{"\u0061":1}', b"1", id="an escaped name"),
        pytest.param("a", b'{"s":%b,"a":1}' % HALF, b"1", id="half of a pair beside it"),
        pytest.param("a.b", b'{"a":{"b":%b}}' % HALF, HALF, id="half of a pair inside it"),
        pytest.param("a", b"{}", None, id="missing"),
        pytest.param("a.b", b'{"a":null}', None, id="null on the way"),
        pytest.param("a.b", b'{"a":5}', None, id="a number on the way"),
        pytest.param("a", b"[1]", None, id="an array"),
        pytest.param("a", b'{"a":', None, id="not JSON"),
    ],
)
def test_the_text_at_a_path(path, record, text):
    """To the byte; None where there is none."""
    value = json_path.finder(path.split("."))(record)
    assert (None if value is None else bytes(value)) == text


@pytest.mark.parametrize(("text", "value"), [("1", 1), ('"1"', "1"), ("1.5", None), ("[]", None)])
def test_a_value_of_another_kind_is_none(text, value):
    """Kinds are those of ``msgspec``, and nothing is converted."""
    find = json_path.finder(["a", "b"], int | str | None)
    assert find(b'{"a":{"b":%b}}' % text.encode()) == value


@given(value=VALUES, other=VALUES)
def test_any_value_comes_as_it_stands(value, other):
    """Whatever the value, and whatever stands beside it."""
    record = f'{{"x":{other},"a":{{"b":{value}}},"y":{other}}}'.encode()
    try:
        json.loads(record)
    except (ValueError, RecursionError):
        return
    found = json_path.finder(["a", "b"])(record)
    assert found is None or bytes(found) == value.encode()


def test_many_records_are_decoded_at_once():
    """The type can stand in another: a list of records."""
    path = ["a", "b"]
    records = msgspec.json.decode(
        b'[{"a":{"b":1}},{},{"a":{"b":[2]}}]', type=list[json_path.type_with(path)]
    )
    values = [json_path.value_in(record, path) for record in records]
    assert [None if value is None else bytes(value) for value in values] == [b"1", None, b"[2]"]
