"""Auditing one window: one bad read is not damage, and a damaged day is one problem."""

from __future__ import annotations

import pytest

from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.audit_rows import RowChecks
from include.ticklake.maintain.audit_unit import AuditedDays, Problem, UnitAudit
from include.ticklake.maintain.day_rows import DayRows
from include.ticklake.model.unit import Unit
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED
from tests.support.stepping_store import SteppingStore

UNIT = Unit(BTC, lake_factory.hour(5))
PARQUET = layout.parquet_key(FEED.name, BTC, UNIT.window)


@pytest.fixture
def storage(tmp_path) -> Storage:
    """An hour of trades."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), UNIT.window)
    return storage


def problems(storage: Storage) -> list[Problem]:
    """What is wrong with the hour."""
    rows = RowChecks(FEED)
    rows.begin(UNIT)
    audit = UnitAudit(
        feed=FEED, unit=UNIT, storage=storage, budget=BUDGET, now=DAY.end,
        day=AuditedDays(FEED, storage=storage).of(UNIT),
    )  # fmt: skip
    return list(audit.problems(rows, DayRows()))


@pytest.mark.parametrize("area", ["json", "parquet"])
def test_one_bad_read_is_not_damage(storage, area):
    """The file is read again, and was right."""
    [key] = storage.list(area)
    right = storage.read(key) or b""
    reads = iter([right[:-1] + b"x"])

    def step() -> None:
        storage.put(key, next(reads, right))

    flaky = Storage(storage.root_uri, SteppingStore(storage.store, step, frozenset({"open_input"})))
    assert problems(flaky) == []
    storage.put(key, right[:-1] + b"x")
    assert [problem.kind for problem in problems(storage)] == [
        "part_broken" if area == "json" else "parquet_broken"
    ]


def test_a_file_that_cannot_be_read_is_repaired_from_the_json(storage):
    """Or, without that, from the source."""
    storage.put(PARQUET, b"PAR1")
    [problem] = problems(storage)
    assert (problem.kind, problem.repair) == ("parquet_broken", "convert")
    storage.delete(next(storage.list("json")))
    found = {(problem.kind, problem.repair) for problem in problems(storage)}
    assert found == {("part_broken", "fetch"), ("parquet_broken", "fetch")}


def test_a_damaged_day_is_said_once(storage):
    """By the first of its windows that is audited."""
    storage.put(layout.day_manifest_key(FEED.name, BTC, DAY), b"{}")
    days = AuditedDays(FEED, storage=storage)
    day = days.of(UNIT)
    assert day.is_damaged
    assert "day symbol=BTCUSDT" in (day.damage or "")
    assert days.of(Unit(BTC, lake_factory.hour(6))) is day
