"""The command line ends with a code and a message that say what to do."""

from __future__ import annotations

import argparse
import signal
import socket
import subprocess
import sys

import pytest

from include.ticklake import __version__
from include.ticklake.cli.main import build_parser, main
from tests.conftest import REPOSITORY
from tests.support.cli_process import environment, run, start
from tests.support.rows_feed import HOUR, extract_rows, rows_feed
from tools.servers.s3 import Bucket


def test_the_version_is_printed(capsys):
    """For bug reports."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert (ended.value.code, capsys.readouterr().out) == (0, f"{__version__}\n")


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["extract", "--help"]], ids=" ".join)
def test_help_and_version_work_with_wrong_settings(argv, capsys, monkeypatch):
    """A user who set a wrong size can still look up what is right."""
    monkeypatch.setenv("TICKLAKE_CAP", "lots")
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 0
    assert "lots" not in "".join(capsys.readouterr())


def test_a_closed_pipe_is_not_a_failure():
    """``feeds | head``: as other tools end, without a message."""
    process = start("feeds", env=environment())
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 128 + signal.SIGPIPE


INTERRUPTED = """
import runpy, sys
from include.ticklake.cli import feeds

# As an import does that makes a class from a text.
feeds.run_feeds = lambda _: exec("import os; os.kill(os.getpid(), 2); [*range(100_000)]")
runpy.run_module("include.ticklake", run_name="__main__", alter_sys=True)
"""


def test_an_interrupt_inside_of_an_import_ends_with_130(tmp_path):
    """Python remembers such a one, and would end by the signal though it was dealt with."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    env = environment()
    env["PYTHONPATH"] += f":{tmp_path}"
    argv = [sys.executable, "-m", "interrupted", "feeds"]
    done = subprocess.run(
        argv, env=env, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (128 + signal.SIGINT, ""), done.stderr
    assert done.stderr == "ticklake: interrupted; what was committed stays\n"


@pytest.mark.parametrize(
    "argv",
    [[], ["fetch"], ["extract"], ["extract", "trades"], ["extract", "trades", *HOUR, "--fast"]],
    ids=" ".join,
)
def test_an_incomplete_command_line_ends_with_two(argv, capsys):
    """The usage is shown."""
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: python -m include.ticklake" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TICKLAKE_LATEST_ROWS", "all", "TICKLAKE_LATEST_ROWS: 'all' is not a whole number"),
        ("TICKLAKE_CAP", "lots", "TICKLAKE_CAP: 'lots' is not a size; write it as 128MiB"),
        ("TICKLAKE_FEEDS", "/no/such/folder", "TICKLAKE_FEEDS: /no/such/folder is not a folder"),
    ],
)
def test_a_wrong_setting_ends_with_two(capsys, monkeypatch, name, value, message):
    """With a message and no traceback, whatever the command."""
    monkeypatch.setenv(name, value)
    assert main(["feeds"]) == 2
    assert f"ticklake: {message}" in capsys.readouterr().err


def test_a_storage_failure_is_reported_in_one_line(http_server, tmp_path):
    """Here a file is where a folder should be."""
    http_server.answer("/rows", b"[]")
    (tmp_path / "lake").write_text("")
    ended = extract_rows(tmp_path, http_server.url)
    assert ended.exit_code == 1
    [told] = [line for line in ended.err.splitlines() if line.startswith("ticklake: storage: ")]
    assert told.endswith("; correct that and run this again: what was committed stays")
    assert "Traceback" not in ended.err


@pytest.mark.s3
def test_a_refusal_by_s3_is_reported_without_its_key(s3: Bucket, http_server, tmp_path):
    """The secret is in no message, and a wrong one is not tried forever."""
    http_server.answer("/rows", b"[]")
    env = s3.environment | {"AWS_SECRET_ACCESS_KEY": "wr0ng-s3cret"} | rows_feed(tmp_path)
    ended = run(
        "extract", "rows", *HOUR, "--root", s3.root, "--base-url", http_server.url,
        env=environment(**env),
    )  # fmt: skip
    assert ended.exit_code == 1
    assert "ticklake: storage: " in ended.err
    assert "wr0ng" not in ended.err


def test_verbose_logs_every_page_and_no_secret(http_server, tmp_path):
    """Of our own modules only: others would log whole addresses."""
    http_server.answer("/rows", b"[]")
    ended = run(
        "--verbose", "extract", "rows", *HOUR, "--root", f"file://{tmp_path}/lake",
        "--base-url", http_server.url, env=environment(**rows_feed(tmp_path)),
    )  # fmt: skip
    assert ended.exit_code == 0
    assert f"DEBUG page.read url={http_server.url}/rows?apiKey=*** rows=0 bytes=2" in ended.err
    assert "s3cret" not in ended.err


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, and of the whole under an empty name."""
    parser = build_parser()
    [commands] = [
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return {"": parser, **commands.choices}


@pytest.mark.parametrize("command", parsers())
def test_every_argument_has_a_help_text(command):
    """A phrase without a full stop, as argparse's own are."""
    for action in parsers()[command]._actions:
        if not isinstance(action, argparse._SubParsersAction):
            assert action.help, action.dest
            assert not action.help.endswith("."), action.dest


def test_the_help_lists_the_exit_codes(capsys):
    """Scripts depend on them."""
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert "  2    an argument, a setting or a feed file is wrong" in out
    assert "  137  the memory limit was reached" in out


def test_a_command_shows_examples_that_can_be_copied(capsys):
    """Line by line, as they are written."""
    with pytest.raises(SystemExit):
        main(["extract", "--help"])
    out = capsys.readouterr().out
    assert (
        "examples:\n"
        "  python -m include.ticklake extract binance_agg_trades --slice symbol=BTCUSDT \\\n"
        "      --start 2026-01-02T05:00Z --end 2026-01-02T06:00Z\n"
    ) in out


def test_the_command_line_imports_nothing_heavy_before_its_command():
    """A shell that completes a word waits for it, and so does a person who looks for help."""
    code = (
        "import sys\n"
        "from include.ticklake.cli.main import build_parser\n"
        "build_parser()\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    heavy = {"pyarrow", "obstore", "boto3", "ijson", "requests", "rich", "argcomplete", "docker"}
    assert heavy & set(done.stdout.split()) == set()


def test_sigterm_ends_a_command_with_a_message(tmp_path):
    """As a worker, an engine or a cluster sends it; here while the source does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = f"http://127.0.0.1:{silent.getsockname()[1]}"
        env = environment(TICKLAKE_ROOT=tmp_path.as_uri(), TICKLAKE_BASE_URL=source)
        with start("extract", "binance_agg_trades", *HOUR, env=env) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert err.splitlines()[-1] == "ticklake: ended by SIGTERM; what was committed stays"
