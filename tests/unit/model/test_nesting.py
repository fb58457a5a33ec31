"""The deepest record is the same on every Python."""

from __future__ import annotations

import pytest

from include.ticklake.model.nesting import MAX_LEVELS, is_too_deep, may_be_too_deep


def arrays(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(b'{"a":1}', False, id="flat"),
        pytest.param(arrays(MAX_LEVELS), False, id="as deep as allowed"),
        pytest.param(arrays(MAX_LEVELS + 1), True, id="one level more"),
        pytest.param(b'{"a":' + arrays(MAX_LEVELS) + b"}", True, id="the record itself counts"),
        pytest.param(b"[" + b"{}," * 2_000 + b"{}]", False, id="many, but side by side"),
        pytest.param(b'["' + b"[" * 2_000 + b'"]', False, id="brackets in a string"),
        pytest.param(rb'["\"' + b"[" * 2_000 + b'"]', False, id="after an escaped quote"),
        pytest.param(b"[" * 2_000, True, id="without an end"),
    ],
)
def test_levels_are_counted_outside_strings(record, expected):
    """And what is too deep may be too deep, too."""
    assert is_too_deep(record) is expected
    assert may_be_too_deep(record) >= expected
