"""Units that were fetched too early are found again once they are over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.ticklake.lake import unfinished
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant
from tests.support.feed_texts import feed

DAILY = feed(slices={"symbol": ["A", "B"]}, window="1d", candle="1d", candle_opens="16:00")
A, B, GONE = (Slice.of({"symbol": symbol}) for symbol in ("A", "B", "GONE"))
OVER = "2026-11-23T16:00Z"


def day(slice_: Slice, number: int) -> Unit:
    start = parse_instant(f"2026-11-{number}")
    return Unit(slice_, Window(start, start + timedelta(days=1)))


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def marked(storage: Storage, *units: Unit) -> None:
    for unit in units:
        unfinished.mark(DAILY, unit, until_ms=unit.window.end_ms, storage=storage)


def due(storage: Storage, now: str) -> list[Unit]:
    return list(unfinished.due_units(DAILY, now=parse_instant(now), storage=storage))


@pytest.mark.parametrize(
    ("now", "found"),
    [
        pytest.param("2026-11-23T15:59Z", [], id="not over yet"),
        pytest.param(OVER, [day(A, 22)], id="just over"),
        pytest.param("2026-12-23T16:00Z", [day(A, 22)], id="over for 30 days"),
        pytest.param("2026-12-23T16:01Z", [], id="left to audits"),
    ],
)
def test_a_unit_is_due_when_its_candles_are_over(storage, now, found):
    """And for 30 days after that."""
    marked(storage, day(A, 22))
    assert due(storage, now) == found


def test_the_oldest_units_come_first(storage):
    """Of all slices that the feed still has."""
    marked(storage, day(B, 22), day(A, 22), day(B, 21), day(GONE, 21))
    assert due(storage, OVER) == [day(B, 21), day(A, 22), day(B, 22)]


def test_a_unit_that_is_whole_is_due_no_more(storage):
    """One that never was unfinished stays as it is."""
    marked(storage, day(A, 22))
    for unit in (day(A, 22), day(B, 22)):
        unfinished.clear(DAILY, unit, storage=storage)
    assert due(storage, OVER) == []
    assert list(storage.list("unfinished")) == []


def test_a_lake_without_marks_has_none_due(storage):
    """As most feeds are."""
    assert due(storage, OVER) == []
