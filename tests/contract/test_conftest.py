"""Tests that cannot run are listed at the end, and fail the run where every part is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

SKIPPED_TEST = """
import pytest

def test_runs():
    pass

def test_needs_a_part():
    pytest.skip("no such part")
"""
SKIPPED_MODULE = """
import pytest

pytest.importorskip("no_such_module_anywhere")
"""
EXPECTED_FAILURE = """
import pytest

@pytest.mark.xfail(strict=True)
def test_fails_as_expected():
    assert False
"""


def run_pytest(
    folder: Path, source: str, *options: str, parts_required: str
) -> subprocess.CompletedProcess:
    (folder / "test_it.py").write_text(source)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.conftest",
            "-c",
            os.devnull,
            *options,
            str(folder),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "TICKLAKE_REQUIRE_PARTS": parts_required},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("processes", ["0", "2"])
@pytest.mark.parametrize(
    ("source", "parts_required", "exit_code", "listed"),
    [
        pytest.param(SKIPPED_TEST, "", 0, "test_needs_a_part: no such part", id="test-listed"),
        pytest.param(SKIPPED_TEST, "1", 1, "test_needs_a_part: no such part", id="test-fails"),
        pytest.param(SKIPPED_MODULE, "1", 5, "no_such_module_anywhere", id="module-fails"),
        pytest.param(EXPECTED_FAILURE, "1", 0, "1 xfailed", id="expected-failure-is-no-skip"),
    ],
)
def test_a_skip(tmp_path, source, parts_required, exit_code, listed, processes):
    """A test that cannot run is named with its reason, and fails the run only where it must."""
    done = run_pytest(tmp_path, source, "--numprocesses", processes, parts_required=parts_required)
    assert (done.returncode, listed in done.stdout) == (exit_code, True), done.stdout
