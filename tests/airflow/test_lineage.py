"""What OpenLineage learns of the lake's datasets; ``test_scheduler`` has the events themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.layout import Area
from tests.conftest import REPOSITORY

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

TIME = {"t": {"type": "timestamp", "unit": "ms", "event_time": True}}


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("file:///data/lake", ("file", "/data/lake/parquet/bars")),
        ("s3://ticks/lake", ("s3://ticks", "lake/parquet/bars")),
        ("s3://ticks", ("s3://ticks", "parquet/bars")),
    ],
)
def test_a_dataset_of_the_lake_is_a_feeds_folder(root, expected, monkeypatch):
    """By OpenLineage's naming of object stores and files."""
    from include.operators.task_info import lineage

    monkeypatch.setenv("TICKLAKE_ROOT", root)
    assert lineage.lake_name(Area.PARQUET, "bars") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"kind": "http", "base_url": "https://api.example.com", "path": "/v1/bars"},
            ("https://api.example.com", "/v1/bars"),
        ),
        (
            {
                "kind": "sql",
                "connection": "shop",
                "query": "SELECT t FROM bars WHERE t >= :start AND t < :end ORDER BY t",
            },
            ("airflow-connection://shop", "bars"),
        ),
        (
            {"kind": "files", "address": "https://data.example.com/bars/{date}.csv"},
            ("https://data.example.com", "/bars/{date}.csv"),
        ),
        (
            {"kind": "files", "address": "s3://ticks/bars/{date}.csv", "connection": "history"},
            ("s3://ticks", "/bars/{date}.csv"),
        ),
        (
            {"kind": "files", "address": "file:///data/bars/{date}.csv"},
            ("file", "/data/bars/{date}.csv"),
        ),
    ],
)
def test_a_source_is_an_api_or_a_connection(source, expected):
    """Never its login."""
    from include.operators.task_info import lineage

    feed = Feed.model_validate({"name": "bars", "source": source, "fields": TIME, "window": "1d"})
    assert lineage.source_name(feed) == expected


@pytest.mark.parametrize(
    ("step", "areas"),
    [("convert", ("json", "parquet")), ("compact", ("parquet", "parquet"))],
)
def test_a_step_reads_and_writes_what_its_name_says(step, areas, monkeypatch):
    """As the provider asks it."""
    pytest.importorskip("airflow.providers.openlineage")
    from include.operators.runners.process import ProcessStepOperator

    monkeypatch.setenv("TICKLAKE_ROOT", "s3://ticks/lake")
    task = ProcessStepOperator(task_id=step, feed="bars", step=step, manifests=[])
    found = task.get_openlineage_facets_on_start()
    datasets = [*found.inputs, *found.outputs]
    assert [dataset.name for dataset in datasets] == [f"lake/{area}/bars" for area in areas]
    assert {dataset.namespace for dataset in datasets} == {"s3://ticks"}


def test_nothing_of_openlineage_is_imported_by_a_dag_file():
    """It may not be installed."""
    code = """if True:
        import sys, runpy
        runpy.run_path("dags/ingest.py")
        runpy.run_path("dags/compact.py")
        ours = ("openlineage.client", "airflow.providers.openlineage.extractors")
        loaded = [name for name in sys.modules if name.startswith(ours)]
        assert loaded == [], loaded
    """
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, timeout=300)
