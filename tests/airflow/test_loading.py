"""A feed file that is wrong is an import error of its own: the other DAGs live."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from include.operators.dag_support import feeds
from include.ticklake.feed import loader
from tests.conftest import REPOSITORY
from tests.support.feed_files import VALID

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

SHIPPED = sorted(loader.SHIPPED.glob("*.yaml"))

WRONG = {
    "misspelt": (b"source: {kind: http}\nfeilds: {}\n", "misspelt.yaml:2: feilds"),
    "not_yaml": (b"source: [\n", "not_yaml.yaml:2"),
    "empty": (b"", "empty.yaml"),
    "not_text": (b"\xff\xfe\x00", "not_text.yaml"),
    "control": (b"description: \x00\n", "control.yaml"),
    "odd_window": (
        b"source: {kind: http, base_url: 'https://api.example.com', path: /}\nwindow: 7h\n"
        b"fields: {t: {type: timestamp, unit: ms, event_time: true}}\n",
        "odd_window.yaml: windows of 7h do not line up",
    ),
}

LOAD = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("dags")
print(json.dumps({"dags": sorted(bag.dags), "errors": bag.import_errors}))
"""


@pytest.fixture(params=WRONG, ids=list(WRONG))
def wrong(request, tmp_path, monkeypatch):
    """A folder with one feed that is wrong, and what is said of it."""
    body, message = WRONG[request.param]
    (tmp_path / f"{request.param}.yaml").write_bytes(body)
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    return message


def test_a_wrong_file_is_left_out_and_told(wrong):
    """The message names the file, and the line where there is one."""
    assert {feed.name for feed in feeds.valid_feeds()} == {path.stem for path in SHIPPED}
    (mistake,) = feeds.feed_errors()
    assert wrong in mistake


def test_a_task_reads_only_its_own_feed(monkeypatch):
    """Airflow says which DAG a process is for; the others need not be built in it."""
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "ingest_binance_klines")
    assert [feed.name for feed in feeds.valid_feeds()] == ["binance_klines"]


def test_the_shipped_feeds_are_all_right():
    """Otherwise every test above could pass for the wrong reason."""
    assert feeds.feed_errors() == []


def loaded(folder: Path, airflow_env: dict[str, str]) -> dict:
    """What Airflow makes of the DAG files, with the feeds of *folder* as well."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        env={**airflow_env, "TICKLAKE_FEEDS": str(folder)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answer: dict = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_valid_feed_with_long_names_costs_no_other_its_dag(tmp_path, airflow_env):
    """Airflow bounds the tags and pools that are called as hosts and connections are."""
    host = ".".join(["a" * 60] * 4)
    (tmp_path / "host.yaml").write_text(VALID.replace("api.example.com", host))
    (tmp_path / f"{'n' * 63}.yaml").write_text(VALID)
    (tmp_path / "connection.yaml").write_text(
        f"source: {{kind: sql, connection: {'c' * 200}, "
        "query: 'SELECT t FROM x WHERE t >= :start AND t < :end ORDER BY t'}\n"
        "fields: {t: {type: timestamp, unit: ms, event_time: true}}\n"
    )
    told = loaded(tmp_path, airflow_env)
    assert told["errors"] == {}
    assert {"ingest_host", f"ingest_{'n' * 63}", "ingest_connection"} < set(told["dags"])
    assert {f"ingest_{path.stem}" for path in SHIPPED} < set(told["dags"])


def test_airflow_shows_the_mistakes_and_loads_the_rest(tmp_path, airflow_env):
    """Every wrong file is in one import error of one DAG file; every other DAG is there."""
    for name, (body, _) in WRONG.items():
        (tmp_path / f"{name}.yaml").write_bytes(body)
    told = loaded(tmp_path, airflow_env)
    maintenance = {"rebuild", "compact", "audit", "retention"}
    assert set(told["dags"]) == {f"ingest_{path.stem}" for path in SHIPPED} | maintenance
    ((file, error),) = told["errors"].items()
    assert file.endswith("broken_feeds.py")
    assert [message for _, message in WRONG.values() if message not in error] == []
