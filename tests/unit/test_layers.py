"""The core has never heard of Airflow, and what a DAG file needs is light."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

from include import ticklake
from tests.conftest import REPOSITORY

CORE = [
    module.name
    for module in pkgutil.walk_packages(ticklake.__path__, "include.ticklake.")
    if not module.name.endswith(".__main__")
]
HEAVY = {"airflow", "pyarrow", "ijson", "msgspec", "boto3", "botocore", "requests", "tenacity"}
LIGHT = [
    "errors", "windows", "slices", "settings", "fields", "durations", "templates", "paging",
    "http_source", "feeds", "names", "yaml_files", "feed_files", "plan",
]  # fmt: skip


def imported_by(*modules: str) -> set[str]:
    """The top-level packages that a fresh interpreter has after importing these."""
    code = f"import json, sys\nfor name in {modules!r}: __import__(name)\n"
    code += "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return set(json.loads(said.stdout))


def test_the_core_imports_no_airflow():
    """Any module of it, in a process that has imported nothing else."""
    found = imported_by(*CORE)
    assert "include" in found
    assert "pyarrow" in found  # or this test would look at nothing
    assert "airflow" not in found


@pytest.mark.parametrize("name", LIGHT)
def test_what_a_dag_file_imports_is_light(name):
    """No Arrow, no JSON parser, no client: parsing a DAG needs none of them."""
    assert not imported_by(f"include.ticklake.{name}") & HEAVY


def test_reading_every_feed_is_light():
    """Also when it is done, not only imported."""
    code = "include.ticklake.feed.loader"
    script = (
        "import json, sys\n"
        f"from {code.rpartition('.')[0]} import feed_files, plan\n"
        "feed_files.load_all({})\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not set(json.loads(said.stdout)) & HEAVY
