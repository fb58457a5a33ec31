"""docs/how-to/existing-airflow.md, word for word, in an Airflow with a DAG of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from include.operators.doctor import installation
from include.ticklake.doctor.diagnosis import Diagnosis
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.dag, pytest.mark.slow]

PAGE = REPOSITORY / "docs" / "how-to" / "existing-airflow.md"
BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OWN_DAG = """
from airflow.sdk import DAG, task

with DAG("theirs", schedule=None):
    @task
    def hello():
        return "hello"
    hello()
"""


@pytest.fixture(scope="module")
def theirs(own_airflow_env: Mapping[str, str]) -> dict[str, str]:
    """The environment of an Airflow that never heard of ticklake; its database has its tables."""
    home = Path(own_airflow_env["AIRFLOW_HOME"])
    (home / "dags").mkdir()
    (home / "plugins").mkdir()
    (home / "dags" / "theirs.py").write_text(OWN_DAG)
    env = dict(own_airflow_env)
    del env["PYTHONPATH"]
    return env | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW_PYTHON": sys.executable,
        "TICKLAKE": str(REPOSITORY),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }


def bash(script: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-uc", script], env=dict(env), cwd=env["AIRFLOW_HOME"],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    """The worst check of each name."""
    worst: dict[str, dict[str, str]] = {}
    for check in json.loads(done.stdout):
        name, severity = check["check"], ["ok", "warn", "fail"]
        seen = worst.setdefault(name, check)
        if severity.index(check["state"]) > severity.index(seen["state"]):
            worst[name] = check
    return worst


def test_the_page_leads_from_a_strange_airflow_to_one_with_our_dags(theirs, report_line):
    """What is missing before is named with its fix; afterwards only what does not run warns."""
    home = theirs["AIRFLOW_HOME"]
    before = bash(f"PYTHONPATH={REPOSITORY} {sys.executable} -m include.ticklake doctor --airflow "
                  "--json", {**theirs, "TICKLAKE_ROOT": f"file://{home}/lake"})  # fmt: skip
    assert before.returncode == 2, before.stderr
    found = checks(before)
    failed = {name for name, check in found.items() if check["state"] == "fail"}
    assert failed == {"dags", "plugin", "pools"}
    assert f"cp -R {REPOSITORY}/dags {home}/dags/ticklake" in found["dags"]["fix"]
    assert "tasks stay scheduled" in found["plugin"]["text"]
    *steps, doctor = BLOCKS.findall(PAGE.read_text(encoding="utf-8"))
    parse = 'airflow dag-processor --num-runs 1 >"$AIRFLOW_HOME/processor.log" 2>&1'
    after = bash("\n".join(["set -e", *steps, parse, f"{doctor.strip()} --json"]), theirs)
    assert after.returncode == 2, after.stdout + after.stderr
    found = checks(after)
    failed = {name for name, check in found.items() if check["state"] == "fail"}
    assert failed == {"dag processor"}  # which read the files once, and ended
    for name in ("PYTHONPATH", "dags", "plugin", "pools", "connections", "executor", "rights"):
        assert found[name]["state"] == "ok", found[name]
    assert "the plugin makes them" in found["pools"]["text"]
    assert re.fullmatch(r"Airflow has \d\d+, tagged ticklake", last_text(after, "dags"))
    assert found["scheduler"]["state"] == "warn"  # none runs in this test
    report_line(f"doctor --airflow: {len(json.loads(after.stdout))} checks")


def last_text(done: subprocess.CompletedProcess[str], name: str) -> str:
    return [check["text"] for check in json.loads(done.stdout) if check["check"] == name][-1]


def test_an_include_of_their_own_is_seen(tmp_path):
    """Ours hides it, or it hides ours: both are said, with what to do."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "helpers.py").write_text("")

    def check(path: str) -> Diagnosis:
        return installation.find_package([], python_path=path)

    hiding = check(f"{tmp_path}:{REPOSITORY}")
    assert (hiding.state, str(tmp_path) in hiding.text) == ("warn", True)
    (tmp_path / "include" / "__init__.py").write_text("")
    hidden = check(f"{tmp_path}:{REPOSITORY}")
    assert hidden.state == "fail"
    assert "copy " in hidden.fix
