"""What a source sends and nobody reads is told by name, and kept in the JSON."""

from __future__ import annotations

import gzip
import json
import logging

import pytest

from include.ticklake import __main__
from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.extract.extract import extract
from include.ticklake.extract.unknown_fields import MAX_NAMES, UnknownFieldCollector
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.sizes import MIB
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.feed_texts import feed
from tests.support.servers.http import HttpServer
from tests.support.trades_api import UNIT, WINDOW, TradesApi, feed_file, trades, trades_feed

AT = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
NESTED = feed(
    ignore=["seen", "q.USD.h*"],
    fields={
        "price": {"from": "q.USD.price", "type": "decimal(18,8)"},
        "all": {"from": "info", "type": "json"},
        "at": AT,
    },
)


@pytest.mark.parametrize(
    ("record", "names"),
    [
        pytest.param('{"t":1,"info":{"a":1},"q":{"USD":{"price":1}}}', (), id="none"),
        pytest.param('{"t":1,"x":1,"a":null}', ("a", "x"), id="at the top"),
        pytest.param('{"q":{"USD":{"price":1,"new":2},"EUR":{}}}', ("q.EUR", "q.USD.new"),
                     id="inside what is read"),
        pytest.param('{"seen":1,"q":{"USD":{"high":1,"low":1}}}', ("q.USD.low",), id="ignored"),
        pytest.param('{"T":1}', ("T",), id="by case"),
        pytest.param('{"q":5,"t":[{"x":1}]}', (), id="another shape"),
        pytest.param(r'{"é":"\ud83d"}', ("é",), id="half a surrogate pair"),
        pytest.param("[1,2]", (), id="an array"),
        pytest.param('{"a":' + "[" * 5_000 + "]" * 5_000 + "}", (), id="too deep"),
    ],
)  # fmt: skip
def test_names_that_no_field_reads(record, names):
    """With the way to them; what is read as a whole has none inside."""
    unread = UnknownFieldCollector(NESTED)
    unread.inspect(Record(record.encode()))
    assert unread.names == names


def test_values_of_arrays_have_the_feeds_own_names():
    """A column that no field reads is known: the feed names it."""
    of = feed(source={"columns": ["t", "low", "unused?"]})
    unread = UnknownFieldCollector(of)
    unread.inspect(Record(b'{"t":1,"low":2,"unused":3}'))
    assert unread.names == ()


def test_names_without_end_are_cut():
    """An object that is keyed by ids does not fill the manifest."""
    unread = UnknownFieldCollector(feed())
    for first in range(0, 100, 30):
        names = {f"n{n:03}": 1 for n in range(first, first + 30)}
        unread.inspect(Record(json.dumps(names).encode()))
    assert len(unread.names) == MAX_NAMES


@pytest.fixture
def api(http_server: HttpServer) -> TradesApi:
    """Trades, of which the last page has something new."""
    api = TradesApi(http_server, trades(25))
    for row in api.rows[-5:]:
        row["venue"] = "a"
    return api


def test_new_fields_are_in_the_manifest_and_stay_in_the_json(tmp_path, api):
    """And go with the conversion's report, so that a run can tell them."""
    storage = Storage.open(f"file://{tmp_path}", {})
    of = trades_feed()
    done = extract(
        of,
        UNIT,
        storage=storage,
        base_url=api.server.url,
        patience=SourceRetryPolicy(max_attempts=1),
    )
    assert done.manifest.json.new_fields == ("venue",)
    assert done.summary()["new_fields"] == ["venue"]
    bodies = [storage.read(part.key) or b"" for part in done.manifest.json.parts]
    assert b"".join(map(gzip.decompress, bodies)).count(b'"venue"') == 5
    report = convert(done.manifest.key, feed=of, storage=storage, budget=budget_for(128 * MIB))
    assert report.summary()["new_fields"] == ["venue"]


def test_a_command_tells_them_once(tmp_path, api, monkeypatch, caplog):
    """However many windows had them."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(feed_file(tmp_path / "feeds").parent))
    window = ("--start", "2026-11-22T04:00Z", "--end", WINDOW.end.isoformat())
    call = ["extract", "trades", *window, "--root", f"file://{tmp_path}/lake"]
    with caplog.at_level(logging.WARNING):
        assert __main__.main([*call, "--base-url", api.server.url]) == 0
    [told] = [each.getMessage() for each in caplog.records if "new_fields" in each.getMessage()]
    assert told.startswith("extract.new_fields feed=trades fields=venue: ")


def test_names_that_were_seen_before_a_retry_are_kept():
    """A try that goes on after the last whole part has not seen the records before it."""
    unread = UnknownFieldCollector(feed(), names=("before",))
    unread.inspect(Record(b'{"after":1}'))
    assert unread.names == ("after", "before")
