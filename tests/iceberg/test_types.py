"""Values of every field type in an Iceberg table are those of the lake."""

from __future__ import annotations

import pytest

from include.ticklake.convert.convert import convert
from tests.contract.test_field_types import CASES, described, lines
from tests.iceberg.tables import DAY, rows, sync
from tests.support import lake_factory


@pytest.mark.parametrize("spelling", CASES)
def test_a_column_of_every_type_is_one_of_the_table(spelling, storage, catalog):
    """With the type's own name there, and nulls."""
    texts, values, _, _ = CASES[spelling]
    feed = described(spelling)
    staged = lake_factory.stage(storage, lines(texts), window=lake_factory.hour(0), feed=feed)
    convert(staged.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)
    sync(storage, catalog, feed=feed, units=DAY)
    found = rows(catalog, name=feed.name).sort_by("number")
    assert found["value"].to_pylist() == [*values, None]
