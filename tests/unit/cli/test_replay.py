"""The replay is a command where it is installed."""

from __future__ import annotations

import sys

import pytest

from include.ticklake.cli.main import main


def test_the_replay_parses_its_own_options(capsys):
    """Its help is not that of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--help"])
    assert ended.value.code == 0
    assert "--trades-per-hour" in capsys.readouterr().out


def test_an_installation_without_the_replay_says_so(capsys, monkeypatch):
    """As in the converter's image, which does not hold it."""
    monkeypatch.delitem(sys.modules, "include.replay.command", raising=False)
    monkeypatch.setitem(sys.modules, "include.replay", None)
    assert main(["replay", "--port", "0"]) == 2
    assert "ticklake: replay: include.replay is not installed here; " in capsys.readouterr().err
