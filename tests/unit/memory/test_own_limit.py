"""A command puts itself under its limit, keeps its process, and says why the kernel ended it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from include.ticklake.memory.capped_process import MECHANISMS
from include.ticklake.memory.cgroups import PREFIX, find_parents
from include.ticklake.model.sizes import MIB
from tests.conftest import REPOSITORY

CAP_BYTES = 64 * MIB

PROGRAM = """
import os, resource, sys
from include.ticklake.memory.own_limit import limit_this_process
print(os.getpid(), flush=True)
said = limit_this_process(64 << 20, command="convert x", mechanisms=sys.argv[1].split(","))
print(said, resource.getrlimit(resource.RLIMIT_DATA)[0], flush=True)
"""
HOLD = "held = b'1' * (200 << 20)\n"
WAIT = "import signal; signal.pause()\n"


@pytest.fixture(params=list(MECHANISMS))
def mechanism(request) -> str:
    """Each mechanism that works here."""
    limit = MECHANISMS[request.param](CAP_BYTES)
    if limit is None:
        pytest.skip(f"{request.param} cannot limit memory here")
    limit.close()
    return request.param


def start(code: str, mechanism: str, folder: Path) -> subprocess.Popen[str]:
    program = folder / "program.py"
    program.write_text(code)
    return subprocess.Popen(
        [sys.executable, str(program), mechanism],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def groups_of(process_id: int) -> list[Path]:
    return [
        group
        for parent in find_parents()
        for group in parent.folder.glob(f"{PREFIX}{process_id}-*")
    ]


def test_the_same_process_continues_under_the_limit(mechanism, tmp_path):
    """It started its program once more, and is as limited as any child of a runner."""
    process = start(PROGRAM, mechanism, tmp_path)
    out, err = process.communicate(timeout=60)
    own = str(process.pid)
    limit = CAP_BYTES if mechanism == "RLIMIT_DATA" else resource.RLIM_INFINITY
    assert (process.returncode, err) == (0, "")
    assert out.split() == [own, own, "None", str(limit)]
    assert groups_of(process.pid) == []


def test_what_holds_more_ends_and_its_user_is_told_why(mechanism, tmp_path):
    """The kernel's SIGKILL comes with a message; under RLIMIT_DATA Python raises MemoryError."""
    process = start(PROGRAM + HOLD, mechanism, tmp_path)
    _, err = process.communicate(timeout=60)
    if mechanism == "RLIMIT_DATA":
        assert process.returncode == 1
        assert "MemoryError" in err
    else:
        assert process.returncode == -signal.SIGKILL
        assert err.startswith("ticklake: convert x: out of memory at its limit of 64 MiB (cgroup v")
        assert err.endswith("raise --cap; every size follows from it\n")
    assert groups_of(process.pid) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_reaches_the_command_itself_and_leaves_no_group(mechanism, number, tmp_path):
    """Its process id is the one that it was started with."""
    process = start(PROGRAM + "print('ready', flush=True)\n" + WAIT, mechanism, tmp_path)
    while "ready" not in process.stdout.readline():
        pass
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (-number, "")
    assert groups_of(process.pid) == []


def test_a_smaller_limit_that_is_in_force_is_kept(tmp_path):
    """A step of a runner, or a container, has its own."""
    first = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (50 << 20,) * 2)\n"
    process = start(first + PROGRAM, "cgroup", tmp_path)
    out, err = process.communicate(timeout=60)
    assert (out.split(), err) == ([str(process.pid), "None", str(50 * MIB)], "")


def test_where_nothing_limits_it_the_command_says_so(tmp_path):
    """A number that only sizes buffers is not a limit."""
    process = start(PROGRAM, "", tmp_path)
    out, _ = process.communicate(timeout=60)
    assert "cannot be limited to 64 MiB here" in out
    assert "only buffers and batches are sized to fit" in out
