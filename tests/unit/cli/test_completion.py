"""A real bash completes commands, options, feeds and slices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from include.ticklake.cli import completion
from include.ticklake.cli.main import main
from tests.conftest import REPOSITORY
from tests.support.cli_process import environment
from tests.support.rows_feed import rows_feed
from tools import console_script

ASK = """
eval "$(ticklake completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
read -ra COMP_WORDS <<<"$1"
[[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
compopt() { :; }
_python_argcomplete ticklake "${COMP_WORDS[COMP_CWORD]}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete(tmp_path: Path):
    """A function: what is typed so far -> the words that bash offers."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    script = console_script.write(tmp_path / "venv", REPOSITORY)

    def ask(typed: str) -> set[str]:
        env = environment(**rows_feed(tmp_path))
        # The link is no environment of its own: its packages are those of these tests.
        env["PYTHONPATH"] = ":".join(path for path in sys.path if path.endswith("site-packages"))
        env["PATH"] = f"{script.parent}:{env['PATH']}"
        said = subprocess.run(
            ["bash", "-c", ASK, "bash", typed],
            env=env, cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return {word.strip() for word in said.stdout.split()}

    return ask


@pytest.mark.slow
def test_a_shell_completes_commands_feeds_and_slices(complete):
    """A feed of one's own as well as the shipped ones; after `=`, bash takes the rest alone."""
    assert complete("ticklake re") == {
        "rebuild", "regrid", "replay", "requarantine", "restore", "retention", "retry-quarantine",
    }  # fmt: skip
    assert complete("ticklake extract ro") == {"rows"}
    assert complete("ticklake extract binance_klines --slice symbol=B") == {"BTCUSDT"}


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_shell_gets_code_that_names_the_command(shell, capsys):
    """Where argcomplete is installed."""
    assert main(["completion", shell]) == 0
    assert "ticklake" in capsys.readouterr().out


def test_without_argcomplete_the_command_says_what_to_install(capsys, monkeypatch):
    """As in the converter's image, which needs none."""
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)
    assert main(["completion", "bash"]) == 2
    assert "argcomplete is not installed here" in capsys.readouterr().err
