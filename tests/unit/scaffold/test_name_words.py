"""A name is taken apart into words, however it is written."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.name_words import snake_case, words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("startTimeMs", ["start", "time", "ms"]),
        ("start_time-ms", ["start", "time", "ms"]),
        ("ts[gte]", ["ts", "gte"]),
        ("X-CG-API-KEY", ["x", "cg", "api", "key"]),
        ("lastUpdateID", ["last", "update", "id"]),
        ("24hVolume", ["24", "h", "volume"]),
    ],
)
def test_words_are_found(name, found):
    """By capitals, by signs, and by digits."""
    assert words(name) == found


@pytest.mark.parametrize(
    ("name", "column"),
    [("quotes.USD.24hVolume", "quotes_usd_24h_volume"), ("24h", "value_24h"), ("é", "value")],
)
def test_a_column_has_a_plain_name(name, column):
    """Lower case, a letter first."""
    assert snake_case(name) == column
