"""The usual spellings of a secret are those that other programs make of it."""

from __future__ import annotations

import base64

import pytest

from include.ticklake.redaction.spellings import usual_spellings
from tests.support.spellings import SPELLINGS

SECRET = 's3cr3t/Canary+4"2=é'

USUAL = [
    "as it is", "quote", "quote in small letters", "quote that keeps /", "quote_plus",
    "quote_plus in small letters", "HTML", "HTML without quotes", "JSON", "JSON in UTF-8",
    "JSON with \\/", "repr", "a URL in JSON", "base64", "base64 for URLs",
    "base64 without padding", "base64 of a login", "base64 of a longer login", "base64 of JSON",
]  # fmt: skip


@pytest.mark.parametrize("spelling", USUAL)
def test_a_text_with_a_usual_spelling_is_found(spelling):
    """One after the other, as Airflow looks for secrets."""
    text = SPELLINGS[spelling](SECRET.replace("é", "e") if "base64" in spelling else SECRET)
    secret = SECRET.replace("é", "e") if "base64" in spelling else SECRET
    if spelling == "base64 of JSON":  # what escapes are within digits, only `mask` resolves
        text = base64.b64encode(f"{{'k': '{secret}'}}".encode()).decode()
    assert any(one in text for one in usual_spellings(secret))


def test_each_spelling_is_listed_once():
    """A plain secret has few of them."""
    listed = usual_spellings("plain")
    assert len(listed) == len(set(listed)) == 4
    assert usual_spellings("") == []
