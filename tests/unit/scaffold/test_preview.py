"""The first records of a feed, as the lake would hold them, without a lake."""

from __future__ import annotations

import json

import pytest

from include.ticklake.__main__ import main
from include.ticklake.errors import UsageError
from tests.support.servers.http import HttpServer

FEED = """
source: {{kind: http, base_url: "{url}", path: /rows, params: {{symbol: "{{symbol}}"}}}}
slices: {{symbol: [BTCUSDT, ETHUSDT]}}
fields:
  row: {{from: id, type: int64, key: true}}
  price: {{from: p, type: "decimal(18,4)"}}
  at: {{from: t, type: timestamp, unit: ms, event_time: true}}
  note: {{type: string}}
  raw: {{from: x, type: json}}
"""

ROWS = [
    {"id": 1, "p": "67123.45", "t": 1_795_323_600_000, "note": None, "x": {"a": 1.10}},
    {"id": 2, "p": "0.12345", "t": 1_795_323_600_000},
    {"id": 3, "p": 5, "t": 1_795_323_600_001, "note": "a\nb" + 50 * "c"},
]

START = "2026-11-22T05:30:00Z"


@pytest.fixture
def feed(http_server: HttpServer, tmp_path, monkeypatch) -> HttpServer:
    """A feed ``rows`` of the server, which answers with ROWS."""
    http_server.answer("/rows", json.dumps(ROWS).encode())
    (tmp_path / "rows.yaml").write_text(FEED.format(url=http_server.url))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    return http_server


@pytest.mark.usefixtures("feed")
def test_a_table_shows_the_lakes_columns_and_values(tmp_path, capsys):
    """Numbers with their scale, times as instants; what the lake would refuse says why."""
    assert main(["preview", "rows", "--start", START]) == 0
    note = "a b" + 34 * "c" + "..."
    assert capsys.readouterr().out.splitlines() == [
        f"row  price       at                        {'note':40}  raw",
        f"1    67123.4500  2026-11-22T05:00:00.000Z  {'-':40}  " + '{"a": 1.1}',
        'quarantined: price: "0.12345" has more digits after the point than decimal(18,4) holds: '
        '{"id": 2, "p": "0.12345", "t": 179532...',
        f"3    5.0000      2026-11-22T05:00:00.001Z  {note}  -",
    ]
    assert not (tmp_path / "lake").exists()


def test_the_slice_and_the_number_of_rows_can_be_chosen(feed, capsys):
    """The first slice is asked for where none is named."""
    assert main(["preview", "rows", "--start", START, "--rows", "1"]) == 0
    assert main(["preview", "rows", "--start", START, "--slice", "symbol=ETHUSDT"]) == 0
    assert [asked.params for asked in feed.asked] == [{"symbol": "BTCUSDT"}, {"symbol": "ETHUSDT"}]
    assert len(capsys.readouterr().out.splitlines()) == 2 + 4


@pytest.mark.usefixtures("feed")
def test_records_outside_the_window_are_told(capsys, caplog):
    """The lake would leave them out; where all are, extraction refuses them."""
    assert main(["preview", "rows", "--start", START]) == 0
    assert not caplog.messages
    capsys.readouterr()
    assert main(["preview", "rows", "--start", "2026-11-22T06:30:00Z"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(ROWS)
    [said] = caplog.messages
    assert "window=20261122T060000Z-20261122T070000Z records=3 outside=3: the lake would" in said


def test_an_empty_page_says_so(feed, capsys):
    """The columns alone would look like a mistake."""
    feed.answer("/rows", b"[]")
    assert main(["preview", "rows"]) == 0
    assert capsys.readouterr().out.splitlines() == ["row  price  at  note  raw", "(no records)"]


@pytest.mark.usefixtures("feed")
def test_a_slice_that_does_not_fit_is_told(capsys):
    """As every other command does."""
    assert main(["preview", "rows", "--slice", "coin=BTC"]) == UsageError.exit_code
    assert "expected symbol=VALUE" in capsys.readouterr().err


@pytest.mark.usefixtures("feed")
def test_each_record_is_a_line_of_json_on_request(capsys):
    """Values are whole and exact, so they are text; a missing one is null."""
    assert main(["preview", "rows", "--start", START, "--json"]) == 0
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "row": "1", "price": "67123.4500", "at": "2026-11-22T05:00:00.000Z", "note": None,
        "raw": '{"a": 1.1}',
    }  # fmt: skip
    assert second["refused"].startswith('quarantined: price: "0.12345"')
    assert third["note"] == "a\nb" + 50 * "c"
