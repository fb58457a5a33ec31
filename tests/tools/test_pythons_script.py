"""``.ci/test-pythons`` runs the quick tests on every Python but that of ``.venv``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

MAKE = """#!/bin/sh
echo "$@" >>make.log
case "$*" in *{failing}*) exit 2 ;; esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the script, and a ``bin`` with the shell's tools and a `make` that logs."""
    for folder in (".ci", "bin", "home"):
        (tmp_path / folder).mkdir()
    shutil.copy(REPOSITORY / ".ci" / "test-pythons", tmp_path / ".ci")
    for name in ("bash", "dirname", "rm"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    _write_script(tmp_path / "bin" / "make", MAKE.format(failing="none"))
    return tmp_path


def test_the_python_of_the_environment_is_left_out(checkout):
    """A bare Debian has that one only: nothing is left to run, and that is no failure."""
    add_python(checkout / "bin" / "python3.11", "3.11")
    add_python(checkout / ".venv" / "bin" / "python", "3.11")
    done = run(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"test-pythons: Python 3.11: {checkout}/bin/python3.11",
        "test-pythons: Python 3.12: not on this machine",
        "test-pythons: Python 3.13: not on this machine",
        "test-pythons: Python 3.11: left out, the run of .venv covers it",
    ]
    assert make_calls(checkout) == []


def test_all_includes_the_python_of_the_environment(checkout):
    """In an environment of its own: ``.venv`` is not touched."""
    add_python(checkout / "bin" / "python3.11", "3.11")
    add_python(checkout / ".venv" / "bin" / "python", "3.11")
    assert run(checkout, "--all").returncode == 0
    assert make_calls(checkout) == [call("3.11", checkout / "bin" / "python3.11")]


def test_pythons_of_pyenv_are_found_behind_its_shims(checkout):
    """A shim of a version that is not active exits with an error."""
    _write_script(checkout / "bin" / "python3.12", "#!/bin/sh\nexit 127\n")
    python = checkout / "home" / ".pyenv" / "versions" / "3.12.1" / "bin" / "python3.12"
    add_python(python, "3.12")
    assert run(checkout).returncode == 0
    assert make_calls(checkout) == [call("3.12", python)]


def test_a_failure_does_not_keep_the_next_python_from_its_tests(checkout):
    """All versions that fail are named at the end."""
    for version in ("3.12", "3.13"):
        add_python(checkout / "bin" / f"python{version}", version)
    _write_script(checkout / "bin" / "make", MAKE.format(failing="venv-3.12"))
    done = run(checkout)
    assert done.returncode == 1
    assert done.stderr == "test-pythons: the quick tests failed on Python 3.12\n"
    assert len(make_calls(checkout)) == 2


def test_an_environment_whose_interpreter_is_gone_is_made_again(checkout):
    """One that still runs is used again."""
    for version in ("3.12", "3.13"):
        add_python(checkout / "bin" / f"python{version}", version)
    add_python(checkout / "build" / "venv-3.12" / "bin" / "python", "3.12")
    gone = checkout / "build" / "venv-3.13" / "bin" / "python"
    gone.parent.mkdir(parents=True)
    gone.symlink_to(checkout / "uninstalled")
    assert run(checkout).returncode == 0
    assert [path.name for path in (checkout / "build").iterdir()] == ["venv-3.12"]


def call(version: str, python: Path) -> str:
    return f"test-quick VENV=build/venv-{version} PYTHON={python}"


def make_calls(checkout: Path) -> list[str]:
    log = checkout / "make.log"
    return log.read_text().splitlines() if log.exists() else []


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(checkout / ".ci" / "test-pythons"), *arguments],
        env={"PATH": str(checkout / "bin"), "HOME": str(checkout / "home")},
        capture_output=True,
        text=True,
        check=False,
    )


def add_python(path: Path, version: str) -> None:
    """An interpreter that answers what version it is, and has all modules."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_script(path, f'#!/bin/sh\ncase "$2" in *version_info*) echo {version} ;; esac\n')


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
