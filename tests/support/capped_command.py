"""``python -m include.ticklake`` as the runner starts it: under a hard limit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from include.ticklake.memory.capped_process import ChildEnd, run_capped
from include.ticklake.memory.cgroups import open_group
from include.ticklake.model.sizes import MIB
from tests.conftest import REPOSITORY

CAP_BYTES = 128 * MIB
"""The default."""


def skip_without_cgroups() -> None:
    """Skip a test where this process may create no memory cgroup."""
    group = open_group(CAP_BYTES)
    if group is None:
        pytest.skip("this process may make no memory cgroup")
    group.close()


def run_under_cap(*argv: str, feeds: Path) -> tuple[ChildEnd, list[str]]:
    """How a command ended in a cgroup of the default cap, and its lines."""
    lines: list[str] = []
    ended = run_capped(
        [sys.executable, "-m", "include.ticklake", *argv],
        cap_bytes=CAP_BYTES,
        env={"PYTHONPATH": str(REPOSITORY), "TICKLAKE_FEEDS": str(feeds)},
        on_line=lines.append,
        mechanisms=["cgroup"],
    )
    return ended, lines
