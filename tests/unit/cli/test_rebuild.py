"""What is staged is converted again; the source is not asked."""

from __future__ import annotations

import json

import pytest

from include.ticklake.cli.main import main

HOURS = ("--start", "2026-11-22T03:00", "--end", "2026-11-22T05:00")


@pytest.mark.usefixtures("lake")
def test_the_staged_hour_of_a_range_is_rebuilt(capsys):
    """One result for the window that is there."""
    assert main(["rebuild", "trades", *HOURS]) == 0
    [result] = map(json.loads, capsys.readouterr().out.splitlines())
    assert result["type"] == "ConvertDone"
    assert result["manifest"].endswith("20261122T030000Z-20261122T040000Z.json")


@pytest.mark.usefixtures("lake")
def test_a_range_with_nothing_staged_is_refused(capsys):
    """With the command that stages it."""
    hours = ("--start", "2026-11-22T10:00", "--end", "2026-11-22T11:00")
    assert main(["rebuild", "trades", *hours]) == 2
    assert "nothing is staged in that range; `extract` it first" in capsys.readouterr().err


@pytest.mark.usefixtures("lake")
def test_a_new_schema_must_rebuild_the_whole_feed(capsys):
    """Which it does here: the lake has one hour."""
    hours = ("--start", "2026-11-22T03:00", "--end", "2026-11-22T04:00")
    assert main(["rebuild", "trades", *hours, "--new-schema"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] > 0
