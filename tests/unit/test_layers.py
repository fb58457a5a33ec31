"""The data flows one way, the core never imports Airflow, and what a DAG file needs is light."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from include import ticklake
from include.ticklake.sources.source import SOURCES
from tests.conftest import REPOSITORY

# Each folder (or module on top) of the core imports only from what stands above it.
CORE_LAYERS = [
    "errors", "redaction", "model", "types", "kernel", "settings", "memory", "feed.paging", "feed",
    "lake", "sources", "sources.json", "sources.text", "sources.sql", "sources.http",
    "sources.files", "extract",
    "convert.parse", "convert", "maintain", "publish", "scaffold", "doctor", "cli",
]  # fmt: skip
# So does each folder of the seam to Airflow, and all of them may import the core.
AIRFLOW_LAYERS = ["access", "task_info", "alerts", "runners", "dag_support", "", "audit", "doctor"]
MAX_LEVELS = 9

CORE = [
    module.name
    for module in pkgutil.walk_packages(ticklake.__path__, "include.ticklake.")
    if not module.name.endswith(".__main__")
]
HEAVY = {
    "airflow",
    "pyarrow",
    "ijson",
    "msgspec",
    "boto3",
    "botocore",
    "obstore",
    "requests",
    "tenacity",
}
LIGHT = [
    "errors", "settings", "model.window", "model.slice", "model.unit", "model.times",
    "model.sizes", "model.case_clashes", "model.durations", "model.strict", "types.field_types",
    "feed.fields",
    "feed.placeholders", "feed.paging", "feed.http_source", "feed.sql_source",
    "feed.files_source", "feed.feed",
    "feed.yaml_nodes", "feed.loader", "feed.plan", "lake.layout",
]  # fmt: skip


def imports(file: Path) -> Iterator[str]:
    """Yield every module of ours that *file* imports, also within functions."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                is_module = any((REPOSITORY / to_path(name)).with_suffix(end).exists()
                                for end in (".py", ""))  # fmt: skip
                yield name if is_module else node.module


def to_path(module: str) -> str:
    """``a.b`` as ``a/b``."""
    return module.replace(".", "/")


def folder_of(module: str, root: str) -> str | None:
    """The folder below the package *root* that *module* is in; None for *root*'s own start."""
    name = module.removeprefix(root).lstrip(".")
    if root == "include.ticklake" and name in ("", "__main__"):
        return None
    is_top_module = root == "include.ticklake" and "." not in name
    if is_top_module or (REPOSITORY / to_path(module)).is_dir():
        return name
    return name.rpartition(".")[0]


def folder_imports(root: str, layers: list[str]) -> dict[str, set[str]]:
    """Folder -> the other folders of the same package that it imports from."""
    graph: dict[str, set[str]] = {layer: set() for layer in layers}
    for file in (REPOSITORY / to_path(root)).rglob("*.py"):
        module = ".".join(file.relative_to(REPOSITORY).with_suffix("").parts)
        layer = folder_of(module.removesuffix(".__init__"), root)
        if layer is None:
            continue
        for imported in imports(file):
            if imported.startswith(root):
                target = folder_of(imported, root)
                if target not in (None, layer):
                    graph.setdefault(layer, set()).add(str(target))
    return graph


PACKAGES = pytest.mark.parametrize(
    ("root", "layers"),
    [
        pytest.param("include.ticklake", CORE_LAYERS, id="core"),
        pytest.param("include.operators", AIRFLOW_LAYERS, id="operators"),
    ],
)


@PACKAGES
def test_each_folder_imports_only_what_stands_above_it(root, layers):
    """The list is the whole truth: no folder is missing in it."""
    graph = folder_imports(root, layers)
    assert sorted(graph) == sorted(layers)
    back = {
        f"{layer} imports {target}, which stands below it"
        for layer, targets in graph.items()
        for target in targets
        if layers.index(target) > layers.index(layer)
    }
    assert not back


@PACKAGES
def test_there_is_no_folder_cycle_and_few_levels(root, layers):
    """A level is one more than the highest that it imports from."""
    graph = folder_imports(root, layers)
    level: dict[str, int] = {}
    for layer in TopologicalSorter(graph).static_order():  # raises where there is a cycle
        level[layer] = 1 + max((level[target] for target in graph[layer]), default=0)
    by_level = dict(sorted(level.items(), key=lambda pair: pair[1]))
    print(f"{root}: {max(level.values())} levels: {by_level}")
    assert max(level.values()) <= MAX_LEVELS


@pytest.mark.parametrize("folder", ["include", "dags", "plugins", "tools"])
def test_nothing_imports_the_tests(folder):
    """What is deployed or run by a developer stands on its own."""
    guilty = [
        str(file)
        for file in (REPOSITORY / folder).rglob("*.py")
        if any(name.partition(".")[0] == "tests" for name in imports(file))
    ]
    assert not guilty


def test_the_core_imports_no_developer_tools_and_no_operators():
    """The replay is asked for by one command only, where it is installed."""
    guilty = {
        (str(file.relative_to(REPOSITORY)), name)
        for file in (REPOSITORY / "include/ticklake").rglob("*.py")
        for name in imports(file)
        if name.startswith(("tools", "include.operators", "include.ui", "include.replay"))
    }
    assert {name for _, name in guilty} <= {"include.replay", "include.replay.command"}
    assert {file.split("/")[2] for file, _ in guilty} <= {"cli"}


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


def test_an_extraction_imports_no_arrow():
    """Of no source: it would take half of the memory, for Parquet that is not read."""
    sources = [target.partition(":")[0] for target in SOURCES.values()]
    found = imported_by("include.ticklake.extract.extract_batch", *sources)
    assert "msgspec" in found
    assert not found & {"pyarrow", "numpy"}


@pytest.mark.parametrize("name", LIGHT)
def test_what_a_dag_file_imports_is_light(name):
    """No Arrow, no JSON parser, no client: parsing a DAG needs none of them."""
    assert not imported_by(f"include.ticklake.{name}") & HEAVY


def test_reading_every_feed_is_light():
    """Also when it is done, not only imported."""
    code = "include.ticklake.feed.loader"
    script = (
        "import json, sys\n"
        f"from {code.rpartition('.')[0]} import loader, plan\n"
        "for path in loader.feed_paths({}).values():\n"
        "    loader.read_feed(path)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not set(json.loads(said.stdout)) & HEAVY
