"""A value that the feed does not name has its position for a name."""

from __future__ import annotations

import pytest

from include.ticklake.model.column_names import position_of, unnamed_column


@pytest.mark.parametrize(
    ("name", "position"),
    [
        pytest.param("column_9", 9, id="a position"),
        pytest.param("column_0", None, id="positions begin at 1"),
        pytest.param("column_09", None, id="another spelling"),
        pytest.param("Column_9", None, id="another case"),
        pytest.param("column_9?", None, id="something behind it"),
        pytest.param("price", None, id="a name of its own"),
    ],
)
def test_a_name_stands_for_a_position_or_for_none(name, position):
    """Counted from 1, in one spelling."""
    assert position_of(name) == position
    if position:
        assert unnamed_column(position) == name
