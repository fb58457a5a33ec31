"""A lake is maintained from the command line; deleting takes a flag of its own."""

from __future__ import annotations

import json

import pytest

from include.ticklake.cli.main import main
from tests.support import lake_factory

HOURS = ("--start", "2026-11-22T03:00", "--end", "2026-11-22T05:00")
DAY = ("--start", "2026-11-22", "--end", "2026-11-23")


@pytest.mark.usefixtures("lake")
def test_an_audit_prints_a_line_per_finding(capsys):
    """Its columns line up, and the exit code says that there is one."""
    assert main(["audit", "trades", *HOURS]) == 4
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(
        "missing_window     symbol=BTCUSDT            20261122T040000Z-20261122T050000Z   "
    )


def test_an_empty_day_is_a_warning(lake, capsys):
    """It is printed, and nothing fails for it."""
    for key in list(lake.list("")):
        lake.delete(key)
    made = lake_factory.stage(lake, [], window=lake_factory.hour(3))
    assert main(["convert", lake.uri(made.key)]) == 0
    capsys.readouterr()
    hour = ("--start", "2026-11-22T03:00", "--end", "2026-11-22T04:00")
    assert main(["audit", "trades", *hour, "--json", "--repair"]) == 0
    finding = json.loads(capsys.readouterr().out)
    assert (finding["kind"], finding["window"]) == ("empty_day", lake_factory.DAY.name)


@pytest.mark.usefixtures("lake")
def test_an_audit_prints_json_on_request(capsys):
    """One object per finding, for other programs."""
    assert main(["audit", "trades", *HOURS, "--json"]) == 4
    finding = json.loads(capsys.readouterr().out)
    assert (finding["kind"], finding["slice"]) == ("missing_window", "symbol=BTCUSDT")


@pytest.mark.usefixtures("lake")
def test_a_day_that_is_not_complete_is_not_compacted(capsys):
    """One line of JSON per slice and day says why."""
    assert main(["compact", "trades", *DAY]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["slice"], result["day"]) == ("symbol=BTCUSDT", lake_factory.DAY.name)
    assert result["skipped"]


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("command", ["retry-quarantine", "requarantine"])
def test_quarantined_records_are_retried_under_both_names(capsys, command):
    """The command's first name still works."""
    assert main([command, "trades", *DAY]) == 0
    totals = {"windows": 0, "before_rows": 0, "after_rows": 0}
    assert json.loads(capsys.readouterr().out) == totals
