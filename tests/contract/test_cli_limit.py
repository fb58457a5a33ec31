"""Commands with ``--cap`` run under it when somebody starts them by hand."""

from __future__ import annotations

import signal

import pytest

from include.ticklake.memory.cgroups import open_group
from include.ticklake.model.sizes import MIB
from tests.support.cli_process import CommandResult, environment, run
from tests.support.rows_feed import HOUR, ROWS, extract_rows, rows_feed

CAP_BYTES = 100 * MIB
LENIENT = ROWS.replace("limits: {", "limits: {max_bad_share: 100%, ")

AT_START = """
import atexit, os, resource, sys
from include.ticklake.memory.cgroups import find_parents

def show():
    parent = find_parents()[0]
    limit = (parent.folder / parent.version.limit).read_text().strip()
    print("limits", limit, resource.getrlimit(resource.RLIMIT_DATA)[0], file=sys.stderr)

atexit.register(show)
if os.environ.get("HOLD_MIB") and os.environ.get("_TICKLAKE_LIMITED"):
    held = b"1" * (int(os.environ["HOLD_MIB"]) << 20)
"""
COMMANDS = {
    "rebuild": ("rebuild", "rows", *HOUR),
    "audit": ("audit", "rows", *HOUR),
    "audit --repair": ("audit", "rows", *HOUR, "--repair"),
    "retry-quarantine": ("retry-quarantine", "rows", *HOUR),
}


@pytest.fixture
def command(http_server, tmp_path):
    """A function that runs a command over an extracted hour, in a Python that shows its limits."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(AT_START)
    page = b'[{"id":1,"t":1795323600000},{"id":2,"t":"x"}]'
    http_server.answer("/rows", page)
    assert extract_rows(tmp_path, http_server.url, text=LENIENT).exit_code == 0

    def ticklake(*argv: str, **more: str) -> CommandResult:
        env = environment(**rows_feed(tmp_path, LENIENT)) | more
        env["PYTHONPATH"] = f"{tmp_path / 'site'}:{env['PYTHONPATH']}"
        return run(*argv, "--root", f"file://{tmp_path}/lake", env=env)

    return ticklake


def limits(err: str) -> list[int]:
    """What the memory controller and RLIMIT_DATA said at the end of the command."""
    (line,) = (line for line in err.splitlines() if line.startswith("limits "))
    return [int(word) if word.isdecimal() else -1 for word in line.split()[1:]]


@pytest.mark.parametrize("argv", COMMANDS.values(), ids=COMMANDS)
def test_a_command_runs_under_the_cap_that_it_is_given(argv, command):
    """A cgroup or RLIMIT_DATA holds it there."""
    ended = command(*argv, "--cap", "100MiB")
    assert ended.exit_code in (0, 4), ended.err
    assert CAP_BYTES in limits(ended.err)


def test_a_command_without_a_cap_has_no_limit(command):
    """Listing feeds needs none."""
    ended = command("retention", "rows")
    assert CAP_BYTES not in limits(ended.err)


def test_a_command_that_needs_more_ends_with_the_limit_and_what_to_do(command):
    """Also where the kernel ended it, before it could say anything."""
    ended = command("rebuild", "rows", *HOUR, "--cap", "100MiB", HOLD_MIB="200")
    group = open_group(CAP_BYTES)
    if group is None:
        assert ended.exit_code == 1
        assert "MemoryError" in ended.err
        return
    group.close()
    assert ended.exit_code in (-signal.SIGKILL, 128 + signal.SIGKILL, 255 & -signal.SIGKILL)
    assert "ticklake: rebuild rows: out of memory at its limit of 100 MiB" in ended.err
    assert "sizes in force: blocks of 512 KiB" in ended.err
    assert "raise --cap; every size follows from it" in ended.err


def test_a_cap_below_the_minimum_is_refused_before_anything_runs(command):
    """As a step of a runner refuses it."""
    ended = command("rebuild", "rows", *HOUR, "--cap", "10MiB")
    assert ended.exit_code == 2
    assert "96 MiB or more" in ended.err
