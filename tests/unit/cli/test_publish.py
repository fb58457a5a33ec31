"""A range is published, and the command says how much that was."""

from __future__ import annotations

import json

import pytest

from include.ticklake.cli.main import main

HOURS = ("--start", "2026-11-22T03:00", "--end", "2026-11-22T05:00")


@pytest.mark.usefixtures("lake")
def test_the_counts_are_one_line_of_json(capsys):
    """The slice of the lake has its newest records now."""
    assert main(["publish", "trades", *HOURS]) == 0
    assert json.loads(capsys.readouterr().out) == {"latest_slices": 1}
