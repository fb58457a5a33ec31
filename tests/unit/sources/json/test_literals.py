"""Literals that are not JSON become texts, wherever a piece of the body ends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.sources.json.literals import LiteralQuoter, quote_literals

NUMBERS = st.floats() | st.integers() | st.sampled_from([float("nan"), float("inf"), -float("inf")])
VALUES = st.recursive(
    NUMBERS | st.text(max_size=8) | st.sampled_from(["NaN", '"NaN', "\\NaN", "-Infinity\\"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def as_text(value):
    """*value* as it must come out: a number that is none as the text of its literal."""
    if isinstance(value, dict):
        return {name: as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    return json.dumps(value) if isinstance(value, float) and not abs(value) < 1e400 else value


@given(VALUES)
def test_a_literal_becomes_its_text_and_nothing_else_changes(value):
    """Not inside of a string, nor in a name."""
    assert json.loads(quote_literals(json.dumps(value).encode())) == as_text(value)


@given(VALUES, st.integers(1, 5))
def test_pieces_make_no_difference(value, size):
    """A literal, an escape or a string may be cut anywhere."""
    text, quoter = json.dumps(value).encode(), LiteralQuoter()
    pieces = [quoter.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert b"".join(pieces) + quoter.close() == quote_literals(text)


@pytest.mark.parametrize("text", [b'{"a": 1}', b'["NaN", "-Infinity"]', b"[-1, null]", b"", b"-"])
def test_a_text_without_literals_is_given_back(text):
    """The text itself, not a copy."""
    assert quote_literals(text) is text


@given(st.binary(max_size=40))
def test_any_bytes_pass(text):
    """What is not JSON is refused by those who read it."""
    assert quote_literals(text).replace(b'"', b"") == text.replace(b'"', b"")
