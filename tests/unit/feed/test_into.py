"""A feed of files takes its table from the feed that ``into`` names, and says what is different."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed import loader, plan
from include.ticklake.feed.feed import Feed
from tests.support.joined_feeds import FILES, TARGET, day, feeds, save


def test_what_it_does_not_say_is_that_of_the_table(tmp_path):
    """Columns with their keys, slices, what is ignored; a time has the unit of the files alone."""
    api, files = feeds(tmp_path, trades={"ignore": ["x"], "plausible_years": [2020, 2030]})
    assert files.target == api
    assert (files.key, files.slices, files.years) == (api.key, api.slices, (2020, 2030))
    assert list(files.fields) == list(api.fields)
    assert files.fields["price"] == api.fields["price"]
    assert (files.fields["trade_time"].source, files.fields["trade_time"].precision) == (
        "time",
        None,
    )
    assert files.ignore == ["x"]


def test_a_feed_without_into_is_its_own_table(tmp_path):
    """Its units are those of the lake; those of files are cut in the table's windows."""
    api, files = feeds(tmp_path)
    assert api.target is api
    unit = day(0)
    assert plan.target_units(api, unit) == [unit]
    parts = plan.target_units(files, unit)
    assert [part.window.start.hour for part in parts] == [0, 6, 12, 18]
    assert parts[-1].window.end == unit.window.end


def files_feed(folder: Path, **changes: dict[str, Any]) -> Feed:
    """The feed of the files, read before that of the table is."""
    save(folder, **changes)
    return loader.read_feed(folder / "old_trades.yaml")


FIELDS = FILES["fields"]
SOURCE = FILES["source"]
HOURLY = SOURCE | {"address": "https://data.example.com/{symbol}-{date}-{hour}.zip"}


@pytest.mark.parametrize(
    ("own", "of_table", "message"),
    [
        ({"into": "tradesx"}, {}, "into: unknown feed 'tradesx'; the command"),
        ({"into": "old_trades"}, {}, "into: names the feed itself"),
        ({}, {"into": "old_trades"}, "into: trades is written into another feed itself"),
        ({"retention": {"json": "30d"}}, {}, "retention: is what trades says; remove it"),
        ({"candle": "1h"}, {}, "candle: is what trades says; remove it"),
        ({"window": "9h", "source": HOURLY}, {},
         "window: windows of 9h do not consist of whole windows of trades, which are 6h long"),
        ({"slices": {"pair": ["BTCUSDT"]}}, {}, "slices: trades has symbol; use these names"),
        ({"slices": {"symbol": ["BTCUSD"]}}, {},
         "slices.symbol: 'BTCUSD' is not a slice of trades; did you mean 'BTCUSDT'?"),
        ({"fields": {"cost": {"type": "int64"}}}, {}, "fields.cost: trades has no column"),
        ({"fields": FIELDS | {"price": {"type": "string"}}}, {},
         "fields.price: is of type decimal(18,8) in trades; write that type"),
        ({"fields": FIELDS | {"price": {"key": True}}}, {},
         "fields.price: key is what trades says"),
        ({"fields": {}}, {}, "fields.trade_time: source.columns has no 'T'"),
        ({"source": SOURCE | {"columns": ["a", "p", "time"]}}, {},
         "fields.is_sell: source.columns has no 'is_sell'"),
        ({}, {"fields": TARGET["fields"] | {"trade_id": {"from": "a", "type": "int64"}}},
         "into: trades has no key"),
        ({"source": TARGET["source"], "fields": {}}, {}, "into: is for feeds of kind: files"),
        ({"fields": FIELDS | {"trade_time": {"from": "time", "format": "%d/%m/%Y"}}},
         {"fields": TARGET["fields"] | {"trade_time": {
             "from": "T", "type": "timestamp", "format": "%Y%m%d", "event_time": True}}},
         "fields.trade_time: is written in another format in trades"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_where_it_is_written(tmp_path, own, of_table, message):
    """With the line of the file."""
    with pytest.raises(FeedFileError) as refused:
        files_feed(tmp_path, trades=of_table, old_trades=own)
    assert "old_trades.yaml:" in str(refused.value)
    assert message in str(refused.value)


def test_a_table_that_is_not_valid_is_named(tmp_path):
    """Its own mistakes are in the message."""
    with pytest.raises(FeedFileError, match=r"old_trades.yaml:\d+: into: .*trades.yaml:\d+: order"):
        files_feed(tmp_path, trades={"order": "up"})


def test_a_command_on_the_lake_names_the_table(tmp_path):
    """Nothing is stored under the name of the files' feed."""
    feeds(tmp_path)
    env = {"TICKLAKE_FEEDS": str(tmp_path)}
    assert loader.load_table("trades", env).name == "trades"
    with pytest.raises(UsageError, match="in the table of trades; name that feed instead"):
        loader.load_table("old_trades", env)
