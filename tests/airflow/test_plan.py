"""What a run fetches, from its params and interval."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest

from include.ticklake.errors import FeedFileError, RetryableError, UsageError
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from tests.support.listed_symbols import PRICES, ListedSymbols, rows
from tests.support.planned_units import PlanTask, units_of

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

FEED = """
source: {{kind: http, base_url: "https://api.example.com", path: "/{{symbol}}"}}
slices: {{symbol: [{symbols}]}}
fields: {{t: {{type: timestamp, unit: ms, event_time: true}}}}
"""

MAX_MAP_LENGTH = 1024  # Airflow's default


class PlannedRun:
    run_after = datetime(2026, 1, 2, 3, 20, tzinfo=UTC)

    def __init__(self, run_type: str = "scheduled") -> None:
        self.run_type = run_type


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """Plans a run of a feed with that many slices: its batches, and the scope it pushed."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})

    def plan(symbols: int, /, interval=(None, None), run_type="scheduled", **params: object):
        from include.operators.plan import PlanOperator

        names = ", ".join(f"S{number}" for number in range(symbols))
        (tmp_path / "many.yaml").write_text(FEED.format(symbols=names))
        monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
        monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
        ti = PlanTask()
        bounds = ("data_interval_start", "data_interval_end")
        own = dict(zip(bounds, interval, strict=True))
        context = {"params": params, "dag_run": PlannedRun(run_type), "ti": ti} | own
        references = PlanOperator(task_id="plan", feed="many").execute(context)
        return [units_of(each, storage) for each in references], ti.pushed["scope"]

    return plan


@pytest.mark.parametrize(
    ("slices", "batches"), [(1, 1), (3, 3), (200, 200), (201, 200), (5000, 200)]
)
def test_any_number_of_slices_fits_airflows_mapping(planned, slices, batches):
    """Batches stay below ``max_map_length``, are nearly equal, and lose nothing."""
    found, scope = planned(slices)
    sizes = [len(batch) for batch in found]
    assert len(found) == batches < MAX_MAP_LENGTH
    assert max(sizes) - min(sizes) <= 1
    assert len({unit for batch in found for unit in batch}) == sum(sizes) == slices
    assert scope == {
        "start": "2026-01-02T02:00:00+00:00",
        "end": "2026-01-02T03:00:00+00:00",
        "windows": 1,
        "slices": slices,
    }


@pytest.mark.parametrize("moment", [None, datetime(2026, 1, 2, 1, 7, tzinfo=UTC)], ids=str)
def test_a_run_without_an_interval_is_about_the_last_window_that_is_over(planned, moment):
    """Without a logical date there is none; without a schedule it is empty."""
    _, scope = planned(1, interval=(moment, moment))
    assert scope["start"] == "2026-01-02T02:00:00+00:00"


def test_a_runs_own_interval_is_what_it_is_about(planned):
    """A scheduled run, a backfill, a logical date: all have one."""
    hour = datetime(2026, 1, 1, 5, tzinfo=UTC), datetime(2026, 1, 1, 6, tzinfo=UTC)
    _, scope = planned(1, interval=hour)
    assert (scope["start"], scope["windows"]) == ("2026-01-01T05:00:00+00:00", 1)


def test_a_long_range_is_cut_into_windows(planned):
    """A day and a half of two slices is 72 hours to fetch."""
    batches, scope = planned(2, start="2025-12-31T00:00:00Z", end="2026-01-01T12:00:00Z")
    assert sum(map(len, batches)) == 72
    assert (scope["windows"], scope["slices"]) == (36, 2)


def test_part_of_a_window_is_the_whole_window(planned):
    """The same instant always lies in the same window, however it was asked for."""
    _, scope = planned(1, start="2026-01-02T00:30:00Z", end="2026-01-02T01:15:00Z")
    assert (scope["start"], scope["end"]) == (
        "2026-01-02T00:00:00+00:00",
        "2026-01-02T02:00:00+00:00",
    )


def test_a_range_too_long_for_one_run_says_what_to_do(planned):
    """Before it has filled the memory, or Airflow's database."""
    with pytest.raises(UsageError, match="use Airflow's backfill"):
        planned(5000, start="2020-01-01T00:00:00Z", end="2026-01-01T00:00:00Z")


def test_a_memory_limit_that_nothing_fits_in_is_refused_by_the_plan(planned, monkeypatch):
    """Before anything is fetched, which would have no way into the lake."""
    monkeypatch.setenv("TICKLAKE_CAP", "64MiB")
    with pytest.raises(UsageError, match="a cap of 64 MiB is too small"):
        planned(1)


def test_a_feed_with_an_empty_list_of_slices_says_so(planned):
    """It would otherwise do nothing, every hour, and call that a success."""
    with pytest.raises(FeedFileError, match="symbol: holds no value, so nothing would be fetched"):
        planned(0)


def test_chosen_slices_are_all_that_is_planned(planned):
    """``slices`` of the form narrows the run."""
    batches, scope = planned(50, slices=["symbol=S7", "symbol=S9"])
    assert [str(unit.slice) for batch in batches for unit in batch] == ["symbol=S7", "symbol=S9"]
    assert scope["slices"] == 2


@pytest.fixture
def unfinished(tmp_path):
    """The unit of S0 from midnight to 1, which was fetched too early."""
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake import unfinished

    names = ["S0", "S1"]
    source = {"kind": "http", "base_url": "https://api.example.com", "path": "/{symbol}"}
    fields = {"t": {"type": "timestamp", "unit": "ms", "event_time": True}}
    feed = Feed.model_validate(
        {"name": "many", "source": source, "slices": {"symbol": names}, "fields": fields}
    )
    unit = Unit.of({"slice": {"symbol": "S0"}, "window": "20260102T000000Z-20260102T010000Z"})
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    unfinished.mark(feed, unit, until_ms=unit.window.end_ms, storage=storage)
    return unit


@pytest.mark.parametrize(
    ("how", "is_taken_up"),
    [
        pytest.param({}, True, id="scheduled"),
        pytest.param({"run_type": "manual"}, True, id="by hand"),
        pytest.param({"slices": ["symbol=S0"]}, True, id="its slice is chosen"),
        pytest.param({"slices": ["symbol=S1"]}, False, id="another slice is chosen"),
        pytest.param({"start": "2026-01-02T01:00:00Z"}, False, id="a range is chosen"),
        pytest.param({"run_type": "backfill"}, False, id="one of many runs of a backfill"),
    ],
)
def test_the_next_run_takes_up_what_was_unfinished(planned, unfinished, how, is_taken_up):
    """Before its own units; the scope, and so the event, covers it."""
    batches, scope = planned(2, **how)
    units = [unit for batch in batches for unit in batch]
    assert (unfinished in units) is is_taken_up
    assert len(units) == len(set(units))
    if is_taken_up:
        assert units[0] == unfinished
        assert (scope["start"], scope["windows"]) == ("2026-01-02T00:00:00+00:00", 2)


@pytest.fixture
def listed(tmp_path, http_server, monkeypatch):
    """Two feeds, of which one lists the slices of the other, and their lake."""
    exchange = ListedSymbols(tmp_path, http_server)
    monkeypatch.setenv("TICKLAKE_FEEDS", str(exchange.feeds))
    monkeypatch.setenv("TICKLAKE_ROOT", exchange.storage.root_uri)
    return exchange


@pytest.fixture
def planned_symbols(listed):
    """The symbols that a run of the prices fetches."""
    return partial(_planned_symbols, listed.storage)


def _planned_symbols(storage: Storage, **params: object) -> list[str]:
    from include.operators.plan import PlanOperator

    context = {"params": params, "dag_run": PlannedRun(), "ti": PlanTask()}
    batches = PlanOperator(task_id="plan", feed="prices").execute(context)
    return [unit.slice.as_dict()["symbol"] for each in batches for unit in units_of(each, storage)]


def test_a_run_plans_the_symbols_that_are_listed(listed, planned_symbols, caplog):
    """The task is green where a newer list cannot be right, and its log says so."""
    listed.fetch(0, rows(["A", "B", "C"]))
    assert planned_symbols() == ["A", "B", "C"]
    listed.fetch(1, [])
    assert planned_symbols() == ["A", "B", "C"]
    assert "slices.kept" in caplog.text


def test_the_form_selects_listed_symbols_and_those_that_left(listed, planned_symbols):
    """A text that was never listed is refused, with what comes nearest."""
    listed.write(prices=PRICES.replace("{feed: symbols,", "{feed: symbols, may_shrink: 50%,"))
    listed.fetch(0, rows(["BTC", "ETH"]))
    planned_symbols()
    listed.fetch(1, rows(["ETH"]))
    assert planned_symbols() == ["ETH"]
    assert planned_symbols(slices=["symbol=BTC"]) == ["BTC"]
    with pytest.raises(UsageError, match="did you mean 'symbol=BTC'"):
        planned_symbols(slices=["symbol=BTX"])


def test_the_first_plan_waits_for_a_list(listed, planned_symbols):
    """Both DAGs are switched on at once: Airflow tries the plan again."""
    from include.operators.dag_support.retries import NOT_RETRYABLE

    with pytest.raises(RetryableError, match="run ingest_symbols") as error:
        planned_symbols()
    assert not isinstance(error.value, NOT_RETRYABLE)
    listed.fetch(0, rows(["A"]))
    assert planned_symbols() == ["A"]
