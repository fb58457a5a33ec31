"""What must hold between files of the repository that no other test looks at together."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from include.ticklake import __version__
from tests.conftest import REPOSITORY
from tools import case_check

AIRFLOWS_OWN = {"airflow", "fastapi", "jinja2", "markupsafe", "sqlalchemy"}
"""A plugin lives in Airflow's server and session: the versions of these are Airflow's to say."""

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
MAKE_CALL = re.compile(r"(?:^|`|\$ )(?:[A-Z_]+=\S+ )*make ([a-z][a-z-]*)", re.MULTILINE)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Every file that git knows, or would if it were added."""
    try:
        return case_check.files(REPOSITORY)
    except subprocess.CalledProcessError:
        pytest.skip("not a git checkout")


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    """Versions by normalised name; a name with several versions keeps the last."""
    found = PIN.findall(text(name))
    return {normalised(package): version for package, version in found}


def normalised(package: str) -> str:
    """The name of a package as an index knows it."""
    return re.sub(r"[._-]+", "-", package).lower()


def own_imports(name: str) -> Iterator[tuple[str, list[str]]]:
    """Every ``include...`` and ``tests...`` module that a file imports, with the names taken."""
    for node in ast.walk(ast.parse(text(name), filename=name)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]


def test_no_name_fails_by_its_case(tracked):
    """No two feeds, columns, slices, keys or files differ by case only.

    Here: every import is source_values as its file is, too.
    """
    assert list(case_check.mistakes(REPOSITORY, tracked)) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({"docs/A.md": "", "docs/a.md": ""},
                     "docs/a.md: differs from docs/A.md by case only; rename one", id="files"),
        pytest.param({"Docs/a.md": "", "docs/b.md": ""},
                     "docs: differs from Docs by case only; rename one", id="folders"),
        pytest.param({"include/feeds.py": "", "dags/a.py": "import json\nimport include.Feeds"},
                     "dags/a.py:2: imports include.Feeds; the file is include.feeds", id="import"),
        pytest.param({"include/feeds.py": "", "dags/a.py": "from include.FEEDS import Feed"},
                     "dags/a.py:1: imports include.FEEDS; the file is include.feeds", id="from"),
        pytest.param({"include/Feeds.py": "", "dags/a.py": "def f():\n  from include import feeds"},
                     "dags/a.py:2: imports include.feeds; the file is include.Feeds", id="taken"),
        pytest.param({"include/lake/read.py": "", "a.py": "import Include.lake.read"},
                     "a.py:1: imports Include.lake.read; the file is include.lake.read",
                     id="package"),
    ],
)  # fmt: skip
def test_a_name_that_fails_by_its_case_is_found(tmp_path, files, said):
    """It would fail on another machine only, where nobody looks for it."""
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert list(case_check.mistakes(tmp_path, sorted(files))) == [said]


def test_lint_looks_at_names_and_feeds():
    """CI runs both, by the target that people run."""
    lint = text("Makefile").split("\nlint:")[1].split("\n\n")[0]
    assert "-m tools.case_check" in lint
    assert "-m include.ticklake feeds --check" in lint


def test_what_the_code_imports_is_a_direct_dependency(tracked):
    """Nothing outside the tests leans on a package that is only there because of another."""
    providers = packages_distributions()
    missing = {
        f"{name}: {module}"
        for name in tracked
        if name.endswith(".py") and name.startswith(("dags/", "include/", "plugins/"))
        for module in {each.split(".")[0] for each, _ in own_imports(name)}
        - set(sys.stdlib_module_names) - own(name) - AIRFLOWS_OWN
        if not direct(name) & set(map(normalised, providers.get(module, [module])))
    }  # fmt: skip
    assert missing == set()


def own(name: str) -> set[str]:
    """The packages of this repository that a file may import."""
    return {"include", "tests"} if name.startswith("include/bench/") else {"include"}


def direct(name: str) -> set[str]:
    """The packages that a file may import; measurements may import what tests may."""
    found = pins("requirements.txt") | pins("requirements-iceberg.txt")
    if name.startswith("include/bench/"):
        found |= pins("requirements-dev.txt") | pins("requirements-bench.txt")
    return set(found)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-iceberg.txt"]
)
def test_pins_agree_with_the_lock(name):
    """What is asked for is what `make install` installs; after a change, `make lock`."""
    locked = pins("requirements.lock")
    assert {each: locked.get(each) for each in pins(name)} == pins(name)


def test_the_images_pins_agree_with_the_lock():
    """The converter's image holds the versions that were tested."""
    locked = pins("requirements.lock")
    image = pins("include/images/convert/requirements.txt")
    assert {each: locked.get(each) for each in image} == image


def test_make_alone_lists_every_target():
    """`make` is the table of contents, and says something of each target."""
    listing = subprocess.run(
        ["make"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    described = set(re.findall(r"^  make ([a-z-]+) +\S", listing, re.MULTILINE))
    assert described == set(TARGET.findall(text("Makefile")))


def test_every_make_command_in_the_documents_exists(tracked):
    """No page tells people to run a target that is not there."""
    targets = set(TARGET.findall(text("Makefile")))
    pages = [*(name for name in tracked if name.endswith(".md")), ".ci/run"]
    unknown = {
        f"{page}: make {target}"
        for page in pages
        for target in MAKE_CALL.findall(text(page))
        if target not in targets
    }
    assert unknown == set()


def test_ci_runs_what_people_run():
    """CI calls the same targets, and lets no test skip."""
    lines = text(".ci/run").splitlines()
    begin = lines.index("make install")
    assert lines[begin : begin + 8] == [
        "make install", "make axe", "make check",
        "beside spark make spark # the tests that need it wait for it",
        "beside pythons .ci/test-pythons", "beside fuzz make fuzz",
        "failed=()", "TICKLAKE_REQUIRE_PARTS=1 make test JOBS=3 || failed+=(tests)",
    ]  # fmt: skip


def test_the_version_is_told_once():
    """The package, pyproject.toml and the newest entry of the CHANGELOG agree."""
    entries = re.findall(r"^## \[(\d[^\]]*)\]", text("CHANGELOG.md"), re.MULTILINE)
    assert entries[0] == __version__
    assert f'\nversion = "{__version__}"\n' in text("pyproject.toml")


def test_links_between_documents_lead_somewhere(tracked):
    """Every relative link in a Markdown file names a file or folder that is there."""
    broken = [
        f"{page}: {link}"
        for page in tracked
        if page.endswith(".md")
        for link in LINK.findall(text(page))
        if not (REPOSITORY / page).parent.joinpath(link).exists()
    ]
    assert broken == []


def test_decisions_are_numbered_without_a_gap(tracked):
    """docs/decisions/ is a list: each number once, from 1 on, in the name and in the title."""
    names = sorted(name for name in tracked if name.startswith("docs/decisions/0"))
    assert [int(Path(name).name[:4]) for name in names] == list(range(1, len(names) + 1))
    for number, name in enumerate(names, start=1):
        assert (REPOSITORY / name).read_text().startswith(f"# {number}. "), name
