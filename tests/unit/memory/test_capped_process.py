"""A run holds its child to the limit, reports how it ended, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.memory.capped_process import (
    MECHANISMS,
    ChildEnd,
    out_of_memory_error,
    run_capped,
)
from include.ticklake.memory.cgroups import open_group
from include.ticklake.model.sizes import MIB
from tests.support.process_exit import has_exited

CAP_BYTES = 64 * MIB

HOLD_200_MIB = """
try:
    held = b"1" * (200 << 20)
except MemoryError:
    raise SystemExit(137)
"""

HOLD_200_MIB_IN_A_GRANDCHILD = f"""
import subprocess, sys
raise SystemExit(subprocess.call([sys.executable, "-c", {HOLD_200_MIB!r}]) and 1)
"""

PARENT = """
import sys
from include.ticklake.memory.capped_process import run_capped
code = "import os; print(os.getpid(), flush=True); import signal; signal.pause()"
show = lambda line: print(line, flush=True)
run_capped([sys.executable, "-c", code], cap_bytes=1 << 26, env={}, on_line=show)
"""


@pytest.fixture(params=list(MECHANISMS))
def mechanism(request) -> str:
    """Each mechanism that works here."""
    limit = MECHANISMS[request.param](CAP_BYTES)
    if limit is None:
        pytest.skip(f"{request.param} cannot limit memory here")
    limit.close()
    return request.param


@pytest.fixture
def cgroup() -> None:
    """Tests with this need a real cgroup."""
    group = open_group(CAP_BYTES)
    if group is None:
        pytest.skip("this process may not create a memory cgroup")
    group.close()


def capped(code: str, *, mechanism: str, on_line=print) -> ChildEnd:
    """How Python *code* ended under the limit."""
    argv = [sys.executable, "-c", code]
    return run_capped(argv, cap_bytes=CAP_BYTES, env={}, on_line=on_line, mechanisms=[mechanism])


def test_a_child_over_its_limit_is_reported_as_out_of_memory(mechanism):
    """200 MiB do not fit into 64 MiB, by whichever mechanism."""
    ended = capped(HOLD_200_MIB, mechanism=mechanism)
    assert (ended.out_of_memory, ended.exit_code) == (True, 137)
    assert ended.peak_bytes is None or ended.peak_bytes <= CAP_BYTES


@pytest.mark.usefixtures("cgroup")
def test_the_peak_of_a_killed_child_is_close_to_the_limit():
    """The kernel's own count, read before the group is removed."""
    ended = capped(HOLD_200_MIB, mechanism="cgroup")
    assert 0.95 * CAP_BYTES <= ended.peak_bytes <= CAP_BYTES
    assert ended.mechanism in ("cgroup v1", "cgroup v2")


@pytest.mark.usefixtures("cgroup")
def test_memory_of_grandchildren_counts():
    """A child cannot leave its limit by forking; the kill shows even when it exits by itself."""
    ended = capped(HOLD_200_MIB_IN_A_GRANDCHILD, mechanism="cgroup")
    assert ended.out_of_memory
    assert ended.exit_code in (1, 137)  # version 2 kills the whole group


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        pytest.param("pass", 0, id="done"),
        pytest.param("raise SystemExit(3)", 3, id="failed"),
        pytest.param("import os; os.kill(os.getpid(), 9)", 137, id="killed from outside"),
        pytest.param("import os; os.abort()", 134, id="crashed"),
    ],
)
def test_any_other_end_is_not_out_of_memory(mechanism, code, exit_code):
    """An exit code is passed on, and a SIGKILL alone proves nothing."""
    ended = capped(code, mechanism=mechanism)
    assert (ended.exit_code, ended.out_of_memory) == (exit_code, False)


def test_output_comes_line_by_line(mechanism):
    """Standard output and error, in the order they were written."""
    output: list[str] = []
    code = "import os; os.write(1, b'one\\n'); os.write(2, b'two\\n'); os.write(1, b'three')"
    capped(code, mechanism=mechanism, on_line=output.append)
    assert output == ["one", "two", "three"]


def test_no_child_runs_without_its_limit(mechanism):
    """The child runs inside the limit from its first instruction."""
    output: list[str] = []
    code = (
        "import resource; print(open('/proc/self/cgroup').read(),"
        " resource.getrlimit(resource.RLIMIT_DATA))"
    )
    ended = capped(code, mechanism=mechanism, on_line=output.append)
    sign = f"({CAP_BYTES}, {CAP_BYTES})" if ended.mechanism == "RLIMIT_DATA" else "/ticklake-"
    assert sign in "\n".join(output)


def test_without_a_mechanism_nothing_runs(tmp_path):
    """A tighter limit of our own cannot be lifted for the child: the run is refused."""
    code = f"""
import resource, sys
from include.ticklake.memory.capped_process import run_capped
resource.setrlimit(resource.RLIMIT_DATA, ({CAP_BYTES}, {CAP_BYTES}))
run_capped(["/bin/touch", {str(tmp_path / "ran")!r}], cap_bytes={2 * CAP_BYTES}, env={{}},
    on_line=print, mechanisms=["RLIMIT_DATA"])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "UsageError: cannot limit memory to 128 MiB here (tried RLIMIT_DATA)" in ended.stderr
    assert not (tmp_path / "ran").exists()


def test_the_environment_is_what_was_passed(mechanism):
    """Nothing of ours leaks in, beyond the settings of the allocators."""
    output: list[str] = []
    run_capped(
        ["/usr/bin/env"],
        cap_bytes=CAP_BYTES,
        env={"SECRET": "canary-7"},
        on_line=output.append,
        mechanisms=[mechanism],
    )
    limit = MECHANISMS[mechanism](CAP_BYTES)
    limit.close()
    defaults = {f"{name}={value}" for name, value in limit.defaults.items()}
    assert set(output) == {"SECRET=canary-7", *defaults}


def test_secrets_of_the_environment_are_in_no_process_list(mechanism):
    """What `ps` shows to everybody is the argv alone."""
    output: list[str] = []
    run_capped(
        ["/bin/sh", "-c", "ps -A -o args"],
        cap_bytes=CAP_BYTES,
        env={"PATH": os.environ["PATH"], "SECRET": "canary-8"},
        on_line=output.append,
        mechanisms=[mechanism],
    )
    assert any("ps -A -o args" in line for line in output)
    assert not any("canary-8" in line for line in output)


@pytest.mark.usefixtures("cgroup")
def test_the_group_is_removed_also_after_an_exception():
    """Whatever ends the run, its group is removed."""
    output: list[str] = []

    def fail(line: str) -> None:
        output.append(line)
        raise KeyError(line)

    with pytest.raises(KeyError):
        capped(
            "print(open('/proc/self/cgroup').read(), flush=True); input()",
            mechanism="cgroup",
            on_line=fail,
        )
    assert output
    assert not groups_of(os.getpid())


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGTERM, 143, id="SIGTERM"),
        pytest.param(signal.SIGKILL, -9, id="SIGKILL"),
    ],
)
def test_the_child_dies_with_its_parent(number, status):
    """A worker that is stopped or killed leaves no conversion running."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    with parent:
        child = int(parent.stdout.readline())
        parent.send_signal(number)
        assert has_exited(child)
    assert parent.returncode == status


@pytest.mark.usefixtures("cgroup")
def test_the_group_of_a_killed_run_is_removed_by_the_next():
    """SIGKILL leaves no chance to clean up; the next run does it, in whichever process it is."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    with parent:
        parent.stdout.readline()
        assert groups_of(parent.pid)  # a dead parent's group may go at once: tests run side by side
        parent.kill()
    capped("pass", mechanism="cgroup")
    assert not groups_of(parent.pid)


@pytest.mark.parametrize(
    ("ended", "facts", "message"),
    [
        pytest.param(
            ChildEnd(
                mechanism="cgroup v1",
                cap_bytes=128 * MIB,
                peak_bytes=127 * MIB,
                exit_code=137,
                out_of_memory=True,
            ),
            {
                "in_force": str(budget_for(128 * MIB)),
                "largest_record_bytes": 9 * MIB,
                "largest_record_at": "byte 7 of json/x/part-00000.json.gz",
            },
            "convert x: out of memory at its limit of 128 MiB (cgroup v1, exit 137); "
            "peak 127 MiB; sizes in force: blocks of 1 MiB, row groups of 131,072 rows or 8 MiB, "
            "2 worker(s); largest record so far 9 MiB "
            "(at byte 7 of json/x/part-00000.json.gz); "
            "raise TICKLAKE_CAP, or `cap` in the feed's file; every size follows from it",
            id="all known",
        ),
        pytest.param(
            ChildEnd(
                mechanism="docker",
                cap_bytes=MIB,
                peak_bytes=None,
                exit_code=137,
                out_of_memory=True,
            ),
            {"largest_record_bytes": 0},
            "convert x: out of memory at its limit of 1 MiB (docker, exit 137); peak unknown; "
            "no record was read yet; "
            "raise TICKLAKE_CAP, or `cap` in the feed's file; every size follows from it",
            id="before the first record",
        ),
    ],
)
def test_the_message_says_how_far_with_what_and_what_to_change(ended, facts, message):
    """It has all that is known, and nothing else."""
    assert str(out_of_memory_error(ended, step="convert x", **facts)) == message


def test_a_peak_far_below_the_limit_points_outside():
    """Raising our limit would not help, so the message says where to look."""
    ended = ChildEnd(
        mechanism="cgroup v2", cap_bytes=100, peak_bytes=40, exit_code=137, out_of_memory=True
    )
    assert "the host, or a limit around this one, ran out" in str(
        out_of_memory_error(ended, step="convert")
    )


def groups_of(pid: int) -> list[Path]:
    """The groups in the cgroup tree that the process *pid* created."""
    return list(Path("/sys/fs/cgroup").glob(f"**/ticklake-{pid}-*"))
