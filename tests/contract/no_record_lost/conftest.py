"""A lake for each test."""

from __future__ import annotations

import pytest

from include.ticklake.lake.storage import Storage


@pytest.fixture
def storage(tmp_path) -> Storage:
    """An empty lake."""
    return Storage.open(f"file://{tmp_path}/lake", {})
