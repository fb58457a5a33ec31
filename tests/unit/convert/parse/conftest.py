"""What the tests of parsing share."""

from __future__ import annotations

import pytest

from include.ticklake.feed.feed import Feed
from tests.support.json_blocks import FIELDS, NULL_VALUES, PLAIN_FIELDS, feed


@pytest.fixture(params=["all", "plain", "nulls"], scope="module")
def described(request) -> Feed:
    """A feed with columns of every kind, one without json columns, and one with null values."""
    more = {"null_values": NULL_VALUES} if request.param == "nulls" else {}
    return feed(PLAIN_FIELDS if request.param == "plain" else FIELDS, **more)
