"""A lake for each test, and the waits between its requests."""

from __future__ import annotations

import pytest

from include.ticklake.lake.storage import Storage
from tests.support.api_pages import Waits


@pytest.fixture
def storage(tmp_path) -> Storage:
    """An empty lake."""
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.fixture
def waits() -> Waits:
    """The waits of one client."""
    return Waits()
