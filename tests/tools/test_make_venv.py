"""``make VENV=...`` never clears an environment that is already there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PYTHON = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
NO_PIP = f"""#!/bin/sh
[ "$2" = pip ] && exit 0
exec {sys.executable} "$@"
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the shell's tools and a Python, but no uv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("ls", "mkdir", "touch"):
        path = next(p for p in (Path("/bin") / name, Path("/usr/bin") / name) if p.exists())
        (folder / name).symlink_to(path)
    _write_script(folder / "python3", PYTHON)
    return folder


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def make_venv(venv: Path, tools: Path, python: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(REPOSITORY / ".ci" / "make-venv"), str(venv), python],
        cwd=REPOSITORY,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("content", ["pyvenv.cfg", "bin/python", "notes.txt"])
def test_an_environment_of_someone_else_is_refused_and_survives(tmp_path, tools, content):
    """Its files stay, and the message names the way out."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    _write_script(venv / content, NO_PIP)
    done = make_venv(venv, tools)
    assert done.returncode == 2
    assert "make VENV=/elsewhere install" in done.stderr
    assert [path for path in venv.rglob("*") if path.is_file()] == [venv / content]
    assert (venv / content).read_text() == NO_PIP


@pytest.mark.parametrize("stamp", [".ticklake-venv", ".installed"])
def test_an_environment_of_ours_is_updated_in_place(tmp_path, tools, stamp):
    """What else was installed into it stays."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    _write_script(venv / "bin" / "python", NO_PIP)
    (venv / stamp).touch()
    (venv / "keepsake").write_text("mine")
    done = make_venv(venv, tools)
    assert (done.returncode, done.stderr) == (0, "")
    assert (venv / "keepsake").read_text() == "mine"


def test_another_python_for_an_environment_that_exists_is_refused(tmp_path, tools):
    """An environment's interpreter cannot be changed in place."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    _write_script(venv / "bin" / "python", NO_PIP)
    (venv / ".ticklake-venv").touch()
    done = make_venv(venv, tools, "3.10")
    assert done.returncode == 2
    assert "asks for 3.10; nothing was changed" in done.stderr


def test_a_stopped_install_is_resumed(tmp_path, tools):
    """The marker comes before the environment, so that a half-made one is ours."""
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / ".ticklake-venv").touch()
    _write_script(tools / "python3", '#!/bin/sh\n[ "$2" = venv ] && exit 9\nexit 0\n')
    assert make_venv(venv, tools).returncode == 9
