"""One page of an unknown API becomes a feed file that is valid, with every guess marked."""

from __future__ import annotations

import json
import tracemalloc
from itertools import chain, repeat

import pytest
import yaml

from include.ticklake.__main__ import main
from include.ticklake.errors import (
    MalformedPageError,
    SourceRefusedError,
    SourceUnavailableError,
    UsageError,
)
from include.ticklake.feed import loader
from include.ticklake.scaffold import probe
from tests.support.drafts import BARS, TRADES, URL, draft_feed, draft_text
from tests.support.servers.http import HttpServer


@pytest.mark.parametrize(
    ("body", "path", "columns"),
    [
        pytest.param(TRADES, "$", None, id="at the root"),
        pytest.param({"data": TRADES, "n": 2}, "data", None, id="at a path"),
        pytest.param({"a": {"b": {"list": TRADES}}}, "a.b.list", None, id="deep"),
        pytest.param({"errors": [], "data": TRADES}, "data", None, id="beside an empty array"),
        pytest.param({"tags": [1, 2, 3], "data": TRADES}, "data", None, id="beside plain values"),
        pytest.param(BARS, "$", 3, id="arrays"),
        pytest.param(
            {"error": [], "result": {"XXBTZUSD": BARS, "last": 7}},
            "result.*",
            3,
            id="under an instrument's name",
        ),
        pytest.param([{**TRADES[0], "tags": [{}, {}]}], "$", None, id="with arrays inside"),
    ],
)
def test_the_records_are_found(body, path, columns):
    """Where most objects or arrays lie side by side."""
    source = draft_feed(body).source
    assert source.records == path
    assert (len(source.columns) if source.columns else None) == columns


def test_what_names_an_instrument_becomes_a_slice():
    """So that others can be listed; its column would only repeat it."""
    found = draft_feed([{"id": 1, "symbol": "BTCUSDT"}], f"{URL}?symbol=BTCUSDT&instId=a")
    assert found.slices == {"symbol": ["BTCUSDT"], "inst_id": ["a"]}
    assert found.source.params == {"symbol": "{symbol}", "instId": "{inst_id}"}


def test_a_parameter_that_is_given_twice_becomes_a_slice():
    """A feed sends each name once; neither value is lost. What looks like a placeholder is data."""
    found = draft_feed(TRADES, f"{URL}?ids=a&ids=b&q=%7Bx%7D")
    assert found.slices == {"ids": ["a", "b"], "q": ["{x}"]}
    assert found.source.params == {"ids": "{ids}", "q": "{q}"}


def test_every_guess_is_marked_and_no_secret_is_written():
    """A key in the URL belongs into a connection."""
    draft = draft_text(TRADES, f"{URL}?api_key=canary&limit=2")
    assert "canary" not in draft
    assert "# guess: api_key is a secret" in draft
    for line in ("records:", "paging:", "order:", "  p:", "  t:", "  id:"):
        assert any("# guess: " in said for said in draft.splitlines() if line in said), line


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        pytest.param("down", SourceRefusedError, "the body is a single value", id="value"),
        pytest.param([], SourceRefusedError, "without records", id="empty"),
        pytest.param(
            [{"a": 1}, [1]], SourceRefusedError, "neither all objects nor all arrays", id="mixture"
        ),
        pytest.param(b'[{"a": 1}, {"a"', MalformedPageError, "not JSON, or ended early", id="cut"),
        pytest.param(b"<html>", MalformedPageError, "not JSON", id="no JSON"),
    ],
)
def test_a_page_without_records_is_refused_in_words(body, error, said):
    """With the address, and with what stands there instead."""
    with pytest.raises(error, match=f"^{URL}: .*{said}"):
        draft_text(body)


def test_an_error_of_the_api_does_not_repeat_a_secret():
    """Nor does the address before it."""
    with pytest.raises(
        SourceRefusedError, match=r"api_key=\*\*\*: .* error: the key \*\*\* is"
    ) as it:
        draft_text({"error": "the key canary is invalid"}, f"{URL}?api_key=canary")
    assert "canary" not in str(it.value)


def test_the_records_can_be_named():
    """Where the guess would be wrong."""
    body = {"n": 1, "small": TRADES[:1], "large": TRADES}
    assert draft_feed(body).source.records == "large"
    assert draft_feed(body, records="small").source.records == "small"
    assert draft_feed({"bids": BARS, "asks": BARS}, records="asks").source.records == "asks"


def test_the_command_prints_a_file_that_is_valid(
    http_server: HttpServer, tmp_path, capsys, monkeypatch
):
    """What it prints passes ``feeds --check`` as it is."""
    http_server.answer("/v1/trades", json.dumps({"data": TRADES}).encode())
    assert main(["probe", f"{http_server.url}/v1/trades?symbol=BTCUSDT"]) == 0
    path = tmp_path / "probed.yaml"
    path.write_text(capsys.readouterr().out)
    assert loader.read_feed(path).source.records == "data"
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path))
    assert main(["feeds", "--check"]) == 0


def test_a_source_that_fails_is_reported_in_its_own_words(http_server: HttpServer, capsys):
    """The exit code says what kind of failure it was."""
    http_server.answer("/down", b'{"msg": "maintenance"}', status=503)
    assert main(["probe", f"{http_server.url}/down?key=canary"]) == SourceUnavailableError.exit_code
    said = capsys.readouterr().err
    assert "HTTP 503" in said
    assert "maintenance" in said
    assert "canary" not in said
    assert main(["probe", "ftp://host/path"]) == UsageError.exit_code


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (b"<html>canary</html>", {"Content-Type": "text/html"},
         "near byte 0: the body begins as HTML or XML (HTTP 200, text/html, '<html>***</html>')"),
        (b"[]", {"Content-Encoding": "br"}, "its Content-Encoding is br, which is not read"),
    ],
    ids=["a page for people", "brotli"],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_reported_with_its_address(
    http_server: HttpServer, capsys, body, headers, said
):
    """And with what arrived, without a secret."""
    http_server.answer("/v1/trades", body, headers=headers)
    assert main(["probe", f"{http_server.url}/v1/trades?apikey=canary"]) == 3
    error = capsys.readouterr().err
    assert f"{http_server.url}/v1/trades?apikey=***: " in error
    assert said in error
    assert "canary" not in error


@pytest.mark.slow
def test_memory_does_not_grow_with_the_page(http_server: HttpServer):
    """A page of any size is spooled to disk; a thousand of its records are looked at."""

    def peak(rows: int) -> int:
        row = json.dumps(TRADES[0]).encode()
        body = chain([b"[" + row], repeat(b"," + row, rows - 1), [b"]"])
        http_server.answer("/v1/trades", body)
        tracemalloc.start()
        probe.probe(f"{http_server.url}/v1/trades")
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return taken

    assert peak(20_000) < 1.25 * peak(2_000)


def test_of_several_urls_a_feed_gets_what_differs_as_a_slice(http_server: HttpServer):
    """In the path, or in a parameter; a column's type is that of all pages."""
    prices = {"btc": "67123.45", "eth": 7, "sol": None}
    for name, price in prices.items():
        rows = [{**row, "price": price} for row in TRADES]
        http_server.answer(f"/products/{name}/trades", json.dumps(rows).encode())
    urls = [f"{http_server.url}/products/{name}/trades" for name in prices]
    draft = yaml.safe_load(probe.probe(*urls))
    assert draft["slices"] == {"product": ["btc", "eth", "sol"]}
    assert draft["source"]["path"] == "/products/{product}/trades"
    assert draft["order"] == "ascending"
    assert draft["fields"]["price"]["type"].startswith("decimal")
    assert len(http_server.asked) == len(urls)
