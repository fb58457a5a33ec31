"""No command of the command line imports pandas or numpy, also where they are installed."""

from __future__ import annotations

import json

import pytest

from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support.cli_process import CommandResult, environment, run
from tools import staging
from tools.staging import PartText

FEED = """\
source: {kind: http, base_url: "https://api.example.com", path: /rows}
window: 12h
order: descending
null_values: [N/A, -999]
limits: {max_bad_share: 50%}
fields:
  id: {from: n, type: int64, key: true, contiguous: true}
  price: {from: p, type: "decimal(18,8)"}
  wide: {from: w, type: "decimal(60,8)"}
  share: {from: f, type: double}
  note: {from: s, type: string}
  truth: {from: b, type: bool}
  day: {from: d, type: date}
  all: {from: o, type: json}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
  fetched: {from: $fetched_at, type: timestamp}
"""
DAY = ("--start", "2026-11-22", "--end", "2026-11-23")
TRAP = "import os; os.write(2, __name__.encode() + b' was imported'); os._exit(99)\n"


def record(number: int, at_ms: int) -> bytes:
    values = {
        "t": at_ms, "n": number, "p": "N/A" if number % 7 == 0 else f"{number}.5", "w": "1.5",
        "f": -999 if number % 5 == 0 else 0.25, "s": "note", "b": number if number == 3 else True,
        "d": "2026-11-22", "o": [number],
    }  # fmt: skip
    return json.dumps(values).encode()


@pytest.fixture
def ticklake(tmp_path):
    """A function that runs a command over a staged day, where importing pandas ends it."""
    for name, text in {
        "feeds/rows.yaml": FEED,
        "site/pandas/__init__.py": TRAP,
        "site/numpy/__init__.py": TRAP,
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    root = f"file://{tmp_path}/lake"
    described = loader.read_feed(tmp_path / "feeds/rows.yaml")
    for half in range(2):
        window = Window.parse(
            "20261122T000000Z-20261122T120000Z" if not half else "20261122T120000Z-20261123T000000Z"
        )
        numbers = range(half * 100, half * 100 + 100)
        texts = [record(n, window.start_ms + n) for n in reversed(numbers)]
        events = tuple((window.start_ms + n) * UNIT_NS["ms"] for n in numbers)
        part = PartText.of_lines(b",\n".join(texts), rows=len(texts), events_ns=events)
        unit = Unit(Slice.of({}), window)
        storage = Storage.open(root, {})
        staging.stage(described, unit, [part], storage=storage, fetched_at_ms=1)
    env = environment(TICKLAKE_FEEDS=str(tmp_path / "feeds"))
    env["PYTHONPATH"] = f"{tmp_path / 'site'}:{env['PYTHONPATH']}"

    def command(name: str, *options: str) -> CommandResult:
        return run(name, "rows", *DAY, "--root", root, *options, env=env)

    return command


def test_no_conversion_compaction_or_audit_imports_pandas(ticklake):
    """Every type, null values, an order to reverse, a refused record, and a second round."""
    for name in (
        "rebuild",
        "compact",
        "audit",
        "rebuild",
        "compact",
        "retry-quarantine",
        "publish",
    ):
        ended = ticklake(name)
        assert ended.exit_code in (0, 4), (name, ended.err)
        assert "pandas" not in ended.err
