"""What is installed where: Airflow's version, providers, our package, the DAG files, the plugin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from include.operators.access.settings import OperatorSettings
from include.ticklake.doctor.diagnosis import Diagnosis

GUIDE = "docs/how-to/existing-airflow.md"
TESTED = (3, 3)
OWN_PATH = "_TICKLAKE_CALLERS_PYTHONPATH"
"""The ``PYTHONPATH`` that ``doctor`` was called with; that of this process has our root first."""
REPOSITORY = Path(__file__).parents[3]
_DAG_FILE = "ingest.py"
_PLUGIN = "ticklake"
_PROVIDERS = {
    "s3": "apache-airflow-providers-amazon",
    "docker": "apache-airflow-providers-docker",
    "kubernetes": "apache-airflow-providers-cncf-kubernetes",
}
_FIND = """
import importlib.util, json, os, sys
sys.path += sys.argv[1:]
def find(name):
    try:
        return importlib.util.find_spec(name)
    except ImportError:
        return None
ours, top = find("include.ticklake"), find("include")
places = [os.path.realpath(place) for place in (top.submodule_search_locations if top else [])]
seen = [os.path.realpath(os.path.join(folder, "include")) for folder in sys.path]
hidden = [place for place in seen if os.path.isdir(place) and place not in places]
print(json.dumps({"ours": ours and ours.origin, "places": places, "hidden": hidden}))
"""


def check_version() -> Iterator[Diagnosis]:
    """Yield whether this Airflow is one that the tests ran with."""
    version = metadata.version("apache-airflow-core")
    release = tuple(int(part) for part in version.split(".")[:2])
    if release < TESTED:
        yield Diagnosis.fail("airflow", f"{version} is too old", "upgrade to Airflow 3.3")
    elif release > TESTED:
        fix = "try it on a copy first; requirements.txt names the version that the tests ran with"
        yield Diagnosis.warn("airflow", f"{version} is newer than what was tested", fix)
    else:
        yield Diagnosis.ok(
            "airflow", f"{version}, home {os.environ.get('AIRFLOW_HOME', '~/airflow')}"
        )


def check_providers() -> Iterator[Diagnosis]:
    """Yield the providers that the root and the runner need and that are not installed."""
    from include.operators.dag_support import feeds

    settings = OperatorSettings.from_env(os.environ)
    needed = [settings.root_uri.partition("://")[0], *feeds.runners()]
    names = [_PROVIDERS[each] for each in needed if each in _PROVIDERS]
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        text = f"not installed: {', '.join(missing)}"
        yield Diagnosis.fail("providers", text, f"pip install {' '.join(missing)}")
    else:
        yield Diagnosis.ok("providers", ", ".join(names) or "none is needed")


def check_python_path() -> Iterator[Diagnosis]:
    """Yield whether Airflow's own processes, with this environment, find our package."""
    from airflow.configuration import conf

    folders = [conf.get("core", "plugins_folder"), conf.get("core", "dags_folder")]
    callers = os.environ.get(OWN_PATH, os.environ.get("PYTHONPATH", ""))
    yield find_package(folders, python_path=callers)


def find_package(folders: list[str], *, python_path: str) -> Diagnosis:
    """Which package a Python with *python_path* finds, and *folders* after it, as in Airflow."""
    said = subprocess.run(
        [sys.executable, "-P", "-c", _FIND, *folders],
        env={**os.environ, "PYTHONPATH": python_path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(said.stdout)
    name = "PYTHONPATH"
    if not found["ours"] and found["places"]:
        return Diagnosis.fail(
            name, f"`include` is {', '.join(found['places'])}, without ticklake in it",
            f"copy {REPOSITORY}/include/* into that folder: {GUIDE}",
        )  # fmt: skip
    if not found["ours"]:
        fix = f"set PYTHONPATH={REPOSITORY} for every process of Airflow, and start them again"
        return Diagnosis.fail(name, "Airflow does not find include.ticklake", fix)
    if found["hidden"]:
        return Diagnosis.warn(
            name, f"{found['ours']} hides your own {', '.join(found['hidden'])}",
            f"keep one folder `include`: copy ours into yours, or rename yours: {GUIDE}",
        )  # fmt: skip
    return Diagnosis.ok(name, str(Path(found["ours"]).parents[2]))


def check_dags() -> Iterator[Diagnosis]:
    """Yield whether a DAG bundle holds our files, and what Airflow made of them."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    bundles: Any = DagBundlesManager()  # type: ignore[no-untyped-call]  # Airflow's own
    folders = [Path(bundle.path) for bundle in bundles.get_all_dag_bundles()]
    holding = [folder for folder in folders if any(_is_ours(file) for file in _files(folder))]
    if not holding:
        listed = ", ".join(map(str, folders)) or "no folder"
        fix = f"cp -R {REPOSITORY}/dags {folders[0] if folders else 'DAGS_FOLDER'}/ticklake"
        yield Diagnosis.fail("dags", f"no file of ours in {listed}", fix)
        return
    yield Diagnosis.ok("dags", f"files in {', '.join(map(str, holding))}")
    dags, errors = _parsed()
    for file, reason in errors.items():
        fix = "correct it; the DAG processor reads the file again by itself"
        yield Diagnosis.fail("dags", f"{file}: {reason}", fix)
    if dags:
        yield Diagnosis.ok("dags", f"Airflow has {dags}, tagged ticklake")
    elif not errors:
        fix = "start `airflow dag-processor`, and wait half a minute"
        yield Diagnosis.warn("dags", "Airflow has not read them yet", fix)


def check_plugin() -> Iterator[Diagnosis]:
    """Yield whether the plugin is loaded, which makes pools and serves the page."""
    from airflow import plugins_manager
    from airflow.configuration import conf

    plugins_manager.ensure_plugins_loaded()
    errors = plugins_manager.get_import_errors()
    names = {str(plugin["name"]) for plugin in plugins_manager.get_plugin_info(["name"])}
    folder = conf.get("core", "plugins_folder")
    ours = {file: reason for file, reason in errors.items() if _PLUGIN in file}
    if _PLUGIN in names:
        yield Diagnosis.ok("plugin", f"loaded from {folder}")
    elif ours:
        yield Diagnosis.fail("plugin", f"cannot be loaded: {ours}", "check PYTHONPATH first")
    else:
        yield Diagnosis.fail(
            "plugin", f"not in {folder}: no pool is made, so tasks stay scheduled, and no page",
            f"cp {REPOSITORY}/plugins/ticklake_plugin.py {folder}/ and start Airflow again",
        )  # fmt: skip


def _parsed() -> tuple[int, dict[str, str]]:
    """How many of our DAGs Airflow has, and the errors of our files."""
    from airflow.models.dag import DagTag
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        dags = session.scalar(select(func.count(DagTag.dag_id)).where(DagTag.name == _PLUGIN))
        rows = session.execute(select(ParseImportError.filename, ParseImportError.stacktrace))
        errors = {
            str(file): str(trace).strip().splitlines()[-1]
            for file, trace in rows
            if "include.ticklake" in str(trace) or "include.operators" in str(trace)
        }
    return dags or 0, errors


def _files(folder: Path) -> Iterator[Path]:
    """Files of a name that we have, also behind a link."""
    for parent, _, names in os.walk(folder, followlinks=True):
        if _DAG_FILE in names:
            yield Path(parent) / _DAG_FILE


def _is_ours(file: Path) -> bool:
    return "include.operators" in file.read_text("utf-8", errors="replace")


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
