"""``make demo``: it runs the real DAG to its end, and its table says only what was measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from include.ticklake.errors import TicklakeError
from include.ticklake.memory.capped_process import ChildEnd
from tests.conftest import REPOSITORY
from tools.demo import run as demo
from tools.demo import table as demo_table
from tools.local.airflow import environment


@pytest.mark.dag
def test_the_demo_ends_with_a_table_of_what_lies_in_the_lake(tmp_path: Path):
    """An hour goes through the DAG; records and folders of the table are those of the lake."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"],
        cwd=REPOSITORY,
        env={**os.environ, "DEMO_ROOT": str(tmp_path / "lake"), "LIVE": ""},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    manifests = [json.loads(path.read_text()) for path in (tmp_path / "lake").rglob("*Z.json")]
    rows = sum(each["parquet"]["rows"] for each in manifests)
    assert rows > 100_000
    assert re.search(rf"^  records +{rows:,}$", done.stdout, re.MULTILINE)
    assert "with the same bytes as in the lake" in done.stdout
    assert f"parquet            file://{tmp_path}/lake/parquet/binance_agg_trades/" in done.stdout


@pytest.mark.parametrize(
    ("place", "root_uri"),
    [
        pytest.param("", (REPOSITORY / "lake").as_uri(), id="default"),
        pytest.param("/data/lake", "file:///data/lake", id="folder"),
        pytest.param("s3://bucket/lake", "s3://bucket/lake", id="uri"),
    ],
)
def test_demo_root_moves_the_lake(place, root_uri):
    """DEMO_ROOT is a folder or a URI; without one the lake lies in the repository."""
    assert demo.lake(place) == root_uri


def test_the_demo_has_an_airflow_of_its_own():
    """Nothing of the caller's Airflow reaches the demo, above all not its database."""
    callers = {"AIRFLOW_HOME": "/theirs", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://"}
    callers |= {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "PATH": "/bin"}
    own = environment(callers, home=Path("/ours"), root_uri="file:///lake", base_url="")
    assert own["AIRFLOW_HOME"] == "/ours"
    assert own["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "sqlite:////ours/airflow.db"
    assert "AIRFLOW__CORE__EXECUTOR" not in own
    assert own["PATH"] == "/bin"


@pytest.mark.parametrize(
    ("mechanism", "peak_bytes", "says"),
    [
        pytest.param("cgroup v2", 61_000_000, "61.0 of 134.2 MB (cgroup v2)", id="counted"),
        pytest.param("RLIMIT_DATA", 150_000_000, "150.0 MB resident; its data", id="resident"),
        pytest.param("RLIMIT_DATA", None, "not visible here; limited to 134.2 MB", id="unseen"),
    ],
)
def test_a_peak_is_held_against_the_cap_only_where_the_cap_counts_it(mechanism, peak_bytes, says):
    """Resident memory counts shared libraries, which RLIMIT_DATA does not cap: no "of" there."""
    done = ChildEnd(
        mechanism=mechanism,
        cap_bytes=128 * 1024**2,
        peak_bytes=peak_bytes,
        exit_code=0,
        out_of_memory=False,
    )
    assert demo_table.peak(done).startswith(says)


def test_a_step_that_fails_gives_no_figure():
    """A step measured by itself must end well, or its peak would be that of a failure."""
    with pytest.raises(TicklakeError, match="extract ended with 2"):
        demo_table.run_capped(
            ["extract", "no_such_feed", "--start", "2026-01-01", "--end", "2026-01-02"],
            cap_bytes=128 * 1024**2,
            env=os.environ,
        )
