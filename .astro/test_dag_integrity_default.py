"""What `astro dev parse` runs: every DAG file imports without an error."""

from __future__ import annotations

from airflow.dag_processing.dagbag import DagBag


def test_every_dag_file_imports() -> None:
    """No file in dags/ fails to import."""
    assert DagBag().import_errors == {}
