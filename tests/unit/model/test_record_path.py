"""A path is names with dots between them; other tools' ways are refused with the right form."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.record_path import (
    PATH,
    RECORDS_PATH,
    check_body_path,
    check_record_path,
    check_records_path,
)

CHECKS = [check_record_path, check_body_path, check_records_path]


@pytest.mark.parametrize("path", ["data", "quotes.USD.price", "@timestamp", "t.$date", "item.rows"])
def test_names_with_dots_are_a_path_everywhere(path):
    """A dollar sign inside a path is part of a name, as MongoDB writes dates."""
    assert [check(path) for check in CHECKS] == [path] * 3


def test_only_the_path_of_records_may_be_the_body_or_hold_any_name():
    """``from: *`` would read no single value."""
    assert [check_records_path(path) for path in ("$", "*", "result.*")] == ["$", "*", "result.*"]
    for check in (check_record_path, check_body_path):
        with pytest.raises(ValueError, match="stands for no single name; write each name"):
            check("result.*")


@pytest.mark.parametrize(
    ("path", "value", "records"),
    [
        pytest.param("$.data", "data", "data", id="JSONPath"),
        pytest.param("$ts", "ts", "ts", id="a dollar sign before a name"),
        pytest.param("$..data", "data", "data", id="any depth"),
        pytest.param("$['a'].b", "a.b", "a.b", id="a name in brackets"),
        pytest.param(".data.list", "data.list", "data.list", id="jq"),
        pytest.param("data[*]", "data.item", "data", id="all elements"),
        pytest.param(
            "data[].rows[]", "data.item.rows.item", "data.item.rows", id="elements of each"
        ),
        pytest.param("data[0]", "data.item", "data.item", id="the first element"),
        pytest.param("$[0].data", "item.data", "item.data", id="an element of the body"),
        pytest.param("/data/0/rows", "data.item.rows", "data.item.rows", id="JSON Pointer"),
        pytest.param("#/data", "data", "data", id="JSON Pointer in a fragment"),
        pytest.param("a/b", "a.b", "a.b", id="slashes"),
        pytest.param("a..b", "a.b", "a.b", id="an empty name"),
    ],
)
def test_the_ways_of_other_tools_are_refused_with_the_right_one(path, value, records):
    """In a body, elements of an array are called item; records are the elements themselves."""
    for check, right in ((check_body_path, value), (check_records_path, records)):
        with pytest.raises(
            ValueError, match="is not a path; write names with dots between"
        ) as raised:
            check(path)
        assert f"them: {right!r}" in str(raised.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a[0]", "'a[0]' is not a path; write names and positions with dots between them: 'a.0'"),
        ("$.a[0][1].b", "write names and positions with dots between them: 'a.0.1.b'"),
        ("/a/0", "write names and positions with dots between them: 'a.0'"),
        ("a[*].b", "read all of it: 'a', with type json"),
        ("[0]", "which has no path; see source.columns"),
        ("/0", "which has no path; see source.columns"),
        ("a b", "'a b' is not a path; write names with dots between them, such as data.list"),
    ],
)  # fmt: skip
def test_elements_of_an_array_in_a_record_have_positions(path, message):
    """All of them have no path, nor have those of records that are arrays, which have columns."""
    with pytest.raises(ValueError, match=re.escape(message)):
        check_record_path(path)


@given(st.text(alphabet="ab.$[]*/ '\n0"))
def test_an_accepted_path_matches_its_pattern_and_nothing_else_escapes(path):
    """Editors check by the pattern; a path is accepted or refused with ``ValueError``."""
    for check, pattern in zip(CHECKS, (PATH, PATH, RECORDS_PATH), strict=True):
        try:
            accepted = check(path) == path
        except ValueError:
            accepted = False
        assert accepted is bool(re.fullmatch(pattern, path))
