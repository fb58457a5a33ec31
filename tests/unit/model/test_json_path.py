"""The value at a path of a record is found, whatever else the record holds."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model import json_path
from tests.support.json_texts import VALUES, exact

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
        pytest.param("a.1", b'{"a":[1,[2, 3]]}', b"[2, 3]", id="an element"),
        pytest.param("a.0.1", b'{"a":[["1.10", "2"], []]}', b'"2"', id="an element of an element"),
        pytest.param("a.0.b", b'{"a":[{"b":5}]}', b"5", id="a name in an element"),
        pytest.param("a.0", b'{"a":{"0":5}}', b"5", id="a number as a name"),
        pytest.param("a.0.1", b'{"a":[{"1":5}]}', b"5", id="a number as a name in an element"),
        pytest.param("0", b'{"0":5}', b"5", id="a number as the first name"),
        pytest.param("a.1", b'{"a":[1]}', None, id="no such element"),
        pytest.param("a.0", b'{"a":[]}', None, id="no element"),
        pytest.param("a.01", b'{"a":[1,2]}', None, id="a name that is no position"),
        pytest.param("a.0", b'{"a":"[1]"}', None, id="a text that looks like an array"),
        pytest.param(
            "a.1.b", b'{"a":[0,{"b":%b}]}' % HALF, HALF, id="half of a pair in an element"
        ),
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


def test_an_element_is_read_as_the_kind_that_is_asked_for():
    """None for another one."""
    find = json_path.finder(["a", "1"], int | None)
    assert find(b'{"a":["x",12345678901234567890]}') == 12345678901234567890
    assert find(b'{"a":[5,"x"]}') is None


@given(value=VALUES, path=st.lists(st.sampled_from(["0", "1", "a", "b"]), max_size=4))
def test_any_path_into_any_value_finds_what_its_steps_find(value, path):
    """One step after the other through the decoded value."""
    expected = exact(value)
    for name in path:
        expected = json_path.step(expected, name)
    found = json_path.finder(["x", *path])(f'{{"x":{value}}}'.encode())
    assert (None if found is None else exact(bytes(found))) == expected


def test_a_path_of_many_positions_is_no_work():
    """Each step is prepared once."""
    path = ["a", *["0"] * 200]
    assert bytes(json_path.finder(path)(b'{"a":%b1%b}' % (b"[" * 200, b"]" * 200))) == b"1"
