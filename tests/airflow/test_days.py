"""The days that a compaction plans; and a real run that compacts one."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow.compute as pc
import pytest

from include.operators.access import batches
from include.ticklake.feed import loader
from include.ticklake.feed.plan import plan_units
from include.ticklake.lake import day_manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import parse_instant
from tests.support import lake_factory
from tests.support.planned_units import PlanTask

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]


class CompactRun:
    run_after = datetime(2026, 1, 5, 0, 45, tzinfo=UTC)


@pytest.fixture
def planned(monkeypatch, tmp_path):
    """Plans a run over a lake that has one feed of hours and one of days."""
    from include.operators.plan_days import PlanDaysOperator

    storage = Storage.open(f"file://{tmp_path}/lake", {})
    for feed in ("binance_agg_trades", "binance_funding"):
        storage.put(f"manifests/{feed}/symbol=BTCUSDT/date=2026-01-01/hour.json", b"{}")
    monkeypatch.setenv("TICKLAKE_ROOT", storage.root_uri)

    def plan(**params: object) -> list[dict[str, object]]:
        """The batches, with the manifests that their references stand for."""
        operator = PlanDaysOperator(task_id="plan", feed_batches_max=2)
        planned = operator.execute({"params": params, "dag_run": CompactRun(), "ti": PlanTask()})
        return [
            batch
            | {
                "manifests": batches.read_uris(
                    batch["manifests"], lambda: storage, feed=batch["feed"], is_days=True
                )
            }
            for batch in planned
        ]

    return plan


def test_a_scheduled_run_looks_at_the_last_three_complete_days(planned):
    """Of every slice of each feed with shorter windows; the day that is not over is left out."""
    batches = planned()
    assert [batch["feed"] for batch in batches] == ["binance_agg_trades"] * 2
    uris = [uri for batch in batches for uri in batch["manifests"]]
    days = {uri.rpartition("/")[2][:8] for uri in uris}
    assert days == {"20260102", "20260103", "20260104"}
    assert len(uris) == 3 * len(loader.load("binance_agg_trades").all_slices)


def test_a_range_and_slices_can_be_given(planned, tmp_path):
    """As in every other form."""
    [batch] = planned(start="2026-01-01", end="2026-01-02", slices=["symbol=ETHUSDT"])
    assert batch == {
        "feed": "binance_agg_trades",
        "runner": "process",
        "manifests": [
            f"file://{tmp_path}/lake/manifests/binance_agg_trades/symbol=ETHUSDT/date=2026-01-01/"
            "20260101T000000Z-20260102T000000Z.day.json"
        ],
    }


def test_a_run_of_the_dag_compacts_a_day(airflow, tmp_path):
    """In a memory-limited step, the same as the command line."""
    feed = loader.load("binance_agg_trades")
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    table = lake_factory.day_of_trades(600)
    month_ms = 30 * 24 * 3600 * 1000  # a day that is over, whenever this runs
    earlier = pc.subtract(table["T"], month_ms)
    table = table.set_column(table.schema.get_field_index("T"), "T", earlier)
    start, end = parse_instant("2026-10-23"), parse_instant("2026-10-24")
    for unit in plan_units(feed, start=start, end=end, slices=[lake_factory.BTC]):
        lake_factory.ingest(storage, table, unit.window, feed=feed)
    conf = '{"start": "2026-10-23", "end": "2026-10-24", "slices": ["symbol=BTCUSDT"]}'
    logical = parse_instant("2026-10-25").isoformat()
    done = airflow("dags", "test", "compact", logical, "--conf", conf)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    [day] = day_manifest.read_all(feed.name, storage=storage)
    assert day.rows == table.num_rows
    assert list(storage.list("parquet")) == [day.key]
