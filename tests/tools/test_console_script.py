"""``make install`` writes the command ``ticklake``, which works from any folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.support.cli_process import environment
from tools import console_script


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A folder whose name has a blank, with the Python of these tests in it."""
    folder = tmp_path / "an environment"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    return folder


def run(script: Path, *argv: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = environment(PYTHONPATH=str(folder))
    return subprocess.run(
        [script, *argv], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_the_command_works_in_a_folder_that_has_an_include_of_its_own(venv, tmp_path):
    """As Astro projects do, also on the PYTHONPATH; and it calls itself by its name."""
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "__init__.py").write_text("raise SystemExit(9)\n")
    script = console_script.write(venv, REPOSITORY)
    listed = run(script, "feeds", folder=tmp_path)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "binance_klines" in listed.stdout
    refused = run(script, "feedz", folder=tmp_path)
    assert refused.returncode == 2
    assert "usage: ticklake " in refused.stderr


def test_a_repository_that_was_moved_is_named(venv, tmp_path):
    """With what to do, and no traceback."""
    script = console_script.write(venv, tmp_path / "gone")
    ended = run(script, "feeds", folder=tmp_path)
    assert ended.returncode == 1
    assert "is not there any more; run `make install` again" in ended.stderr


def test_a_path_that_the_script_cannot_hold_is_refused(tmp_path):
    """Before anything is written."""
    with pytest.raises(ValueError, match="without quotes"):
        console_script.write(tmp_path / "it's", REPOSITORY)
