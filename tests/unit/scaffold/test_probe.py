"""One page of an unknown API becomes a feed file that is valid, with every guess marked."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections import Counter
from itertools import chain, repeat
from typing import Any

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
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold import probe
from tests.support.servers.http import HttpServer

URL = "https://api.example.com/v1/trades"


def text(body: Any, url: str = URL, *, records: str | None = None, **headers: str) -> str:
    page = body if isinstance(body, bytes) else json.dumps(body).encode()
    return probe.draft(io.BytesIO(page), url=url, headers=headers, records=records, limits=Limits())


def draft(body: Any, url: str = URL, *, records: str | None = None, **headers: str) -> Feed:
    """The feed that the draft for *body* describes."""
    made = text(body, url, records=records, **headers)
    return Feed.model_validate({"name": "probed", **yaml.safe_load(made)})


TRADES = [
    {"id": 7, "p": "67123.45", "T": 1_795_323_600_000, "m": True, "M": False},
    {"id": 8, "p": "67123.4", "T": 1_795_323_600_000, "m": True, "M": False},
]
BARS = [[1_795_323_600, "1.5", 7], [1_795_323_660, "1.25", 7]]


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
    source = draft(body).source
    assert source.records == path
    assert (len(source.columns) if source.columns else None) == columns


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param([1, 2], "int64", id="whole"),
        pytest.param(["1", "", "2"], "int64", id="whole, as text"),
        pytest.param([2**63], "decimal(28,0)", id="wider than 64 bits"),
        pytest.param(["67123.45000000"], "decimal(28,10)", id="price"),
        pytest.param([1, 0.5], "decimal(18,3)", id="whole and broken"),
        pytest.param(["1e-12"], "decimal(28,14)", id="exponent"),
        pytest.param(["007"], "string", id="leading zeros"),
        pytest.param(["a", "1"], "string", id="text"),
        pytest.param([True, None], "bool", id="flags"),
        pytest.param([None, None], "string", id="nothing"),
        pytest.param([{}, None], "json", id="empty object"),
        pytest.param([[1], [2]], "json", id="arrays"),
        pytest.param([1, "a"], "json", id="mixture"),
        pytest.param(["1" * 80], "string", id="too long for a decimal"),
    ],
)
def test_a_type_has_room_for_what_was_not_seen(values, kind):
    """Two more places and six more digits than the page showed."""
    assert draft([{"id": "x", "v": value} for value in values]).fields["v"].type == kind


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        pytest.param("when", [1_795_323_600_000], "ms", id="ms"),
        pytest.param("when", ["1795323600000"], "ms", id="ms as text"),
        pytest.param("when", [1_795_323_600_000_000], "us", id="us"),
        pytest.param("when", [1_795_323_600_000_000_000], "ns", id="ns"),
        pytest.param("time", [1_795_323_600], "s", id="s"),
        pytest.param("volume", [1_795_323_600], None, id="a number like seconds"),
        pytest.param("time", [1_795_323_600.25], "float_s", id="float_s"),
        pytest.param("at", ["2026-11-22T05:00:00Z", "2026-11-22T05:00:00.123Z"], "iso", id="iso"),
    ],
)
def test_a_unit_is_told_by_the_years_that_it_leads_to(name, values, unit):
    """Seconds need a name for it too: volumes are of that size."""
    field = draft([{"x": "a", name: value} for value in values]).fields[name]
    assert (field.type, field.unit) == (("timestamp", unit) if unit else ("int64", None))


@pytest.mark.parametrize(
    ("rows", "event_time"),
    [
        pytest.param([{"T": 1_795_323_600_000}, {"T": 1_795_323_600_000}], "t", id="in order"),
        pytest.param([{"time": 1_795_323_600_001}, {"time": 1_795_323_600_000}], "time", id="down"),
        pytest.param(
            [{"ath_date": f"2026-01-0{day}T00:00:00Z"} for day in (1, 3, 2)],
            "fetched_at",
            id="in no order, and not called so",
        ),
        pytest.param(
            [{"close_time": 1_795_323_600_001, "open_time": 1_795_323_600_000}],
            "open_time",
            id="not the closing one",
        ),
        pytest.param([{"last_updated": "2026-01-01T00:00:00Z"}], "fetched_at", id="a state"),
        pytest.param([{"ts": 1_795_323_600_000}, {"ts": None}], "fetched_at", id="not in each"),
    ],
)
def test_when_something_happened_is_guessed_or_it_is_a_snapshot(rows, event_time):
    """Without a time of its own a record is of the moment of fetching."""
    found = draft([{"id": f"a{number}"} | row for number, row in enumerate(rows)])
    assert found.event_time[0] == event_time
    assert found.snapshot == (event_time == "fetched_at")


def test_names_are_apart_and_paths_are_kept():
    """Letters of two cases are two columns; objects inside are columns of their own."""
    row = {"m": 1, "M": 2, "24hVolume": 3, "quotes": {"USD": {"price": 1.5}}, "a.b": 1, "date": 4}
    fields = draft([row]).fields
    assert {name: field.source for name, field in fields.items()} == {
        "m": "m",
        "m_2": "M",
        "value_24h_volume": "24hVolume",
        "quotes_usd_price": "quotes.USD.price",
        "date_2": "date",
        "fetched_at": "$fetched_at",
    }


@pytest.mark.parametrize(
    ("body", "url", "headers", "paging"),
    [
        pytest.param(TRADES, URL, {}, {"kind": "single"}, id="nothing"),
        pytest.param(
            TRADES,
            URL,
            {"Link": '<https://a/?p=2>; rel="next"'},
            {"kind": "link_header"},
            id="Link",
        ),
        pytest.param(
            TRADES,
            URL,
            {"CB-AFTER": "9"},
            {"kind": "header_cursor", "header": "CB-AFTER"},
            id="header",
        ),
        pytest.param(
            {"data": TRADES, "next_cursor": "abc"},
            URL,
            {},
            {"kind": "cursor", "cursor": "next"},
            id="cursor behind",
        ),
        pytest.param(
            {"next": "/v1/trades?page=2", "data": TRADES},
            URL,
            {},
            {"kind": "next_url"},
            id="next URL",
        ),
        pytest.param(
            TRADES, f"{URL}?page=1&limit=2", {}, {"kind": "page", "page_rows": 2}, id="page"
        ),
        pytest.param(
            {"data": TRADES, "has_more": True},
            f"{URL}?page=1",
            {},
            {"kind": "page", "has_more": "has_more"},
            id="has more",
        ),
        pytest.param(
            {"data": TRADES, "info": {"coins_num": 90}},
            f"{URL}?start=0",
            {},
            {"kind": "offset", "param": "start", "total": "total"},
            id="offset",
        ),
        pytest.param(
            TRADES,
            f"{URL}?fromId=7",
            {},
            {"kind": "id_forward", "param": "fromId", "field": "id"},
            id="ids",
        ),
        pytest.param(
            TRADES,
            f"{URL}?startTime=1795323600000&endTime=1795323600001",
            {},
            {
                "kind": "time_forward",
                "start_param": "startTime",
                "end_param": "endTime",
                "unit": "ms",
            },
            id="time",
        ),
        pytest.param(
            [*TRADES[::-1], TRADES[0] | {"T": 1}],
            f"{URL}?endTime=1795323600001",
            {},
            {"kind": "single"},
            id="no time, no paging by it",
        ),
    ],
)
def test_paging_is_guessed_by_what_leads_to_a_next_page(body, url, headers, paging):
    """By the answer first, then by the address."""
    found = draft(body, url, **headers).source.paging.model_dump()
    assert found | paging == found


def test_what_names_an_instrument_becomes_a_slice():
    """So that others can be listed; its column would only repeat it."""
    found = draft([{"id": 1, "symbol": "BTCUSDT"}], f"{URL}?symbol=BTCUSDT&instId=a")
    assert found.slices == {"symbol": ["BTCUSDT"], "inst_id": ["a"]}
    assert found.source.params == {"symbol": "{symbol}", "instId": "{inst_id}"}


def test_every_guess_is_marked_and_no_login_is_written():
    """A key in the address belongs into a connection."""
    made = text(TRADES, f"{URL}?api_key=canary&limit=2")
    assert "canary" not in made
    assert "# guess: api_key is a login" in made
    for line in ("records:", "paging:", "order:", "  p:", "  t:", "  id:"):
        assert any("# guess: " in said for said in made.splitlines() if line in said), line


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        pytest.param(
            {"id": 1, "price": 2},
            SourceRefusedError,
            "no array with records; its names: id, price",
            id="object",
        ),
        pytest.param([], SourceRefusedError, "no array with records", id="empty"),
        pytest.param(["a", "b"], SourceRefusedError, "no array with records", id="plain values"),
        pytest.param(
            [{"a": 1}, [1]], SourceRefusedError, "neither all objects nor all arrays", id="mixture"
        ),
        pytest.param(b'[{"a": 1}, {"a"', MalformedPageError, "not JSON, or was cut", id="cut"),
        pytest.param(b"<html>", MalformedPageError, "not JSON", id="no JSON"),
    ],
)
def test_a_page_without_records_is_told(body, error, said):
    """With what stands there instead, but none of its values."""
    with pytest.raises(error, match=said):
        text(body)


def test_the_records_can_be_named():
    """Where the guess would be wrong."""
    body = {"small": TRADES[:1], "large": TRADES}
    assert draft(body).source.records == "large"
    assert draft(body, records="small").source.records == "small"


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


def test_a_source_that_fails_is_told_in_its_own_words(http_server: HttpServer, capsys):
    """The exit code says what kind of failure it was."""
    http_server.answer("/down", b'{"msg": "maintenance"}', status=503)
    assert main(["probe", f"{http_server.url}/down?key=canary"]) == SourceUnavailableError.exit_code
    said = capsys.readouterr().err
    assert "HTTP 503 (maintenance)" in said
    assert "canary" not in said
    assert main(["probe", "ftp://host/path"]) == UsageError.exit_code


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


def test_every_recorded_body_with_a_list_gives_a_valid_feed(recorded):
    """Real answers of exchanges and aggregators, as they were; the others are refused in words."""
    counted: Counter[str] = Counter()
    for line in (recorded / "index.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["status"] != 200 or not entry["file"].endswith(".json"):
            continue
        url = entry["url"] if str(entry["url"]).startswith("http") else URL
        # The arrays of Kraken's Ticker hold plain values.
        unlisted = ("errors" in entry["file"], "Ticker" in entry["file"], not entry["records"])
        path = entry["records_path"]
        listed = not any(unlisted) and "object" not in path and "{map}" not in path
        try:
            text((recorded / entry["file"]).read_bytes(), url)
        except (SourceRefusedError, MalformedPageError):
            assert not listed, entry["file"]
            counted["refused"] += 1
        else:
            counted["feeds"] += 1
    print(dict(counted))
    assert counted["feeds"] > 140
