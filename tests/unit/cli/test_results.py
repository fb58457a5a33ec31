"""A program gets JSON, people get a table; both have the same results."""

from __future__ import annotations

import argparse
import json
import os

import pytest

from include.ticklake.cli.results import ResultTable, format_cell
from include.ticklake.model.messages import CompactDone
from include.ticklake.model.sizes import MIB

DONE = CompactDone(
    day="20261122T000000Z-20261123T000000Z", slice="symbol=BTCUSDT", rows=1234567, files=24,
    parquet_bytes=3 * MIB, skipped=None, seconds=1.5, peak_bytes=80 * MIB,
)  # fmt: skip
COLUMNS = ("slice", "rows", "parquet_bytes", "seconds", "skipped")


def table(*, as_json: bool) -> ResultTable:
    return ResultTable(argparse.Namespace(json=as_json), *COLUMNS)


def test_a_pipe_gets_a_line_of_json_for_each_result(capsys):
    """Of a message its type, and what a step's reader knows."""
    table(as_json=False).add(DONE)
    table(as_json=False).add({"windows": 3})
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["type"], first["rows"]) == ("CompactDone", 1234567)
    assert second == {"windows": 3}


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_a_table(colour, capsys, monkeypatch):
    """Numbers are aligned to the right and have their unit; headings are there once."""
    monkeypatch.setenv("_TICKLAKE_BAR", f"{os.getpid()} 0 0 0 0")
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "" if colour else "1")
    printed = table(as_json=False)
    printed.add(DONE)
    printed.add(DONE, skipped="a window is missing")
    heading, *rows = capsys.readouterr().out.splitlines()
    plain = "slice                 rows     parquet     seconds  skipped"
    assert heading == (f"\x1b[1m{plain}\x1b[0m" if colour else plain)
    assert rows == [
        "symbol=BTCUSDT   1,234,567       3 MiB         1.5  -",
        "symbol=BTCUSDT   1,234,567       3 MiB         1.5  a window is missing",
    ]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("complete", True, "yes"),
        ("slice", {"symbol": "BTC", "interval": "1m"}, "symbol=BTC,interval=1m"),
        ("rows", 0, "0"),
        ("skipped", None, "-"),
        ("json_bytes", 2048, "2 KiB"),
    ],
)
def test_a_value_reads_as_its_kind(name, value, text):
    """Whatever its type."""
    assert format_cell(name, value) == text


def test_json_can_be_asked_for_on_a_terminal(capsys, monkeypatch):
    """The same lines as in a pipe."""
    monkeypatch.setenv("_TICKLAKE_BAR", f"{os.getpid()} 0 0 0 0")
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1)
    table(as_json=True).add(DONE)
    assert json.loads(capsys.readouterr().out)["files"] == 24
