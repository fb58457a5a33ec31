"""A lake in hourly files and a compacted one, which a test may damage."""

from __future__ import annotations

import pytest

from tests.support import day_lake
from tests.support.day_lake import DayLake


@pytest.fixture(scope="session")
def originals(tmp_path_factory):
    """A lake in hourly files and a compacted one, with the ids of both."""
    hourly, compacted = (tmp_path_factory.mktemp(name) for name in ("hourly", "compacted"))
    ids = day_lake.build(hourly, is_compacted=False)
    day_lake.build(compacted, is_compacted=True)
    return hourly, compacted, ids


@pytest.fixture
def hourly(originals, tmp_path, monkeypatch) -> DayLake:
    """24 hourly files."""
    return DayLake(originals[0], tmp_path / "hourly", monkeypatch)


@pytest.fixture
def compacted(originals, tmp_path, monkeypatch) -> DayLake:
    """One file of the day."""
    return DayLake(originals[1], tmp_path / "compacted", monkeypatch)
