"""The repository's shape: tests mirror the code, files are short, class names are unique."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import REPOSITORY

CORE = REPOSITORY / "include" / "ticklake"
UNIT_TESTS = REPOSITORY / "tests" / "unit"
FOLDERS = ["dags", "include", "plugins", "tests", "tools"]
MAX_LINES = 300

TESTED_ELSEWHERE = {
    "include/ticklake/publish/iceberg.py": "tests/iceberg/test_table.py",
    "include/ticklake/publish/iceberg_files.py": "tests/iceberg/test_files.py",
    "include/ticklake/publish/publish.py": "tests/iceberg/test_publish.py",
}
"""Modules whose tests need what not every machine has."""


def modules() -> Iterator[Path]:
    """Every Python file of the repository."""
    for folder in FOLDERS:
        yield from (REPOSITORY / folder).rglob("*.py")


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def has_code(module: Path) -> bool:
    """Whether *module* is more than a docstring and imports."""
    statements = ast.parse(module.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in statements)


def test_every_module_of_the_core_has_its_tests_at_the_mirrored_place():
    """``include/ticklake/a/b.py`` is tested by ``tests/unit/a/test_b.py``."""
    missing = set()
    for module in CORE.rglob("*.py"):
        folder = UNIT_TESTS / module.relative_to(CORE).parent
        if module.stem == "__main__":
            continue
        stem = module.parent.name if module.stem == "__init__" else module.stem
        test = folder / f"test_{stem}.py"
        if name(module) in TESTED_ELSEWHERE:
            test = REPOSITORY / TESTED_ELSEWHERE[name(module)]
        if has_code(module) and not test.exists():
            missing.add(name(module))
    assert missing == set()


def test_every_unit_test_is_named_after_a_module():
    """Or says how the whole core is built: the layers."""
    strays = set()
    for test in UNIT_TESTS.rglob("test_*.py"):
        folder = CORE / test.relative_to(UNIT_TESTS).parent
        stem = test.stem.removeprefix("test_")
        if not (folder / f"{stem}.py").exists() and stem not in (folder.name, "layers", "main"):
            strays.add(name(test))
    assert strays == set()


def test_no_file_is_long():
    """A file that is read in one go is understood in one go."""
    long = {
        name(module)
        for module in modules()
        if len(module.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    }
    assert long == set()


def test_class_names_are_unique():
    """One name means one thing, wherever it is read."""
    places = defaultdict(list)
    for module in modules():
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name(module))
    assert {cls: files for cls, files in places.items() if len(files) > 1} == {}


def test_nothing_imports_the_tests():
    """What is deployed or measured stands without them."""
    importing = {
        name(module)
        for module in modules()
        if not name(module).startswith("tests/")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tests")
        or (isinstance(node, ast.Import) and any(a.name.startswith("tests") for a in node.names))
    }
    assert importing == set()
