"""What Arrow cannot parse goes through the definition, each distinct value once."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake.types.distinct import parse_distinct
from include.ticklake.types.values import CoarseColumnError, InvalidValueError


@pytest.mark.parametrize(
    "read", [pa.array(["7", None, "8", "7"]), pa.array([7, None, 8, 7], pa.int64())]
)
def test_each_value_is_parsed_once_and_null_stays_null(read):
    """Texts and whole numbers alike, in their order."""
    parsed = []

    def parse(text: str) -> int:
        parsed.append(text)
        return int(text) * 10

    assert parse_distinct(read, parse).to_pylist() == [70, None, 80, 70]
    assert parsed == ["7", "8"]


def test_nothing_gives_nothing():
    """No rows, or only null ones."""
    assert parse_distinct(pa.array([], pa.string()), int).to_pylist() == []
    assert parse_distinct(pa.array([None], pa.string()), int).to_pylist() == [None]


@pytest.mark.parametrize("error", [InvalidValueError, CoarseColumnError])
def test_a_value_that_does_not_fit_is_left_to_the_definition(error):
    """Which says why, record by record."""

    def parse(_text: str) -> int:
        raise error("it does not fit")

    with pytest.raises(InvalidValueError):
        parse_distinct(pa.array(["x"]), parse)
