"""A json column is text that is cut out of the record, never parsed."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.json import JsonType
from include.ticklake.types.reading import Kind

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)


def test_it_is_stored_as_text():
    """In every engine."""
    assert JsonType.is_raw_json
    assert JsonType().arrow_type() == pa.string()
    assert JsonType().engine_names().trino == "varchar"


def test_a_parsed_value_is_not_one():
    """It has lost its own text."""
    with pytest.raises(TypeError, match="not a value that was parsed"):
        JsonType().parse_value({"a": 1}, LIMITS)
    assert JsonType().reading(LIMITS).kind == Kind.STRING
