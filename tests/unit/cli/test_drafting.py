"""``probe`` sends what the command line says, and prints a draft."""

from __future__ import annotations

import json

import pytest

from include.ticklake.__main__ import main
from include.ticklake.errors import UsageError
from tests.support.drafts import TRADES
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

BODY = '{"type": "trades", "coin": "BTC"}'


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (["--data", BODY], json.loads(BODY)),
        (["--data", "@query.json"], json.loads(BODY)),
        (["--form", "coin=BTC", "--form", "n=5"], b"coin=BTC&n=5"),
    ],
    ids=["json", "a file", "form"],
)
def test_a_post_is_sent_and_drafted(
    http_server: HttpServer, tmp_path, monkeypatch, capsys, options, sent
):
    """By a URL and a body; the draft sends the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "query.json").write_text(BODY)
    received: list[ReceivedRequest] = []

    def answer(request: ReceivedRequest) -> Reply:
        received.append(request)
        return Reply(body=json.dumps(TRADES).encode())

    http_server.answer_by("/info", answer)
    assert main(["probe", f"{http_server.url}/info", *options, "--no-second-page"]) == 0
    [request] = received
    assert request.method == "POST"
    assert (json.loads(request.body) if isinstance(sent, dict) else request.body) == sent
    printed = capsys.readouterr().out
    assert "  method: POST\n" in printed
    assert "coin: '{coin}'" in printed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", BODY, "--form", "a=1"], "a request has one body"),
        (["--data", "@none.json"], "No such file or directory; name a file with a JSON body"),
        (["http://127.0.0.1/b", "--data", BODY, "--data", BODY], "several URLs and several --data"),
    ],
)
def test_what_cannot_be_sent_is_refused(capsys, options, said):
    """Before anything is asked for."""
    assert main(["probe", "http://127.0.0.1/a", *options]) == UsageError.exit_code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("rows", ["0", "-1"])
def test_a_preview_shows_at_least_one_record(capsys, rows):
    """Fewer is a mistake, and told as one."""
    assert main(["preview", "binance_klines", "--rows", rows]) == UsageError.exit_code
    assert capsys.readouterr().err == f"ticklake: --rows {rows}: show at least 1\n"
