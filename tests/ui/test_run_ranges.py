"""Which windows a run of Airflow's is about, whatever is in its conf."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from include.ticklake.model.window_length import Months
from include.ui.run_ranges import feed_run, running_ranges

HOUR = timedelta(hours=1)
AT = datetime(2026, 1, 2, 5, 30, tzinfo=UTC)
FIVE = AT.replace(minute=0)
BTC = Slice.of({"symbol": "BTC", "interval": "1m"})
NONSENSE = ["many", "", None, True, 7, -1, 10**400, [1], {"a": 1}, "9999-12-31T23:59:59.9999999Z"]


def run(conf: object, interval: tuple[object, object] = (None, None)):
    return feed_run("ingest_bars", "manual__1", "running", interval=interval, conf=conf, at=AT)


@pytest.mark.parametrize(
    ("conf", "interval", "expected"),
    [
        pytest.param({}, (FIVE - HOUR, FIVE), (FIVE - HOUR, FIVE), id="scheduled"),
        pytest.param({}, (None, None), (FIVE - HOUR, FIVE), id="triggered"),
        pytest.param({}, (AT, AT), (FIVE - HOUR, FIVE), id="empty interval"),
        pytest.param(
            {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T03:00:00Z"},
            (FIVE - HOUR, FIVE),
            (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 3, tzinfo=UTC)),
            id="form",
        ),
        pytest.param(
            {"start": "2026-01-01T00:00:00Z"},
            (None, None),
            (datetime(2026, 1, 1, tzinfo=UTC), FIVE),
            id="no end",
        ),
    ],
)
def test_the_range_is_that_of_the_plan(conf, interval, expected):
    """The form, else the data interval, else the last window that was over."""
    assert run(conf, interval).range(HOUR) == expected


def test_a_run_of_months_fetches_the_last_one_that_was_over():
    """However long it was."""
    december, january = datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert run({}).range(Months(1)) == (december, january)
    assert run({}).touches(Window(december, january), length=Months(1))
    assert not run({}).touches(Window(january, AT), length=Months(1))


@pytest.mark.parametrize(
    ("slices", "fetched"),
    [
        (None, True),
        (["symbol=BTC,interval=1m"], True),
        (["interval=1m"], True),
        (["symbol=ETH"], False),
    ],
)
def test_a_slice_is_chosen_as_in_the_form(slices, fetched):
    """By all of its values or by some."""
    assert run({"slices": slices}).fetches(BTC) is fetched


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("name", ["start", "end", "slices"])
def test_nonsense_in_a_conf_is_no_error(name, value):
    """One who may start runs cannot take the page away."""
    nonsense = run({"start": "2026-01-01T00:00:00Z", name: value})
    assert isinstance(running_ranges([nonsense], BTC, window=HOUR), list)
    assert isinstance(nonsense.touches(Window(FIVE, FIVE + HOUR), length=HOUR), bool)
    assert run(value).range(HOUR) == (FIVE - HOUR, FIVE)
