"""What types share: limits of time, and how values are compared."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from include.ticklake.types.field_type import FieldType, year_bounds_s


def test_years_have_a_first_and_a_last_second():
    """Both inside."""
    first_s, last_s = year_bounds_s((2009, 2100))
    assert datetime.fromtimestamp(first_s, UTC).isoformat() == "2009-01-01T00:00:00+00:00"
    assert datetime.fromtimestamp(last_s, UTC).isoformat() == "2100-12-31T23:59:59+00:00"


def test_by_default_values_are_compared_as_they_are():
    """Types of other values say how."""
    values = pa.chunked_array([[1, 2], [3]])
    assert FieldType.comparable(values) is values
