"""A text is read in every way that its escapes and digits allow, and each character has a place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ticklake.redaction.views import resolved, views
from tests.support.spellings import SPELLINGS

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=30)


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(max_examples=25)
@given(text=TEXTS)
def test_every_spelling_of_a_text_can_be_read(spelling, text):
    """In one of its views the text stands as it was written, or with a space for a plus."""
    spelled = f"<{SPELLINGS[spelling](text)}>"
    plain = text.encode().decode("latin-1") if "Latin-1" in spelling else text
    read = [view.text.replace("+", " ") for view in views(spelled)]
    assert any(plain.replace("+", " ") in one for one in read)


@given(text=st.text(max_size=60))
def test_each_character_stands_for_a_piece_of_the_text(text):
    """The pieces are within the text, and none is empty."""
    for view in views(text):
        assert len(view.text) == len(view.starts) == len(view.ends)
        pieces = list(zip(view.starts, view.ends, strict=True))
        assert all(0 <= start < end <= len(text) for start, end in pieces)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a%2Fb", "a/b"),
        ("%C3%A9", "é"),
        ("%E9", "é"),
        ("%25%32%46", "/"),
        (r"\u00e9\ud83d\ude00", "é😀"),
        (r"\xc3\xa9 \xe9", "é é"),
        (r"\303\251", "é"),
        (r"\U0001f600", "😀"),
        (r"\\\"", '"'),
        (r"a\tb", "a\tb"),
        ("&lt;&#65;&#x42;&eacute;&amp;amp;", "<ABé&"),
        ("&nosuch; &no &amp", "&nosuch; &no &"),
        ("100% \\ &", "100% \\ &"),
    ],
)
def test_escapes_are_resolved_until_none_is_left(text, plain):
    """Those of URLs, JSON, Python, C and HTML."""
    assert resolved(text) == plain


def test_escapes_without_end_take_a_few_rounds():
    """Whoever escapes its escapes again and again is not followed for ever."""
    text = "a"
    for _ in range(50):
        text = text.replace("%", "%25") + "%61"
    assert len(list(views(text))) < 100
    assert len(list(views("YWFh" * 1_000 + "+" + "61" * 1_000))) < 1_000
