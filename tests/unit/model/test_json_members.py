"""The members of an object are found where they are, whatever their values look like."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.json_members import (
    MAX_MEMBERS,
    decode_name,
    decode_scalars,
    has_more_elements,
    object_members,
)

TEXTS = st.text(st.sampled_from('a"\\{}[],: é\n\U0001f600'), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=12,
)
SPACES = st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :\n")])


def written(value: object, separators: tuple[str, str], *, ascii_only: bool) -> bytes:
    return json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()


@given(st.lists(st.tuples(TEXTS, VALUES), max_size=5), SPACES, st.booleans())
def test_each_member_has_its_name_and_the_range_of_its_value(members, separators, ascii_only):
    """Also those that have the same name, in their order."""
    comma, colon = separators
    text = comma.join(
        f"{json.dumps(name, ensure_ascii=ascii_only)}{colon}"
        f"{json.dumps(value, separators=separators, ensure_ascii=ascii_only)}"
        for name, value in members
    )
    found = [
        (decode_name(name), json.loads(object_text[begin:end]))
        for object_text in [f" {{ {text} }} ".encode()]
        for name, begin, end in object_members(object_text, 1)
    ]
    assert found == members


@given(st.lists(VALUES, max_size=6), st.integers(0, 7), SPACES)
def test_an_array_has_more_elements_than_a_number_if_it_has(values, number, separators):
    assert has_more_elements(written(values, separators, ascii_only=True), number) is (
        len(values) > number
    )


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[", b'{"a"', b'{"a":', b'{"a":[', b"[1,", b'"', b"7"]
)
def test_a_text_that_is_not_whole_ends(text):
    """It is refused elsewhere; here it only must not be waited for."""
    assert len(list(object_members(text))) <= 1
    has_more_elements(text, 0)


def test_scalars_are_decoded_and_arrays_and_long_texts_are_not():
    """Those of objects inside, too."""
    text = json.dumps(
        {"a": 1, "o": {"b": "x", "l": [1]}, "l": [1, 2], "s": "y" * 10_000, "z": None}
    )
    assert decode_scalars(text.encode(), json.loads) == {"a": 1, "o": {"b": "x"}, "z": None}


def test_a_million_members_are_not_decoded():
    """The first ones are, in all objects together."""
    inside = ",".join(f'"{n}":{n}' for n in range(MAX_MEMBERS))
    found = decode_scalars(f'{{"a":{{{inside}}},"b":1}}'.encode(), json.loads)
    assert "b" not in found
    assert len(found["a"]) == MAX_MEMBERS - 1
