"""A capped run holds its child to the cap, tells how it ended, and leaves nothing behind."""

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
from tests.support.processes import gone

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
from include.ticklake.memory.capped_process import run_capped as run
code = "import os; print(os.getpid(), flush=True); import signal; signal.pause()"
say = lambda line: print(line, flush=True)
run([sys.executable, "-c", code], cap_bytes=1 << 26, env={}, on_line=say)
"""


@pytest.fixture(params=list(MECHANISMS))
def way(request) -> str:
    """Each way of capping that works here."""
    cap = MECHANISMS[request.param](CAP_BYTES)
    if cap is None:
        pytest.skip(f"{request.param} cannot cap here")
    cap.close()
    return request.param


@pytest.fixture
def cgroup() -> None:
    """Tests with this need a real cgroup."""
    group = open_group(CAP_BYTES)
    if group is None:
        pytest.skip("this process may make no memory cgroup")
    group.close()


def capped(code: str, *, way: str, on_line=print) -> ChildEnd:
    """How Python *code* ended under the cap."""
    argv = [sys.executable, "-c", code]
    return run_capped(argv, cap_bytes=CAP_BYTES, env={}, on_line=on_line, ways=[way])


def test_a_child_over_its_cap_is_reported_as_out_of_memory(way):
    """200 MiB do not fit into 64 MiB, however the cap is made."""
    ended = capped(HOLD_200_MIB, way=way)
    assert (ended.out_of_memory, ended.exit_code) == (True, 137)
    assert ended.peak_bytes is None or ended.peak_bytes <= CAP_BYTES


@pytest.mark.usefixtures("cgroup")
def test_the_peak_of_a_killed_child_is_close_to_the_cap():
    """The kernel's own count, read before the group is removed."""
    ended = capped(HOLD_200_MIB, way="cgroup")
    assert 0.95 * CAP_BYTES <= ended.peak_bytes <= CAP_BYTES
    assert ended.how in ("cgroup v1", "cgroup v2")


@pytest.mark.usefixtures("cgroup")
def test_memory_of_grandchildren_counts():
    """A child cannot leave its cap by forking; the kill shows even when it exits by itself."""
    ended = capped(HOLD_200_MIB_IN_A_GRANDCHILD, way="cgroup")
    assert ended.out_of_memory
    assert ended.exit_code in (1, 137)  # version 2 kills the whole group


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        pytest.param("pass", 0, id="done"),
        pytest.param("raise SystemExit(3)", 3, id="failed"),
        pytest.param("import os; os.kill(os.getpid(), 9)", 137, id="killed by somebody"),
        pytest.param("import os; os.abort()", 134, id="crashed"),
    ],
)
def test_any_other_end_is_not_out_of_memory(way, code, exit_code):
    """An exit code is passed on, and a SIGKILL alone proves nothing."""
    ended = capped(code, way=way)
    assert (ended.exit_code, ended.out_of_memory) == (exit_code, False)


def test_output_comes_line_by_line(way):
    """Standard output and error, in the order they were written."""
    heard: list[str] = []
    code = "import os; os.write(1, b'one\\n'); os.write(2, b'two\\n'); os.write(1, b'three')"
    capped(code, way=way, on_line=heard.append)
    assert heard == ["one", "two", "three"]


def test_a_cap_never_goes_missing(way):
    """The child runs inside the cap from its first instruction."""
    heard: list[str] = []
    code = (
        "import resource; print(open('/proc/self/cgroup').read(),"
        " resource.getrlimit(resource.RLIMIT_DATA))"
    )
    ended = capped(code, way=way, on_line=heard.append)
    sign = f"({CAP_BYTES}, {CAP_BYTES})" if ended.how == "RLIMIT_DATA" else "/ticklake-"
    assert sign in "\n".join(heard)


def test_without_a_way_to_cap_nothing_runs(tmp_path):
    """A tighter limit of our own cannot be lifted for the child: the run is refused."""
    code = f"""
import resource, sys
from include.ticklake.memory.capped_process import run_capped as run
resource.setrlimit(resource.RLIMIT_DATA, ({CAP_BYTES}, {CAP_BYTES}))
run(["/bin/touch", {str(tmp_path / "ran")!r}], cap_bytes={2 * CAP_BYTES}, env={{}},
    on_line=print, ways=["RLIMIT_DATA"])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "UsageError: cannot cap memory at 128 MiB here (tried RLIMIT_DATA)" in ended.stderr
    assert not (tmp_path / "ran").exists()


def test_the_environment_is_the_one_given(way):
    """Nothing of ours leaks in, beyond what the way itself needs."""
    heard: list[str] = []
    run_capped(
        ["/usr/bin/env"],
        cap_bytes=CAP_BYTES,
        env={"SECRET": "canary-7"},
        on_line=heard.append,
        ways=[way],
    )
    cap = MECHANISMS[way](CAP_BYTES)
    cap.close()
    given = {f"{name}={value}" for name, value in cap.defaults.items()}
    assert set(heard) == {"SECRET=canary-7", *given}


def test_secrets_of_the_environment_are_in_no_process_list(way):
    """What `ps` shows to everybody is the argv alone."""
    heard: list[str] = []
    run_capped(
        ["/bin/sh", "-c", "ps -A -o args"],
        cap_bytes=CAP_BYTES,
        env={"PATH": os.environ["PATH"], "SECRET": "canary-8"},
        on_line=heard.append,
        ways=[way],
    )
    assert any("ps -A -o args" in line for line in heard)
    assert not any("canary-8" in line for line in heard)


@pytest.mark.usefixtures("cgroup")
def test_the_group_is_removed_also_after_an_exception():
    """Whatever ends the run, its group goes."""
    heard: list[str] = []

    def fail(line: str) -> None:
        heard.append(line)
        raise KeyError(line)

    with pytest.raises(KeyError):
        capped(
            "print(open('/proc/self/cgroup').read(), flush=True); input()",
            way="cgroup",
            on_line=fail,
        )
    assert heard
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
        assert gone(child)
    assert parent.returncode == status


@pytest.mark.usefixtures("cgroup")
def test_the_group_of_a_killed_run_is_swept_by_the_next():
    """SIGKILL leaves no chance to clean up; the next run does it."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    with parent:
        parent.stdout.readline()
        parent.kill()
    assert groups_of(parent.pid)
    capped("pass", way="cgroup")
    assert not groups_of(parent.pid)


@pytest.mark.parametrize(
    ("ended", "told", "message"),
    [
        pytest.param(
            ChildEnd(
                how="cgroup v1",
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
            "convert x: out of memory under its cap of 128 MiB (cgroup v1, exit 137); "
            "peak 127 MiB; sizes in force: blocks of 1 MiB, row groups of 131,072 rows or 8 MiB, "
            "2 worker(s), upload parts of 10 MiB; largest record so far 9 MiB "
            "(at byte 7 of json/x/part-00000.json.gz); "
            "raise TICKLAKE_CAP, or `cap` in the feed's file; every size follows from it",
            id="all known",
        ),
        pytest.param(
            ChildEnd(
                how="docker", cap_bytes=MIB, peak_bytes=None, exit_code=137, out_of_memory=True
            ),
            {"largest_record_bytes": 0},
            "convert x: out of memory under its cap of 1 MiB (docker, exit 137); peak not seen; "
            "no record was read yet; "
            "raise TICKLAKE_CAP, or `cap` in the feed's file; every size follows from it",
            id="before the first record",
        ),
    ],
)
def test_the_message_says_how_far_with_what_and_what_to_change(ended, told, message):
    """All that is known is said, and nothing else."""
    assert str(out_of_memory_error(ended, step="convert x", **told)) == message


def test_a_peak_far_below_the_cap_points_outside():
    """Raising our cap would not help there, so the message says where to look."""
    ended = ChildEnd(
        how="cgroup v2", cap_bytes=100, peak_bytes=40, exit_code=137, out_of_memory=True
    )
    assert "the host, or a cap around this one, ran out" in str(
        out_of_memory_error(ended, step="convert")
    )


def groups_of(pid: int) -> list[Path]:
    """The groups in the cgroup tree that the process *pid* made."""
    return list(Path("/sys/fs/cgroup").glob(f"**/ticklake-{pid}-*"))
