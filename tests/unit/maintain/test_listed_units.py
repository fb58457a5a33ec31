"""Windows of a listed slice are missed while it was listed, and neither before nor after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.feed import plan
from include.ticklake.lake import slice_lists
from include.ticklake.maintain.audit import audit
from include.ticklake.maintain.listed_units import is_listed
from include.ticklake.model.sizes import MIB
from tests.support.listed_symbols import START, ListedSymbols, hour, rows

FIVE = ["ADA", "BTC", "DOT", "ETH", "SOL"]


@pytest.fixture
def exchange(tmp_path, http_server, monkeypatch) -> ListedSymbols:
    """ADA leaves after the fourth hour, XRP comes after the second."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    made = ListedSymbols(tmp_path, http_server)
    lists = {0: FIVE, 2: [*FIVE, "XRP"], 4: [*FIVE[1:], "XRP"]}
    for number, symbols in lists.items():
        made.fetch(number, rows(symbols))
        made.renew(number)
    return made


def missing(exchange: ListedSymbols, symbol: str) -> list[int]:
    """The hours of *symbol*, of the first eight, that an audit misses."""
    known = slice_lists.with_known(exchange.prices, storage=exchange.storage)
    units = plan.plan_units(
        known, start=START, end=START + timedelta(hours=8),
        slices=[slice_ for slice_ in known.all_slices if str(slice_) == f"symbol={symbol}"],
    )  # fmt: skip
    found = audit(
        known, units, storage=exchange.storage, budget=budget_for(128 * MIB),
        now=datetime(2026, 1, 3, tzinfo=UTC),
        is_listed=is_listed(exchange.prices, storage=exchange.storage),
    )  # fmt: skip
    by_name = {hour(number).name: number for number in range(8)}
    return [by_name[each.window] for each in found if each.kind == "missing_window"]


@pytest.mark.parametrize(
    ("symbol", "hours"),
    [
        pytest.param("BTC", [1, 2, 3, 4, 5, 6, 7], id="listed ever since the first list"),
        pytest.param("XRP", [3, 4, 5, 6, 7], id="listed during the fourth hour"),
        pytest.param("ADA", [1, 2, 3], id="delisted: the last run may have read the new list"),
    ],
)
def test_windows_count_while_their_slice_was_listed(exchange, symbol, hours):
    """The run of an hour plans by the list that there is at its end."""
    assert missing(exchange, symbol) == hours


def test_every_window_counts_of_slices_that_no_list_had(exchange):
    """Somebody chose them by name; and of a feed that lists its slices itself."""
    of_prices = is_listed(exchange.prices, storage=exchange.storage)
    known = slice_lists.with_known(exchange.prices, storage=exchange.storage)
    own = exchange.prices.with_values({"symbol": ["MINE"]})
    [unit] = plan.plan_units(own, start=START, end=hour(0).end)
    assert of_prices(unit)
    assert is_listed(own, storage=exchange.storage)(unit)
    assert not of_prices(next(plan.plan_units(known, start=START, end=hour(0).end)))
