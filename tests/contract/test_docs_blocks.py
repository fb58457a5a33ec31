"""Every block of code on every page is run, or is in the list here of those that are not."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from include.ticklake.__main__ import main
from tests.conftest import REPOSITORY
from tests.support import doc_pages
from tests.support.doc_pages import DOCS, RUN, YAML, PageBlock

CLUSTER = "needs a Kubernetes cluster and a registry"
DOCKER = "builds and starts containers; tests/contract/test_deployment.py checks the files"
DATABASE = "needs Airflow's database and its scheduler"
SPARK = "run by tests/spark/test_lake.py"
SERVES = "serves until it is stopped: the tests have one of their own"

NOT_RUN = {
    ("README.md", ""): "run by tests/contract/test_docs.py",
    ("docs/tutorial.md", "make ui"): "run by tests/tools/test_ui.py",
    ("docs/tutorial.md", "python -m include.replay"): SERVES,
    ("docs/how-to/add-a-source.md", ""): "run by tests/contract/test_docs.py",
    ("docs/how-to/alerts.md", "ticklake audit"): "ends with 4, as its feed has no data here; "
    "repair.md runs such a check",
    ("docs/how-to/alerts.md", "airflow pools"): DATABASE,
    ("docs/how-to/backfill.md", "airflow backfill"): DATABASE,
    ("docs/how-to/existing-airflow.md", ""): "run by tests/airflow/test_existing_airflow.py",
    ("docs/how-to/lineage.md", "pip install"): "installs a provider of Airflow",
    ("docs/how-to/notebook.md", ". .venv/bin/activate"): "installs Jupyter; "
    "tests/contract/test_notebook.py runs the notebook",
    ("docs/how-to/read.md", "import os"): "run by tests/unit/lake/test_read.py",
    ("docs/how-to/read.md", "from pyiceberg"): "run by tests/iceberg/test_files.py",
    ("docs/how-to/read.md", "spark-sql"): SPARK,
    ("docs/how-to/read.md", "MSCK REPAIR"): SPARK,
    ("docs/how-to/read.md", "REFRESH TABLE"): SPARK,
    ("docs/how-to/run-on-kubernetes.md", ""): CLUSTER,
    ("docs/how-to/run-with-astro.md", "astro dev"): "needs the Astro CLI and its image",
    ("docs/how-to/run-with-compose.md", "make up"): DOCKER,
    ("docs/how-to/run-with-docker.md", "make image"): DOCKER,
    ("docs/how-to/web-page.md", ""): "run by tests/contract/test_web.py",
}
"""A page and how its block begins ("" for all of them), and why it is not run here."""

HOUR = "2026-01-02T02:00:00Z"
NOW = "2026-01-02T06:00:00Z"


def pages() -> list[Path]:
    """The pages for people; decisions show no code."""
    shown = (page for page in DOCS.rglob("*.md") if page.parent.name != "decisions")
    return [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted(shown)]


BLOCKS = [block for page in pages() for block in doc_pages.blocks(page)]


def reason(block: PageBlock) -> str | None:
    """Why *block* is not run here."""
    return next(
        (
            why
            for (page, begins), why in NOT_RUN.items()
            if page == block.page and block.text.lstrip("# ").startswith(begins)
        ),
        None,
    )


RUNNABLE = [block for block in BLOCKS if not reason(block)]
RUN_PAGES = sorted({block.page for block in RUNNABLE if block.kind in RUN})


@pytest.fixture(scope="module")
def replay() -> Iterator[str]:
    """The address of the replay."""
    with subprocess.Popen(
        [sys.executable, "-m", "include.replay", "--port", "0", "--now", NOW],
        cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        yield f"http://127.0.0.1:{server.stdout.readline().rpartition(':')[2].strip()}"
        server.terminate()
        server.stdout.read()


@pytest.fixture(scope="module")
def filled(tmp_path_factory, replay) -> Path:
    """A lake with an hour of trades of two slices, converted."""
    lake = tmp_path_factory.mktemp("filled") / "lake"
    hour = ["--start", HOUR, "--end", HOUR.replace("T02", "T03"), "--root", f"file://{lake}"]
    assert main(["extract", "binance_agg_trades", *hour, "--base-url", replay]) == 0
    assert main(["rebuild", "binance_agg_trades", *hour]) == 0
    return lake


@pytest.mark.parametrize("name", RUN_PAGES)
def test_a_page_does_what_it_says(name, filled, replay, tmp_path):
    """Its files are saved, its commands run one after the other, its outputs compared."""
    shutil.copytree(filled, tmp_path / "lake")
    shown = [block for block in RUNNABLE if block.page == name]
    said = doc_pages.run(
        [block for block in shown if block.kind in RUN or block.saved],
        folder=tmp_path,
        replace=[
            ("'/lake/", f"'{tmp_path}/lake/"),
            ('"/lake/', f'"{tmp_path}/lake/'),
            ("2026-11-22", "2026-01-02"),
            ("http://127.0.0.1:8900", replay),
            (". .venv/bin/activate\n", ""),
        ],
        env={
            "TICKLAKE_ROOT": f"file://{tmp_path}/lake",
            "TICKLAKE_BASE_URL": replay,
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
        },
    )
    for command, output in itertools.pairwise(shown):
        if output.kind == "text" and output.follows and command.line in said:
            printed = re.sub(" +", " ", said[command.line])
            assert doc_pages.pattern(output.text).fullmatch(printed), (output.text, printed)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(block, id=f"{block.page}:{block.line}")
        for block in RUNNABLE
        if block.kind in YAML and not block.saved
    ],
)
def test_yaml_is_a_feed_or_a_part_of_one(block):
    """As the models of feed files read it."""
    doc_pages.check_feed(block.text)


def test_every_file_of_yaml_that_is_shown_can_be_read():
    """Also those of a cluster, which nothing here runs."""
    for block in BLOCKS:
        if block.kind in YAML:
            assert list(yaml.safe_load_all(textwrap.dedent(block.text))), block


def test_every_reason_is_about_a_block():
    """A block that is gone, or that is run by now, has no place in the list."""
    used = {(page, begins) for page, begins in NOT_RUN for block in BLOCKS
            if block.page == page and block.text.lstrip("# ").startswith(begins)}  # fmt: skip
    there = {name for name in NOT_RUN if (REPOSITORY / name[0]).exists()}
    assert used == there


def test_no_block_is_hidden_by_its_indent():
    """An indented fence would not be seen here."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"^ +```", text, re.MULTILINE), page
        assert text.count("\n```") % 2 == 0, page
