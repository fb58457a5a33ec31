"""Which records a feed wants: a value decides, however the source writes it; none keeps."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from include.ticklake.extract.record_filter import record_filter
from include.ticklake.model.record import Record
from tests.support.json_texts import SCALARS, VALUES


def is_wanted(record: str, **where: object) -> bool:
    wanted = record_filter({name: v if isinstance(v, list) else [v] for name, v in where.items()})
    assert wanted is not None
    return wanted(Record(record.encode()))


@pytest.mark.parametrize(
    ("value", "wanted", "found"),
    [
        pytest.param('"TRADING"', "TRADING", True, id="the text"),
        pytest.param('"Trading"', "TRADING", False, id="another case"),
        pytest.param(r'"TRADIN\u0047"', "TRADING", True, id="an escape"),
        pytest.param('"a"', ["b", "a"], True, id="one of a list"),
        pytest.param("1", 1, True, id="a number"),
        pytest.param("1.0", 1, True, id="another spelling of it"),
        pytest.param("1", "1", True, id="a number for a text"),
        pytest.param('"1"', 1, True, id="a text for a number"),
        pytest.param("0.1", 0.1, True, id="a fraction"),
        pytest.param("0.10000000000000000001", 0.1, False, id="a fraction that is nearly it"),
        pytest.param("true", True, True, id="true"),
        pytest.param('"True"', True, True, id="true as text"),
        pytest.param("1", True, True, id="true as a number"),
        pytest.param("false", True, False, id="false"),
        pytest.param("0", False, True, id="false as a number"),
        pytest.param("null", "null", False, id="null is no text"),
        pytest.param("null", None, True, id="null, if it is wanted"),
        pytest.param('"null"', None, False, id="a text null"),
        pytest.param("{}", "a", False, id="an object"),
        pytest.param('["a"]', "a", False, id="an array"),
        pytest.param('"\\ud83d"', "a", False, id="half of a pair"),
        pytest.param('"' + "x" * 5_000 + '"', "x" * 5_000, True, id="a long text"),
    ],
)
def test_a_value_is_wanted_if_it_is_listed(value, wanted, found):
    """A text to the letter, a number by its value."""
    assert is_wanted(f'{{"a":{value}}}', a=wanted) is found


def test_a_record_that_lacks_the_name_is_kept():
    """Where a source renames it, nothing is lost without a word."""
    assert is_wanted("{}", a="x")
    assert is_wanted("[1]", a="x")
    assert is_wanted('{"a":"x"}', a="x", b="y")
    assert not is_wanted('{"a":"x","b":"z"}', a="x", b="y")
    assert record_filter({}) is None


def test_a_path_leads_into_objects_and_arrays():
    """As those of fields do."""
    wanted = record_filter({"a.b": ["x"], "l.0": [1]})
    assert wanted is not None
    assert wanted(Record(b'{"a":{"b":"x"},"l":[1]}'))
    assert not wanted(Record(b'{"a":{"b":"y"},"l":[1]}'))
    assert not wanted(Record(b'{"a":{"b":"x"},"l":[2]}'))


@given(VALUES, SCALARS)
def test_any_value_is_wanted_or_not(value, wanted):
    """None is an error; what was read before changes nothing."""
    record = f'{{"a":{value}}}'
    is_same = value == wanted and value[0] == '"'
    assert is_wanted(record, a=json.loads(wanted)) in ({True} if is_same else {True, False})
