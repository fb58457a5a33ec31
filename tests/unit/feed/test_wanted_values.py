"""What a feed's ``where`` may say; a mistake names the path and what to write."""

from __future__ import annotations

import pytest

from tests.support.feed_files import VALID, mistakes
from tests.support.feed_texts import feed


def test_one_value_is_a_list_of_one():
    """Of any plain kind, null too."""
    where = feed(where={"a": "x", "b.c": [1, 1.5, True, None], "d": None}).where
    assert where == {"a": ["x"], "b.c": [1, 1.5, True, None], "d": [None]}


@pytest.mark.parametrize(
    ("where", "message"),
    [
        pytest.param("{a: []}", "where.a: ", id="no value"),
        pytest.param("{a: {b: 1}}", "where.a", id="an object"),
        pytest.param(
            "{'$.a': 1}", "8: where: '$.a' is not a path; write names with dots", id="a path"
        ),
    ],
)
def test_a_mistake_in_where_is_reported_with_its_place(tmp_path, where, message):
    """In the words of the file."""
    lines = mistakes(tmp_path, f"{VALID}where: {where}\n")
    assert any(message in line for line in lines), lines
