"""A candle belongs to the window in which it opens and is fetched once it is over."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.extract import extract
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import unfinished
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, repair
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant
from tests.support.feed_texts import feed
from tests.support.lake_factory import BUDGET
from tests.support.servers.http import Reply

KUCOIN = [
    [1523358000000, 0.05867372, 0.0615, 0.05847, 0.0604358, 5940.9968212],
    [1523444400000, 0.0604358, 0.0633, 0.0600295, 0.06248749, 3992.3913609],
    [1523530800000, 0.06250985, 0.06449999, 0.0594301, 0.063887, 4574.9885788],
    [1523617200000, 0.063852, 0.064906, 0.06199879, 0.062358, 4377.8964241],
]
"""The four candles of ccxt/ccxt#2805: days that open at 11:00, from 10 April 2018 on."""
EVERYTHING, WHAT_IS_OVER = "also the open candle", "no candle before it is over"


def candles_of(**changes: Any) -> Feed:
    """A feed of days, each with its window."""
    fields = {"open_time": {"type": "timestamp", "unit": "ms", "key": True, "event_time": True},
              "close": {"type": "double"}}  # fmt: skip
    columns = ["open_time", "open", "high", "low", "close", "volume"]
    paging = {"kind": "time_forward", "start_param": "from", "end_param": "to"}
    source = {"columns": columns, "paging": paging}
    defaults = {"source": source, "fields": fields, "window": "1d", "candle": "1d"}
    return feed(**{**defaults, **changes})


class Exchange:
    """Candles from an HTTP server, at a moment."""

    def __init__(self, server, storage, *, shows: str = EVERYTHING) -> None:
        self.server, self.storage, self.shows = server, storage, shows
        self.rows: list[list[Any]] = KUCOIN
        self.length = timedelta(days=1)
        server.answer_by("/rows", self.answer)

    def answer(self, request) -> Reply:
        first, last = int(request.params["from"]), int(request.params["to"])
        length_ms = self.length.total_seconds() * 1000 if self.shows == WHAT_IS_OVER else 0
        found = [row for row in self.rows
                 if first <= row[0] <= last and row[0] + length_ms <= self.now_ms]  # fmt: skip
        return Reply(body=json.dumps(found).encode())

    def extract(self, described: Feed, unit: Unit, now: str, **options: bool) -> Manifest:
        self.now_ms = int(parse_instant(now).timestamp() * 1000)
        made = extract.extract(
            described, unit, storage=self.storage, base_url=self.server.url,
            clock=lambda: self.now_ms / 1000, **options,
        )  # fmt: skip
        convert(made.manifest.key, feed=described, storage=self.storage, budget=BUDGET)
        return made.manifest

    def audit(self, described: Feed, units: list[Unit], now: str) -> list[str]:
        found = audit.audit(
            described, units, storage=self.storage, budget=BUDGET, now=parse_instant(now)
        )
        return [f"{finding.kind} {finding.window[:8]}" for finding in found]


def day(number: int) -> Unit:
    start = datetime.fromisoformat(f"2018-04-{number:02}T00:00:00+00:00")
    return Unit(Slice(), Window(start, start + timedelta(days=1)))


@pytest.mark.parametrize("shows", [EVERYTHING, WHAT_IS_OVER])
@pytest.mark.parametrize("candle_opens", [None, "11:00", "00:00-11:00"])
def test_days_that_open_at_11_are_one_row_a_day(http_server, storage, shows, candle_opens):
    """Fetched at 00:05 each is unfinished until 11:00, and then there is 1 row a day, not 0."""
    described = candles_of(candle_opens=candle_opens)
    exchange = Exchange(http_server, storage, shows=shows)
    for number in (10, 11, 12, 13):
        early = exchange.extract(described, day(number), f"2018-04-{number + 1}T00:05Z").json
        assert (early.rows, early.out_of_window_rows > 0) == (0, shows == EVERYTHING)
        known = shows == EVERYTHING or candle_opens
        over = f"2018-04-{number + 1}T11:00Z" if known else f"2018-04-{number + 2}T00:00Z"
        assert early.unfinished_until_ms == parse_instant(over).timestamp() * 1000
        whole = exchange.extract(described, day(number), over).json
        assert (whole.rows, whole.unfinished_until_ms) == (1, None)
    assert exchange.audit(described, [day(n) for n in (10, 11, 12, 13)], "2018-05-01") == []


@pytest.mark.parametrize("opens_at", ["00:00", "11:00", "16:00", "21:00"])
def test_a_day_that_is_not_there_is_a_hole_at_any_hour(http_server, storage, opens_at):
    """``audit`` knows the grid: by ``candle_opens``, and without it by the records."""
    exchange = Exchange(http_server, storage)
    first = parse_instant(f"2018-04-12T{opens_at}Z")
    opens = [first + timedelta(days=n) for n in range(7) if n != 3]
    exchange.rows = [[int(at.timestamp() * 1000), 1, 1, 1, 1, 1] for at in opens]
    week = Unit(Slice(), Window(parse_instant("2018-04-12"), parse_instant("2018-04-19")))
    for candle_opens in (None, opens_at):
        described = candles_of(window="1w", candle_opens=candle_opens)
        exchange.extract(described, week, "2018-04-20")
        assert exchange.audit(described, [week], "2018-04-20") == ["hole 20180412"]


def test_days_of_a_place_that_moves_its_clocks_are_no_holes(http_server, storage):
    """Seven days from 22:00 and then from 21:00 are seven days."""
    exchange = Exchange(http_server, storage)
    opens = [
        datetime.fromisoformat(f"2026-03-{n:02}T17:00-0{4 + (n < 8)}:00") for n in range(5, 12)
    ]
    exchange.rows = [[int(at.timestamp() * 1000), 1, 1, 1, 1, 1] for at in opens]
    week = Unit(Slice(), Window(parse_instant("2026-03-05"), parse_instant("2026-03-12")))
    described = candles_of(window="1w")
    exchange.extract(described, week, "2026-03-20")
    assert exchange.audit(described, [week], "2026-03-20") == []
    exchange.rows.pop(2)
    exchange.extract(described, week, "2026-03-20", is_replacing=True)
    assert exchange.audit(described, [week], "2026-03-20") == ["hole 20260305"]


@pytest.mark.parametrize(
    ("candle", "candle_opens", "opened", "over"),
    [
        pytest.param("1w", None, "2026-11-02", "2026-11-09", id="weeks from Monday"),
        pytest.param("1w", "sunday 16:00", "2026-11-01T16:00", "2026-11-08T16:00",
                     id="weeks from Monday in Hong Kong"),
        pytest.param("1mo", None, "2026-11-01", "2026-12-01", id="months"),
        pytest.param("1mo", "00:00+08:00", "2026-10-31T16:00", "2026-11-30T16:00",
                     id="months in Hong Kong"),
    ],
)  # fmt: skip
def test_weeks_and_months_are_fetched_once_they_are_over(
    http_server, storage, candle, candle_opens, opened, over
):
    """Longer than their window: one day has the candle, the others have none and lack none."""
    described = candles_of(candle=candle, candle_opens=candle_opens)
    exchange = Exchange(http_server, storage)
    at = parse_instant(opened)
    exchange.rows = [[int(at.timestamp() * 1000), 1, 1, 1, 1, 1]]
    units = list(plan.plan_units(described, start=at, end=at + timedelta(days=3)))
    for unit in units:
        morning = (unit.window.end + timedelta(minutes=5)).isoformat()
        early = exchange.extract(described, unit, morning).json
        assert early.rows == 0
        late = exchange.extract(described, unit, "2027-01-10").json
        assert (late.rows, late.unfinished_until_ms) == (int(unit == units[0]), None)
        if unit == units[0]:
            assert early.unfinished_until_ms == parse_instant(over).timestamp() * 1000
        elif candle_opens:
            assert early.unfinished_until_ms is None
    assert exchange.audit(described, units, "2027-01-10") == []


def test_the_next_run_takes_up_what_was_unfinished(http_server, storage):
    """Once it is over, and only once; until then ``audit`` does not miss it."""
    described = candles_of(candle_opens="11:00")
    exchange = Exchange(http_server, storage)
    exchange.extract(described, day(10), "2018-04-11T00:05Z")
    assert exchange.audit(described, [day(10), day(11)], "2018-04-11T00:10Z") == []
    assert taken_up(described, storage, "2018-04-11T10:59Z") == []
    assert taken_up(described, storage, "2018-04-12T00:00Z") == [day(10)]
    assert exchange.extract(described, day(10), "2018-04-12T00:05Z").json.rows == 1
    assert taken_up(described, storage, "2018-04-12T00:10Z") == []
    assert list(storage.list("unfinished")) == []


def test_an_audit_names_what_was_not_taken_up_and_its_repair_fetches_it(http_server, storage):
    """``unfinished_window``, and a day that was never fetched is missing once it is over."""
    described = candles_of(candle_opens="11:00")
    exchange = Exchange(http_server, storage)
    exchange.extract(described, day(10), "2018-04-11T00:05Z")
    days = [day(10), day(11)]
    findings = [*audit.audit(described, days, storage=storage, budget=BUDGET,
                             now=parse_instant("2018-04-12T11:00Z"))]  # fmt: skip
    assert [finding.kind for finding in findings] == ["unfinished_window", "missing_window"]
    assert findings[0].what.startswith("it was fetched before 2018-04-11T11:00:00Z, when all of it")
    exchange.now_ms = 10**13
    repair.repair(
        described, findings, storage=storage, budget=BUDGET, failed=FailedUnits(),
        base_url=http_server.url,
    )  # fmt: skip
    assert exchange.audit(described, days, "2018-04-12T11:00Z") == []


def test_a_window_that_is_fetched_before_it_is_over_is_unfinished(http_server, storage):
    """Also where records are not candles: the rest of it comes later."""
    described = candles_of(candle=None)
    exchange = Exchange(http_server, storage)
    early = exchange.extract(described, day(10), "2018-04-10T12:00Z").json
    assert (early.rows, early.unfinished_until_ms) == (1, day(10).window.end_ms)
    assert taken_up(described, storage, "2018-04-11") == [day(10)]
    assert exchange.audit(described, [day(10)], "2018-04-11") == ["unfinished_window 20180410"]
    exchange.extract(described, day(10), "2018-04-11")
    assert taken_up(described, storage, "2018-04-11") == []


def taken_up(described: Feed, storage: Storage, now: str) -> list[Unit]:
    return list(unfinished.due_units(described, now=parse_instant(now), storage=storage))
