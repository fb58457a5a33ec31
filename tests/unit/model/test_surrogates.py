"""Halves of surrogate pairs come back to the byte from a text that any JSON reader takes."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.model import surrogates

PIECES = st.sampled_from(
    [r"\ud83d", r"\uD83D", r"\ude00", r"\uDfFf", r"\ud83d\ude00", r"\\", r"\"", r"\n", r"\u0041",
     r"\ue000", r"\uE000", "ud83d", "a", "€"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=8).map(lambda pieces: f'"{"".join(pieces)}"'.encode())


@given(st.lists(TEXTS, min_size=1, max_size=3))
@example([rb'"\\ud83d"'])
@example([rb'"\ud83d\ud83d\ude00\ude00"'])
def test_what_is_cut_out_comes_back_to_the_byte(texts):
    """msgspec reads the text; each value of it is the one that stood there."""
    given = b"[" + b",".join(texts) + b"]"
    clean, restore = surrogates.mask_lone_surrogates(given)
    assert len(clean) == len(given)
    assert restore(clean) == given
    if rb"\ue" in given and rb"\uE" in given:
        return
    values = msgspec.json.Decoder(list[msgspec.Raw]).decode(clean)
    assert [restore(bytes(value)) for value in values] == texts
    msgspec.json.decode(clean)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(rb'"\ud83d\ude00"', id="a whole pair"),
        pytest.param(rb'"\\ud83d"', id="a backslash before"),
        pytest.param(rb'"\ud83d \ue000 \uE000"', id="no mark left"),
        pytest.param(rb'"' + rb"\ud83d" * 5_000 + rb'"', id="too many"),
    ],
)
def test_a_text_that_needs_nothing_or_leaves_no_room_stays_itself(text):
    """So that its reader says of it what it says."""
    clean, restore = surrogates.mask_lone_surrogates(text)
    assert clean is text
    assert restore(text) == text


def test_two_values_that_differ_by_a_half_stay_different():
    """A mark is a number, not the half: only what is restored may be compared."""
    first, restore_first = surrogates.mask_lone_surrogates(rb'"\ud83d"')
    second, restore_second = surrogates.mask_lone_surrogates(rb'"\ud83e"')
    assert first == second
    assert json.loads(restore_first(first)) != json.loads(restore_second(second))


@given(st.lists(PIECES, max_size=8).map("".join))
def test_a_text_without_halves_is_valid_for_every_reader(pieces):
    """However many there were, and of the same length."""
    text = f'"{pieces * 3000}"'.encode()
    clean = bytes(surrogates.without_halves(text))
    assert len(clean) == len(text)
    msgspec.json.Decoder(msgspec.Raw).decode(clean)
    decoded = json.loads(text)
    if not any("\ud800" <= letter <= "\udfff" for letter in decoded):
        assert clean == text
