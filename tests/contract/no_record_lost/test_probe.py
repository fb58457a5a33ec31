"""``probe`` drafts no feed that asks for one hour forever, or that takes a part for the whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from include.ticklake.__main__ import main
from tests.support.servers.http import HttpServer, Reply

S = 1_795_323_600  # 2026-11-22T05:00:00Z
TRADES = [
    {"id": 7, "price": "67123.45", "time": S * 1_000 + 600_000},
    {"id": 8, "price": "67123.5", "time": S * 1_000 + 1_200_000},
]


class Probed:
    """A server with one page, and the commands on it."""

    def __init__(self, server: HttpServer, folder: Path, capsys: pytest.CaptureFixture[str]):
        self.server, self._folder, self._capsys = server, folder, capsys

    def __call__(self, body: Any, target: str = "/rows") -> str:
        """The draft of *body* at *target*, as the feed ``probed``; empty where it fails.

        Later requests there find no records.
        """
        page = Reply(body=json.dumps(body).encode())
        self.server.answer_in_turn(target.partition("?")[0], page, Reply(body=b"[]"))
        self.exit_code = main(["probe", f"{self.server.url}{target}"])
        self.draft, self.error = self._capsys.readouterr()
        if self.draft:
            (self._folder / "probed.yaml").write_text(self.draft)
        return self.draft

    def check(self) -> int:
        """Exit code of ``feeds --check``; what it says is in ``error``."""
        exit_code = main(["feeds", "--check"])
        self.error = self._capsys.readouterr().err
        return exit_code

    def preview(self, hour: int) -> dict[str, str]:
        """The parameters of the first request for an hour of the day."""
        self.server.asked.clear()
        assert main(["preview", "probed", "--start", f"2026-11-22T{hour:02}:00:00Z"]) == 0
        return self.server.asked[0].params


@pytest.fixture
def probed(http_server, tmp_path, capsys, monkeypatch) -> Probed:
    """``probe``, ``feeds --check`` and ``preview`` on a page of this server."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    monkeypatch.setenv("TICKLAKE_SHIPPED_FEEDS", "none")
    return Probed(http_server, tmp_path, capsys)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (f"startTime={S}000&endTime={S + 3600}000", {"startTime": f"{S + 7200}000"}),
        (f"start={S}&end={S + 3600}", {"start": f"{S + 7200}", "end": f"{S + 10800}"}),
        ("from=2026-11-22T05:00:00Z&to=2026-11-22T06:00:00Z",
         {"from": "2026-11-22T07:00:00Z", "to": "2026-11-22T08:00:00Z"}),
        ("date_from=2026-11-22&date_to=2026-11-23", {"date_from": "2026-11-22T07:00:00Z"}),
        (f"since={S}", {"since": f"{S + 7200 - 1}"}),
        (f"range={S},{S + 3600}", {"range": f"{S + 7200},{S + 10800}"}),
        (f"timestamp={S}000", {"timestamp": f"{S + 7200}000"}),
    ],
)  # fmt: skip
def test_parameters_that_hold_a_window_move_with_it(probed, query, asked):
    """29 of 560 drafts asked for the same hour forever."""
    probed(TRADES, f"/rows?{query}&limit=100")
    first, second = probed.preview(5), probed.preview(7)
    assert second | asked == second
    assert first != second
    assert str(S) not in json.dumps(second)


def test_a_window_in_the_path_moves_too(probed):
    """The server has an answer for each hour's own path only."""
    probed(TRADES, f"/range/{S}000/{S + 3600}000")
    probed.server.answer(f"/range/{S + 7200}000/{S + 10800}000", b"[]")
    probed.preview(7)
    assert [asked.path for asked in probed.server.asked] == [f"/range/{S + 7200}000/{S + 10800}000"]


@pytest.mark.parametrize(
    "query", ["date=2026-11-22", "day=20261122", "date=22-11-2026", "cursor=x"]
)
def test_what_no_placeholder_expresses_fails_the_check(probed, query):
    """Said in the draft and on stderr, instead of one day forever."""
    draft = probed(TRADES, f"/rows?{query}")
    name, _, value = query.partition("=")
    assert f"# guess: {value} is one " in draft
    assert "until then feeds --check refuses it" in probed.error
    assert probed.check() == 2
    assert f"source.params.{name}: unknown placeholder 'to_choose'" in probed.error


def test_ids_and_volumes_are_not_times(probed):
    """An id of 13 digits, a volume of 1.7 billion, trade ids that increase."""
    rows = [
        {"id": 1_700_000_000_123 + n * 3, "volume": 1_700_000_000 + n, "tradeId": 1_795_000_000 + n}
        | {"time": S * 1_000 + n * 250}
        for n in range(5)
    ]
    draft = probed(rows, "/rows?orderId=1700000000123")
    assert "orderId: '1700000000123'" in draft
    for name in ("id", "volume", "trade_id"):
        assert f"  {name}: {{from: " in draft
        assert "type: int64" in next(line for line in draft.splitlines() if f" {name}: {{" in line)
    assert "time: {from: time, type: timestamp, unit: ms, event_time: true}" in draft


def test_no_login_is_guessed_from_keys_or_token_id(probed):
    """They say what is asked for; a login is named, and its value not written."""
    draft = probed(TRADES, "/rows?keys=ALL&token_id=77&api_key=canary")
    assert "keys: ALL" in draft
    assert "token_id: '77'" in draft
    assert "canary" not in draft
    assert [line for line in draft.splitlines() if "is a secret" in line] == [
        "    # guess: api_key is a secret; put it into a connection and set"
    ]


def test_epoch_beats_a_text_without_a_zone(probed):
    """Whose hour is a guess."""
    rows = [
        {"time": f"2026-11-22 14:0{n}:00", "timestamp": S * 1_000 + n * 60_000} for n in range(3)
    ]
    assert (
        "timestamp: {from: timestamp, type: timestamp, unit: ms, key: true, event_time: true}"
        in (probed(rows))
    )


def test_names_with_blanks_are_left_out_and_said(probed):
    """The draft is valid, and the JSON keeps them."""
    draft = probed([row | {"Last Price": "1.5", "4. close": "2"} for row in TRADES])
    assert "# left out: 'Last Price', since no path reaches such a name" in draft
    assert "# left out: '4. close'" in draft
    assert probed.check() == 0


def test_a_ticker_is_a_snapshot(probed):
    """One current record of each symbol: its times are of the last trade, of any hour."""
    rows = [
        {"symbol": symbol, "last": "1", "bid": "1", "ask": "2", "volume": "3", "ts": S * 1_000 + n}
        for n, symbol in enumerate(["BTC", "ETH", "SOL"])
    ]
    draft = probed(rows)
    assert "snapshot: true" in draft
    assert "symbol: {from: symbol, type: string, key: true}" in draft


def test_nothing_is_drafted_from_a_body_that_reports_an_error(probed):
    """In words, with an exit code."""
    assert probed({"retCode": 10001, "retMsg": "params error: symbol invalid", "result": {}}) == ""
    assert probed.exit_code == 3
    assert "the body reports an error: 10001: params error: symbol invalid" in probed.error
