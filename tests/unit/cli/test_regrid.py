"""The command `regrid`: its arguments, and the lines that it prints."""

from __future__ import annotations

import json

import pytest

from tests.support.rows_lake import HOUR, RowsLake, record


@pytest.fixture
def lake(tmp_path, http_server, monkeypatch) -> RowsLake:
    """An hour with one record."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    made = RowsLake(tmp_path, http_server)
    made.send(record(1, "1.5"))
    assert made.ingest() == 0
    return made


def test_it_prints_a_line_per_window_and_publishes(lake, capsys):
    """The newest records are those of the new windows."""
    lake.describe(window="1d")
    capsys.readouterr()
    assert lake.run("regrid") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"slice": {}, "window": "20261122T000000Z-20261123T000000Z", "rows": 1},
        {"windows": 1, "latest_slices": 1},
    ]
    assert lake.run("regrid") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("option", ["--renamed", "--value"])
def test_what_is_no_pair_is_refused(lake, capsys, option):
    assert lake.run("regrid", option, "symbol") == 2
    assert f"{option} symbol: write it as NAME=NAME, or NAME=VALUE" in capsys.readouterr().err


def test_the_advice_of_other_commands_works_as_it_is_written(lake, capsys):
    lake.describe(window="1d")
    assert lake.run("extract", *HOUR) == 2
    assert "`regrid rows`" in capsys.readouterr().err
    assert lake.run_line("regrid rows") == 0
    assert lake.run("extract", *HOUR) == 0
