"""Which feeds a maintenance run works on, and how many mapped tasks each of them gets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.operators.feed_plan import INVALID_FEEDS, plan_feeds, share_batches
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import parse_instant

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

RANGE = parse_instant("2026-01-02T00:00Z"), parse_instant("2026-01-03T00:00Z")
WITH_DATA = ["binance_agg_trades", "binance_klines", "okx_trades"]


class PlanXcoms:
    """Keeps what a task pushes."""

    def __init__(self) -> None:
        self.pushed: dict[str, object] = {}

    def xcom_push(self, *, key: str, value: object) -> None:
        self.pushed[key] = value


@pytest.fixture
def storage(tmp_path) -> Storage:
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    for feed in (*WITH_DATA, "misspelt"):
        storage.put(f"manifests/{feed}/date=2026-01-01/window.json", b"{}")
    return storage


@pytest.fixture
def planned(storage):
    """Plans a run; the plans, and what the task pushed."""

    def plan(*, range_of=lambda _: RANGE, applies_to=lambda _: True, **params: object):
        context = {"params": params, "ti": PlanXcoms()}
        plans = plan_feeds(context, storage=storage, range_of=range_of, applies_to=applies_to)
        return plans, context["ti"].pushed[INVALID_FEEDS]

    return plan


def names(plans) -> list[str]:
    return [plan.feed.name for plan in plans]


def test_every_feed_that_has_data_is_planned(planned):
    """With its range and all of its slices; the other shipped feeds have none."""
    plans, invalid = planned()
    assert (names(plans), invalid) == (WITH_DATA, {})
    assert [(plan.start, plan.end) for plan in plans] == [RANGE] * 3
    assert [plan.slices for plan in plans] == [loader.load(name).all_slices for name in WITH_DATA]


def test_feeds_can_be_chosen(planned):
    """One without data is left out."""
    plans, _ = planned(feeds=["okx_trades", "coinbase_trades"])
    assert names(plans) == ["okx_trades"]


def test_an_unknown_feed_is_refused(planned):
    """Before anything is done for the others."""
    with pytest.raises(UsageError, match="unknown feed 'okx_trade'; did you mean 'okx_trades'"):
        planned(feeds=["binance_klines", "okx_trade"])


def test_an_invalid_file_stops_no_other_feed(planned, tmp_path, monkeypatch):
    """It is named where the run ends."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "misspelt.yaml").write_text("source: {kind: http}\nfeilds: {}\n")
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    plans, invalid = planned()
    assert names(plans) == WITH_DATA
    assert list(invalid) == ["misspelt"]
    assert "misspelt.yaml:2: feilds" in invalid["misspelt"]


def test_slices_leave_out_the_feeds_that_have_none_of_them(planned):
    """A symbol of Binance is not one of OKX."""
    plans, _ = planned(slices=["symbol=BTCUSDT"])
    assert names(plans) == ["binance_agg_trades", "binance_klines"]
    with pytest.raises(UsageError, match="is not a slice of"):
        planned(slices=["symbol=NONE"])


def test_a_range_of_which_nothing_is_complete_is_refused(planned):
    """One feed's window may be complete where another's is not."""

    def range_of(feed):
        return RANGE if feed.name == "okx_trades" else None

    assert names(planned(range_of=range_of)[0]) == ["okx_trades"]
    with pytest.raises(UsageError, match="no window of the range is complete yet"):
        planned(range_of=lambda _: None)


def test_a_feed_to_which_the_task_does_not_apply_is_left_out(planned):
    """Nothing is left to plan: that is no mistake."""
    assert planned(applies_to=lambda feed: feed.window > timedelta(days=9))[0] == []


@pytest.mark.parametrize(
    ("sizes", "limits", "expected"),
    [
        pytest.param({"a": 3}, {"batches_max": 10}, {"a": 3}, id="never more than units"),
        pytest.param({"a": 50, "b": 50}, {"batches_max": 10}, {"a": 5, "b": 5}, id="the same"),
        pytest.param({"a": 999, "b": 1}, {"batches_max": 10}, {"a": 8, "b": 1}, id="by size"),
        pytest.param(
            {"a": 50, "b": 5}, {"batches_max": 100, "feed_batches_max": 7}, {"a": 7, "b": 5},
            id="a limit for each",
        ),
        pytest.param({}, {"batches_max": 10}, {}, id="nothing"),
    ],
)  # fmt: skip
def test_batches_are_shared_by_size(sizes, limits, expected):
    """A large feed gets more mapped tasks, a small one at least one."""
    assert share_batches(sizes, **limits) == expected


def test_all_feeds_together_fit_airflows_mapping():
    """However many there are."""
    for count in (1, 2, 21, 1023, 1024):
        sizes = {f"feed_{number}": 1 + number**2 for number in range(count)}
        assert count <= sum(share_batches(sizes, batches_max=1024).values()) <= 1024
    with pytest.raises(UsageError, match="raise TICKLAKE_BATCHES_MAX, or choose some `feeds`"):
        share_batches(dict.fromkeys("abc", 5), batches_max=2)
