"""A session for the tests of the HTTP source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.ticklake.sources.http.transport import HttpSession
from tests.support.api_pages import Waits


@pytest.fixture
def session() -> Iterator[HttpSession]:
    with HttpSession() as session:
        yield session


@pytest.fixture
def waits() -> Waits:
    return Waits()
