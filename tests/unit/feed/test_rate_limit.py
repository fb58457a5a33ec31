"""The headers that report a rate limit are named in full, or not at all."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.ticklake.feed.rate_limit import RateLimit


@pytest.mark.parametrize(
    "rate_limit",
    [
        {"used_header": "X"},
        {"quota": 5, "quota_period": "1m"},
        {"used_header": "X", "quota": 5},
        {"remaining_header": "X"},
        {"reset_ms_header": "X"},
    ],
)
def test_the_headers_of_a_rate_limit_are_complete(rate_limit):
    """A header without its quota, or the other way round, would limit nothing."""
    with pytest.raises(ValidationError, match="must be set together"):
        RateLimit.model_validate(rate_limit)
