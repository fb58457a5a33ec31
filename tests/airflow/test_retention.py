"""A feed that says how long it is kept has a DAG that sees to it; others have none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from include.ticklake.lake.storage import Storage
from tests.conftest import REPOSITORY
from tests.support import lake_factory

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]


@pytest.fixture(params=[False, True], ids=["tells", "deletes"])
def dag(request, tmp_path, monkeypatch):
    """The DAG of a feed whose JSON is kept for a week; its param says what the file says."""
    from airflow.dag_processing.dagbag import DagBag

    described = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described["retention"] = {"json": "7d", "delete": request.param}
    described.pop("name")
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "trades.yaml").write_text(json.dumps(described))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    bag = DagBag(REPOSITORY / "dags" / "retention.py")
    assert (bag.import_errors, set(bag.dags)) == ({}, {"retention_trades"})
    found = bag.dags["retention_trades"]
    assert found.params["delete"] is request.param
    return found


def test_a_run_deletes_only_where_the_feed_says_so(dag, tmp_path):
    """It is daily; what was old a week before the run was made goes, or is told."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), lake_factory.hour(3))

    class DagRun:
        run_after = datetime(2026, 11, 30, 3, 45, tzinfo=UTC)

    assert (dag.catchup, dag.max_active_runs, dag.schedule is None) == (False, 1, False)
    [task] = dag.tasks
    context = {"dag_run": DagRun(), "params": {"delete": dag.params["delete"]}}
    [total] = task.execute(context)
    assert (total["what"], total["objects"], total["before"]) == ("json", 1, "2026-11-23")
    assert len(list(storage.list("json"))) == (0 if dag.params["delete"] else 1)
    DagRun.run_after -= timedelta(days=1)
    assert [each["objects"] for each in task.execute(context)] == [0]
