"""The command line goes on to the next slice when one fails, and ends with the list."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.ticklake.cli.main import main
from tests.support.servers.http import ReceivedRequest, Reply

FEED = """\
source:
  kind: http
  base_url: https://api.example.com
  path: /rows
  params: {symbol: "{symbol}"}
slices: {symbol: [BTC, LUNA, ETH, FTT]}
limits: {attempts: 1, max_bad_share: 0.1, max_wait_s: 0}
fields:
  id: {type: int64, key: true}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
"""
HOUR = ["--start", "2026-11-22T05:00Z", "--end", "2026-11-22T06:00Z"]
DELISTED = Reply(status=400, body=b'{"code": -1121, "msg": "Invalid symbol."}')


@pytest.fixture
def command(tmp_path, monkeypatch, capsys, http_server):
    """Runs a command over the feed and its server: the exit code, the output, the errors."""
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "rows.yaml").write_text(FEED)
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    monkeypatch.setenv("TICKLAKE_BASE_URL", http_server.url)

    def run(*argv: str) -> tuple[int, list[dict[str, object]], str]:
        capsys.readouterr()
        exit_code = main(list(argv))
        output = capsys.readouterr()
        return exit_code, [json.loads(line) for line in output.out.splitlines()], output.err

    return run


def answers(**by_symbol: Reply):
    """Two records for every symbol, but for those that are named."""
    rows = b'[{"id": 1, "t": 1795323600153}, {"id": 2, "t": 1795323600154}]'

    def answer(asked: ReceivedRequest) -> Reply:
        return by_symbol.get(asked.params["symbol"], Reply(body=rows))

    return answer


def manifests(folder: Path) -> list[str]:
    """The slices that are committed."""
    return sorted(path.parts[-3] for path in (folder / "lake/manifests").rglob("*.json"))


def list_of(err: str) -> list[str]:
    """What the command ends with."""
    return err[err.index("ticklake: ") :].splitlines()


def test_a_delisted_symbol_does_not_keep_the_others(command, http_server, tmp_path):
    """Thread freqtrade/freqtrade#903."""
    http_server.answer_by("/rows", answers(LUNA=DELISTED, FTT=DELISTED))
    exit_code, results, err = command("extract", "rows", *HOUR)
    assert exit_code == 3
    assert [result["rows"] for result in results] == [2, 2]
    assert manifests(tmp_path) == ["symbol=BTC", "symbol=ETH"]
    first, *failures = list_of(err)
    assert first == "ticklake: 2 of 4 units failed, and the others are done:"
    assert [line.split(": ")[0] for line in failures] == [
        "  symbol=LUNA 20261122T050000Z-20261122T060000Z",
        "  symbol=FTT 20261122T050000Z-20261122T060000Z",
    ]
    assert all("Invalid symbol." in line for line in failures)


@pytest.mark.parametrize(
    ("reply", "exit_code", "message"),
    [
        pytest.param(Reply(status=429, headers={"Retry-After": "7200"}), 3, "retry in 7200 s",
                     id="a ban"),
        pytest.param(Reply(status=401), 3, "HTTP 401", id="a login that is refused"),
    ],
)  # fmt: skip
def test_what_concerns_all_slices_stops_at_once(
    command, http_server, tmp_path, caplog, monkeypatch, reply, exit_code, message
):
    """The last symbol is not asked for, unless it was asked for beside the others."""
    monkeypatch.setenv("TICKLAKE_UNITS_AT_ONCE", "1")
    http_server.answer_by("/rows", answers(LUNA=DELISTED, ETH=reply))
    ended = command("extract", "rows", *HOUR)
    assert ended[0] == exit_code
    assert message in list_of(ended[2])[0]
    assert "units failed before:\n  symbol=LUNA" in caplog.text
    assert [asked.params["symbol"] for asked in http_server.asked] == ["BTC", "LUNA", "ETH"]
    assert manifests(tmp_path) == ["symbol=BTC"]


def test_a_source_that_is_down_is_not_asked_for_every_slice(command, http_server, monkeypatch):
    """Three units in a row are enough."""
    monkeypatch.setenv("TICKLAKE_UNITS_AT_ONCE", "1")  # those that run already end by themselves
    http_server.answer_by("/rows", lambda _: Reply(status=503))
    exit_code, _, err = command("extract", "rows", *HOUR)
    assert exit_code == 3
    assert "3 of 3 units failed; the rest was not tried, as the source is unavailable:" in err
    assert len(http_server.asked) == 3


def test_a_conversion_goes_on_and_the_worst_exit_code_is_the_commands(command, http_server):
    """Data that is refused is worse than a source that refuses."""
    bad = Reply(body=b'[{"id": "x", "t": 1795323600153}]')
    http_server.answer_by("/rows", answers(LUNA=bad))
    exit_code, results, _ = command("extract", "rows", *HOUR)
    assert exit_code == 0
    for argv in (
        ["convert", *(str(row["manifest"]) for row in results)],
        ["rebuild", "rows", *HOUR],
    ):
        exit_code, converted, err = command(*argv)
        assert exit_code == 4
        assert len(converted) == 3
        first, failure = list_of(err)
        assert first == "ticklake: 1 of 4 units failed, and the others are done:"
        assert failure.startswith("  symbol=LUNA 20261122T050000Z")


def test_a_repair_goes_on(command, http_server, tmp_path, capsys):
    """What could not be repaired is listed, with its reason."""
    http_server.answer_by("/rows", answers())
    uris = [str(result["manifest"]) for result in command("extract", "rows", *HOUR)[1]]
    command("convert", *uris)
    for symbol in ("LUNA", "ETH"):
        for path in (tmp_path / "lake/json").rglob(f"symbol={symbol}/**/*.json.gz"):
            path.unlink()
    http_server.answer_by("/rows", answers(LUNA=DELISTED))
    assert main(["audit", "rows", *HOUR, "--repair"]) == 4
    first, failure, *not_repaired = list_of(capsys.readouterr().err)
    assert first == "ticklake: 1 of 2 units failed, and the others are done:"
    assert failure.startswith("  symbol=LUNA 20261122T050000Z")
    assert [line.split()[:4] for line in not_repaired] == [
        ["not", "repaired:", "part_broken", "symbol=LUNA"]
    ]
