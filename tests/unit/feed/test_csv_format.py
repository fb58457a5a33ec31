"""The signs of CSV: one each, by themselves or by a word."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.feed.csv_format import CsvFormat


@pytest.mark.parametrize(
    ("written", "sign"), [(",", ","), (";", ";"), ("|", "|"), ("tab", "\t"), ("\t", "\t")]
)
def test_a_delimiter_is_a_sign_or_a_word(written, sign):
    """For the one that no editor shows."""
    assert CsvFormat(delimiter=written).delimiter == sign


def test_quotes_may_be_letters():
    """``none``, which is no sign."""
    assert CsvFormat(quote="none").quote == ""


@pytest.mark.parametrize("options", [
    {"delimiter": ""}, {"delimiter": "none"}, {"delimiter": ",,"}, {"delimiter": "\n"},
    {"delimiter": "é"}, {"delimiter": "\\"}, {"quote": "''"}, {"delimiter": "'", "quote": "'"},
])  # fmt: skip
def test_other_signs_are_refused(options):
    """Before a file is read with them."""
    with pytest.raises(ValidationError):
        CsvFormat(**options)
