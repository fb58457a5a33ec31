"""Where a group may be created, what is written into it, and that nothing is left behind.

The files of version 2, and the layouts of other machines, are read from a tree of
plain files: a kernel serves one version of the memory controller at a time. What a
group *does* is tested with the real one, in ``test_capped_process.py``; to see it with the other
version, boot a kernel that has it (Debian 12's, in a virtual machine, passes with version 2).
"""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from include.ticklake.memory.cgroups import V1, V2, Cgroup, CgroupParent, find_parents, open_group
from include.ticklake.model.sizes import MIB
from tests.conftest import REPOSITORY


def tree(folder: Path, files: dict[str, str]) -> Path:
    """Plain files in *folder*, in place of the kernel's."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def real_group():
    """A group of the running kernel."""
    created = open_group(64 * MIB)
    if created is None:
        pytest.skip("this process may not create a memory cgroup")
    with closing(created):
        yield created


def group(folder: Path, version) -> Cgroup:
    """A group over plain files."""
    return Cgroup(version, folder, lock=os.open(folder, os.O_RDONLY))


def test_version_2_tries_its_own_folder_and_then_beside_it(tmp_path):
    """A folder with processes cannot give its children a controller, its parent can."""
    point = tmp_path / "unified"
    tree(
        point / "user.slice",
        {"cgroup.controllers": "cpu memory", "shell.scope/cgroup.controllers": "memory pids"},
    )
    mountinfo = f"30 23 0:26 / {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    proc = tree(tmp_path, {"mountinfo": mountinfo, "cgroup": "0::/user.slice/shell.scope\n"})
    assert find_parents(proc=proc) == [
        CgroupParent(V2, point / "user.slice/shell.scope"),
        CgroupParent(V2, point / "user.slice"),
    ]


@pytest.mark.parametrize(
    ("mountinfo", "cgroup", "parents"),
    [
        pytest.param(
            "35 31 0:32 / /sys/m rw shared:9 - cgroup cgroup rw,memory\n"
            "41 31 0:38 / /sys/u rw - cgroup2 cgroup2 rw\n",
            "4:memory:/batch/7\n1:cpu:/\n0::/\n",
            [CgroupParent(V1, Path("/sys/m/batch/7"))],
            id="hybrid: version 2 without memory",
        ),
        pytest.param(
            "35 31 0:32 /docker/abc /sys/m ro - cgroup cgroup rw,memory\n",
            "4:memory:/docker/abc\n",
            [CgroupParent(V1, Path("/sys/m"))],
            id="a container that sees its own subtree",
        ),
        pytest.param(
            "35 31 0:32 / /sys/m rw - cgroup cgroup rw,cpu,memory\n",
            "4:cpu,memory:/x\n",
            [CgroupParent(V1, Path("/sys/m/x"))],
            id="controllers mounted together",
        ),
        pytest.param(
            "35 31 0:32 / /sys/m rw - cgroup cgroup rw,memory\n",
            "4:memory:/../outside\n",
            [],
            id="outside the cgroup namespace",
        ),
        pytest.param("31 23 0:28 / /tmp rw - tmpfs tmpfs rw\n", "0::/\n", [], id="no cgroup mount"),
    ],
)
def test_version_1_creates_groups_below_its_own(tmp_path, mountinfo, cgroup, parents):
    """The memory controller's mount and this process's place in it give the folder."""
    proc = tree(tmp_path, {"mountinfo": mountinfo, "cgroup": cgroup})
    assert find_parents(proc=proc) == parents


def test_without_proc_there_is_no_parent(tmp_path):
    """Systems without /proc have no cgroups to find."""
    assert find_parents(proc=tmp_path / "absent") == []


def test_version_2_limits_memory_and_forbids_swap(tmp_path):
    """The whole group goes when one of its processes does."""
    folder = tree(tmp_path, dict.fromkeys(("memory.swap.max", "memory.oom.group"), "max"))
    group(folder, V2).limit(1000)
    written = {file.name: file.read_text() for file in folder.iterdir()}
    assert written == {"memory.max": "1000", "memory.swap.max": "0", "memory.oom.group": "1"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"memory.memsw.limit_in_bytes": "9223372036854771712", "memory.swappiness": "60"},
            {"memory.memsw.limit_in_bytes": "1000", "memory.swappiness": "60"},
            id="swap counted",
        ),
        pytest.param(
            {"memory.swappiness": "60"}, {"memory.swappiness": "0"}, id="swap not counted"
        ),
    ],
)
def test_version_1_limits_memory_and_swap_together(tmp_path, files, expected):
    """Where the kernel does not count swap, the group at least avoids it."""
    folder = tree(tmp_path, files)
    group(folder, V1).limit(1000)
    written = {file.name: file.read_text() for file in folder.iterdir()}
    assert written == {"memory.limit_in_bytes": "1000", **expected}


@pytest.mark.parametrize(
    ("version", "files", "peak_bytes", "kills"),
    [
        pytest.param(
            V2,
            {"memory.peak": "77\n", "memory.events": "low 0\nmax 3\noom 1\noom_kill 2\n"},
            77,
            2,
            id="version 2",
        ),
        pytest.param(V2, {"memory.events": "oom 1\noom_kill 0\n"}, None, 0, id="no memory.peak"),
        pytest.param(
            V1,
            {
                "memory.max_usage_in_bytes": "99\n",
                "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            },
            99,
            1,
            id="version 1",
        ),
    ],
)
def test_peak_and_kills_are_the_kernels_own_counts(tmp_path, version, files, peak_bytes, kills):
    """An old kernel of version 2 counts no peak, and returns None."""
    counted = group(tree(tmp_path, files), version)
    assert (counted.peak_bytes(), counted.out_of_memory_kills()) == (peak_bytes, kills)


def test_a_parent_that_refuses_gives_no_group(tmp_path):
    """Neither a read-only tree nor one that is not a cgroup tree is an error."""
    parents = [
        CgroupParent(V2, tmp_path / "absent"),
        CgroupParent(V2, tree(tmp_path, {"README": "plain"})),
    ]
    assert open_group(1000, parents=parents) is None


def test_a_group_in_use_is_not_removed(real_group):
    """Runs beside each other on one machine leave each other alone."""
    second = open_group(64 * MIB)
    assert second is not None
    with closing(second):
        assert real_group.folder.exists()
        assert second.folder.parent == real_group.folder.parent
    assert not second.folder.exists()


def test_a_group_is_created_inside_of_one_that_is_in_use(real_group):
    """As by a task of a worker that has a limit of its own; it waits for nobody."""
    program = (
        "from include.ticklake.memory.cgroups import open_group;"
        "group = open_group(32 << 20); print(group is not None); group.close()"
    )
    argv = [*real_group.launcher, sys.executable, "-c", program]
    env = {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_a_closed_group_takes_its_processes_along(real_group):
    """Also one that left its session and its parent."""
    argv = [*real_group.launcher, "/bin/sh", "-c", "echo inside; exec sleep 600"]
    with subprocess.Popen(argv, start_new_session=True, stdout=subprocess.PIPE) as left:
        left.stdout.readline()
        real_group.close()
    assert left.returncode == -signal.SIGKILL
    assert not real_group.folder.exists()


def test_the_launcher_does_not_run_what_it_cannot_limit(real_group):
    """Where the group is gone, the program does not start."""
    launcher = real_group.launcher
    real_group.close()
    ended = subprocess.run([*launcher, "/bin/echo", "ran"], capture_output=True)
    assert (ended.returncode, ended.stdout) == (125, b"")
