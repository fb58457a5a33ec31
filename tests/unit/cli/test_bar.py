"""A real terminal shows a bar; no pipe, no program and no memory limit knows of it."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from tests.support import pty_command
from tests.support.cli_process import environment, run
from tests.support.rows_feed import HOUR, extract_rows, rows_feed

pytestmark = pytest.mark.slow

AT_END = """
import atexit, json, os, sys
from pathlib import Path

def note():
    if "SEEN" in os.environ and "include.ticklake.cli.main" in sys.modules:
        Path(os.environ["SEEN"]).write_text(json.dumps({"rich": "rich" in sys.modules}))

atexit.register(note)
"""
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def lake(http_server, tmp_path) -> tuple[str, ...]:
    """An extracted hour: the arguments that convert it again."""
    rows = [{"id": n, "t": 1_795_323_600_000 + n} for n in range(2_000)]
    http_server.answer("/rows", json.dumps(rows).encode())
    assert extract_rows(tmp_path, http_server.url).exit_code == 0
    return ("rebuild", "rows", *HOUR, "--root", f"file://{tmp_path}/lake", "--cap", "128MiB")


@pytest.fixture
def env(tmp_path) -> dict[str, str]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(AT_END)
    env = environment(**rows_feed(tmp_path), SEEN=str(tmp_path / "seen"))
    return env | {"PYTHONPATH": f"{tmp_path / 'site'}:{env['PYTHONPATH']}"}


def lines(output: str) -> list[str]:
    return [line.strip() for line in ESCAPES.sub("", output).replace("\r", "\n").splitlines()]


def test_a_terminal_shows_a_bar_and_a_table(lake, env, tmp_path):
    """The bar counts units; the lines of the table are whole, and the command has no rich."""
    command = pty_command.start(*lake, env=env)
    assert command.read_to_end() == 0, command.output
    shown = lines(command.output)
    assert any(re.match(r"rebuild rows .* [01]/1 ", line) for line in shown), command.output
    [heading] = [line for line in shown if line.startswith("slice")]
    assert heading.split() == [
        "slice", "window", "rows", "quarantined", "json", "parquet", "seconds", "peak",
    ]  # fmt: skip
    [row] = [line for line in shown if "20261122T050000Z" in line and "2,000" in line]
    assert row.endswith("MiB")
    assert "INFO" not in command.output
    assert json.loads((tmp_path / "seen").read_text()) == {"rich": False}


def test_the_bar_takes_nothing_of_the_memory_limit(lake, env, report_line):
    """What the command held at its peak is the same with a bar and in a pipe."""
    piped = run(*lake, env=env)
    plain_bytes = json.loads(piped.out)["peak_bytes"]
    command = pty_command.start(*lake, "--json", env=env)
    assert command.read_to_end() == 0, command.output
    [line] = [line for line in lines(command.output) if line.startswith("{")]
    shown_bytes = json.loads(line)["peak_bytes"]
    report_line(f"peak with a bar {shown_bytes / plain_bytes:.3f} of that without")
    assert shown_bytes < 1.05 * plain_bytes


def test_a_pipe_gets_lines_only(lake, env):
    """As scripts had them before: the log on stderr, JSON on stdout, and no escape."""
    piped = run(*lake, env=env | {"TERM": "xterm"})
    assert piped.exit_code == 0
    assert "INFO convert.done" in piped.err
    assert "\x1b" not in piped.err + piped.out
    assert json.loads(piped.out)["rows"] == 2_000


@pytest.mark.parametrize("broken", ["missing", "failing"])
def test_without_rich_the_lines_are_plain(lake, env, tmp_path, broken):
    """As in the converter's image; a rich that cannot be imported loses no line either."""
    if broken == "failing":
        (tmp_path / "site" / "rich").mkdir()
        (tmp_path / "site" / "rich" / "__init__.py").write_text("raise ImportError('broken')")
    else:
        block = "import sys\nsys.modules['rich'] = None\n"
        (tmp_path / "site" / "sitecustomize.py").write_text(block)
    command = pty_command.start(*lake, env=env)
    assert command.read_to_end() == 0, command.output
    assert "20261122T050000Z-20261122T060000Z" in command.output
    assert "0/1" not in command.output


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)]
)
def test_the_bar_ends_with_its_command(http_server, env, tmp_path, number, exit_code):
    """Killed or interrupted: nobody has the terminal then."""
    http_server.answer("/rows", b"[]", status=503, headers={"Retry-After": "30"})
    text = (Path(env["TICKLAKE_FEEDS"]) / "rows.yaml").read_text()
    rows_feed(tmp_path, text.replace("attempts: 1", "attempts: 5"))
    command = pty_command.start(
        "extract", "rows", *HOUR, "--root", f"file://{tmp_path}/lake",
        "--base-url", http_server.url, env=env,
    )  # fmt: skip
    command.read_until("0/1")
    os.kill(command.process.pid, number)
    assert command.read_to_end() == exit_code
    if number == signal.SIGINT:
        assert "interrupted; what was committed stays" in command.output
