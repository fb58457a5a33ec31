"""A body without records is refused in the words of what it lacks, and one object is not."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.scaffold.json_shape import read_shape
from include.ticklake.scaffold.no_records import refuse_no_records


def refuse(body: object, *, is_thing: bool = False) -> None:
    refuse_no_records(read_shape(io.BytesIO(json.dumps(body).encode())), is_thing=is_thing)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param([], "without records: \\$ is empty", id="empty"),
        pytest.param({"data": []}, "without records: data is empty", id="an empty list"),
        pytest.param({"data": {}}, "without records: there is no value", id="no value"),
        pytest.param({"code": 0, "data": {}}, "without records: data is empty", id="no member"),
        pytest.param({"bars": None, "symbol": "A"}, "without records: bars is null", id="null"),
        pytest.param({"d": {"list": None, "n": 1}}, "without records: d.list is null", id="inside"),
        pytest.param({"s": "no_data", "nextTime": 5}, "without records: s is no_data", id="word"),
        pytest.param({"ticker": "A", "resultsCount": 0}, "without records: .*Count is 0", id="0"),
        pytest.param(
            {"message": ["limit reached"], "Results": {}},
            "without records: Results is empty",
            id="messages",
        ),
        pytest.param({}, "an empty object", id="empty object"),
        pytest.param("maintenance", "a single value", id="text"),
    ],
)
def test_what_has_no_records_is_said(body, said):
    """With what to do about it."""
    with pytest.raises(SourceRefusedError, match=f"the body is {said}"):
        refuse(body)


@pytest.mark.parametrize(
    "body",
    [
        {"price": "1.5"},
        {"data": [1]},
        {"data": {"p": 1}},
        {"queryCount": 0, "p": 1},
        {"data": None, "ids": ["a"]},
    ],
)
def test_one_object_is_no_lack_of_records(body):
    """Whatever is not in it."""
    refuse(body)


def test_a_thing_may_lack_a_list():
    """It has attributes of its own."""
    refuse({"name": "Bitcoin", "markets": None}, is_thing=True)
