"""How long a feed's objects are kept is said in its file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from tests.support.feed_texts import feed


def test_a_feed_keeps_everything_unless_it_says_otherwise():
    """And what it says of JSON is not said of Parquet."""
    assert feed().retention is None
    kept = feed(retention={"json": "30d"}).retention
    assert (kept.staged, kept.parquet, kept.delete) == (timedelta(days=30), None, False)


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        pytest.param({}, "no length is set", id="nothing"),
        pytest.param({"delete": True}, "no length is set", id="no length"),
        pytest.param({"json": "12h"}, "less than a day", id="hours"),
        pytest.param({"parquet": "1 year"}, "not a length of time", id="no length of time"),
        pytest.param({"jsn": "30d"}, "Extra inputs", id="an unknown name"),
    ],
)
def test_a_retention_that_means_nothing_is_refused(retention, words):
    """With what would be right."""
    with pytest.raises(ValidationError, match=words):
        feed(retention=retention)
