"""A lake of its own for each test, and the embedded catalog beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from include.ticklake.lake.storage import Storage
from tests.support import lake_factory


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """A day of trades."""
    return lake_factory.day_of_trades(6_000)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.fixture
def catalog(storage) -> Iterator[Any]:
    """The embedded default: one SQLite file beside the lake."""
    from tests.iceberg.tables import iceberg  # skips where PyIceberg is not installed

    opened = iceberg.catalog("sqlite", storage=storage, env={})
    yield opened
    opened.close()
