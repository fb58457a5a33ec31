"""Find names that work on one system only, because they differ by case.

``python -m tools.case_check`` prints them and exits with 1; CI runs it. Two files that differ by
case only cannot be checked out on macOS or Windows; an import that is not spelled like its file
works there and fails on Linux.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from include.ticklake.model.case_clashes import case_clashes

ROOT = Path(__file__).parents[1]
PACKAGES = ("include", "tests", "tools", "plugins", "dags")


def main() -> int:
    """Print every mistake on a line."""
    messages = list(mistakes(ROOT, files(ROOT)))
    sys.stderr.writelines(f"{message}\n" for message in messages)
    return 1 if messages else 0


def files(root: Path) -> list[str]:
    """Every file below *root* that git knows, or would if it were added."""
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(
        [*git, "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listing.split("\0") if (root / name).is_file()]


def mistakes(root: Path, names: Collection[str]) -> Iterator[str]:
    """What is wrong with the files *names* below *root*, and what to do."""
    for first, second in case_clashes(names):
        yield f"{second}: differs from {first} by case only; rename one"
    modules = {_module(name) for name in names if name.endswith(".py")}
    packages = {package for name in modules for package in _above(name)}
    by_fold = {name.casefold(): name for name in modules | packages}
    for name in sorted(names):
        if not name.endswith(".py"):
            continue
        for line, imported in _imports(root / name):
            actual = by_fold.get(imported.casefold(), imported)
            if actual != imported:
                yield f"{name}:{line}: imports {imported}; the file is {actual}"


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _above(module: str) -> Iterator[str]:
    parts = module.split(".")
    for depth in range(1, len(parts)):
        yield ".".join(parts[:depth])


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every module of ours that may be meant, names taken from one included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is taken from a package may be a module of it.
            named = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (
            (node.lineno, name) for name in named if name.partition(".")[0].casefold() in PACKAGES
        )


if __name__ == "__main__":
    sys.exit(main())
