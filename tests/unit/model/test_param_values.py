"""Values of a request: what is in them, and what is put anywhere into them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.param_values import names, plain_text, put, texts

BODY = {"a": "x", "b": [1, {"c": "y"}], "d": {"e": None}}
NAMES = st.text("abc", min_size=1, max_size=2)
VALUES = st.recursive(
    st.none() | st.integers() | st.text("xyz", max_size=3),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=10,
)


def test_the_texts_and_the_names_of_a_body_have_their_place():
    """So that a mistake in one is reported with its line."""
    assert list(texts(BODY)) == [(("a",), "x"), (("b", 1, "c"), "y")]
    assert [name for _, name in names(BODY)] == ["a", "b", "c", "d", "e"]
    assert (("b", 1, "c"), "c") in list(names(BODY))


@pytest.mark.parametrize(
    ("place", "there"),
    [
        pytest.param("a", {"a": 7, "b": [1, {"c": "y"}], "d": {"e": None}}, id="a member"),
        pytest.param("d.e", {"a": "x", "b": [1, {"c": "y"}], "d": {"e": 7}}, id="in an object"),
        pytest.param("d.e.f", {"a": "x", "b": [1, {"c": "y"}], "d": {"e": {"f": 7}}},
                     id="in a null"),
        pytest.param("b.1.c", {"a": "x", "b": [1, {"c": 7}], "d": {"e": None}}, id="in a list"),
        pytest.param("n.m", {"a": "x", "b": [1, {"c": "y"}], "d": {"e": None}, "n": {"m": 7}},
                     id="a new one"),
    ],
)  # fmt: skip
def test_a_value_is_put_anywhere_by_its_path(place, there):
    """What is missing on the way is made; the value before stays as it was."""
    assert put(BODY, place, 7) == there
    assert BODY["d"] == {"e": None}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param("a.b", "'b' cannot be in 'x', which is not an object", id="a text"),
        pytest.param("b.2", "'2' is not one of the 2 elements of a list", id="past the end"),
        pytest.param("b.c", "'c' is not one of the 2 elements of a list", id="a name of a list"),
    ],
)
def test_a_path_through_what_holds_nothing_is_refused(place, message):
    """Rather than replace what the feed says."""
    with pytest.raises(ValueError, match=message):
        put(BODY, place, 7)


@given(value=st.dictionaries(NAMES, VALUES), path=st.lists(NAMES, min_size=1, max_size=3))
def test_only_what_is_at_the_path_changes(value, path):
    """Whatever is around it."""
    try:
        changed = put(value, ".".join(path), "new")
    except ValueError:
        return
    inner = changed
    for name in path:
        inner = inner[name]
    assert inner == "new"
    assert {n: v for n, v in changed.items() if n != path[0]} == {
        n: v for n, v in value.items() if n != path[0]
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (5, "5"), (0.1, "0.1"), (1e-7, "0.0000001"), (2.0, "2.0"),
        (Decimal("1E+2"), "100"), ("x", "x"),
    ],
)  # fmt: skip
def test_a_parameter_is_written_without_an_exponent(value, text):
    """As APIs read numbers, to the digit."""
    assert plain_text(value) == text
