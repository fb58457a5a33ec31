"""Fetching an old window again never takes away what it holds.

Sources without history, snapshots, and any source that once returns less.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ticklake.cli.main import main
from include.ticklake.convert.convert import convert
from include.ticklake.errors import RecordsMissingError, UsageError
from include.ticklake.lake import manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.audit import audit
from include.ticklake.maintain.repair import repair
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.window import Window
from tests.support.forgetful_sources import (
    BUDGET,
    END_S,
    HOUR,
    START_S,
    ShippedFeed,
    candles,
    coins,
    newest_trades,
)
from tests.support.trades_api import TradesApi, extract_trades, objects, trades, trades_feed

MINUTES = range(START_S, END_S, 60)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.mark.parametrize("later", [[], [END_S], range(END_S, END_S + 720 * 60, 60)])
def test_candles_that_the_source_forgot_stay(storage, http_server, later):
    """Kraken has the last 720 only: a cleared task, a backfill or a repair finds nothing."""
    kraken = ShippedFeed("kraken_ohlc", http_server, storage)
    kraken.answer(candles(MINUTES))
    kraken.convert(kraken.fetch())
    before = kraken.rows()
    assert len(before) == 60
    kraken.answer(candles([START_S - 60, *later]))
    again = kraken.fetch(at_s=END_S + 720 * 60 + 5)
    kraken.convert(again)
    assert kraken.rows() == before
    assert (again.json.rows, again.superseded) == (60, ())


def test_repairing_one_missing_candle_keeps_the_good_ones(storage, http_server):
    """118 good candles were gone for one missing one: now the missing one is all that is left."""
    kraken = ShippedFeed("kraken_ohlc", http_server, storage)
    kraken.answer(candles(at for at in MINUTES if at != START_S + 60))
    kraken.convert(kraken.fetch())
    kraken.answer(candles([END_S]))

    def findings() -> list[str]:
        found = audit(kraken.feed, [kraken.unit], storage=storage, budget=BUDGET)
        return [finding.kind for finding in found]

    before = findings()
    for _ in range(2):
        found = list(audit(kraken.feed, [kraken.unit], storage=storage, budget=BUDGET))
        repair(
            kraken.feed, found, storage=storage, budget=BUDGET, failed=FailedUnits(),
            base_url=http_server.url,
        )  # fmt: skip
        assert len(kraken.rows()) == 59
    assert findings() == before


def test_what_a_source_without_history_has_now_is_added(storage, http_server):
    """Each candle once, and every record that was received is accounted for."""
    kraken = ShippedFeed("kraken_ohlc", http_server, storage)
    kraken.answer(candles(MINUTES[:20]))
    first = kraken.fetch(at_s=START_S + 1_200)
    assert first.json.unfinished_until_ms
    kraken.answer(candles(MINUTES[10:]))
    both = kraken.convert(kraken.fetch()).json
    assert len(kraken.rows()) == 60
    assert (both.rows, both.received_rows, both.duplicate_rows) == (60, 70, 10)
    assert both.unfinished_until_ms is None
    assert both.parts[: len(first.json.parts)] == first.json.parts


def test_the_newest_trades_are_added_to_those_before(storage, http_server):
    """Newest first, from two fetches of a window; a third one finds nothing new."""
    bybit = ShippedFeed("bybit_recent_trades", http_server, storage)
    bybit.unit = type(bybit.unit)(
        bybit.unit.slice, Window.parse("20261122T050000Z-20261122T050500Z")
    )
    bybit.answer(newest_trades(range(100)))
    bybit.fetch(at_s=START_S + 100)
    bybit.answer(newest_trades(range(50, 290)))
    added = bybit.convert(bybit.fetch(at_s=START_S + 301))
    prices = [str(row["execution_id"]) for row in bybit.rows()]
    assert prices == [f"e{number}" for number in range(290)]
    assert added.parquet.sorted
    bybit.answer(newest_trades(range(280, 290)))
    assert bybit.fetch(at_s=START_S + 302) == added


def test_a_snapshot_is_not_fetched_for_a_time_that_is_over(storage, http_server):
    """It would hold today's prices under yesterday's date."""
    coinlore = ShippedFeed("coinlore_tickers", http_server, storage)
    coinlore.answer(coins({1: "10.0"}))
    for at_s in (END_S + 3_600, END_S + 86_400):
        with pytest.raises(UsageError, match="cannot be fetched any more, as the source only"):
            coinlore.fetch(at_s=at_s)
    assert list(storage.list("")) == []
    assert http_server.asked == []
    assert coinlore.fetch(at_s=END_S + 3_599).json.rows == 1


def test_a_snapshot_that_is_fetched_again_is_of_both_moments(storage, http_server):
    """A cleared task adds what the source has now; each record has the time of its own fetch."""
    coinlore = ShippedFeed("coinlore_tickers", http_server, storage)
    coinlore.answer(coins({1: "10.0", 2: "20.0"}))
    coinlore.fetch(at_s=END_S + 5)
    coinlore.answer(coins({1: "11.0", 2: "20.0"}))
    both = coinlore.convert(coinlore.fetch(at_s=END_S + 1_805))
    seen = [(row["fetched_at"].timestamp(), row["coin_id"], str(row["price"].normalize()))
            for row in coinlore.rows()]  # fmt: skip
    first, second = END_S + 5.0, END_S + 1_805.0
    assert sorted(seen) == [
        (first, 1, "1E+1"), (first, 2, "2E+1"), (second, 1, "11"), (second, 2, "2E+1"),
    ]  # fmt: skip
    assert both.json.received_rows == both.json.rows == 4
    assert list(audit(coinlore.feed, [coinlore.unit], storage=storage, budget=BUDGET)) == []
    assert coinlore.fetch(at_s=END_S + 2_000) == both  # the very same again is not another moment


def test_a_source_that_once_returns_less_changes_nothing(storage, http_server):
    """Any source: the task says how many are missing, and what to do."""
    api = TradesApi(http_server, trades(118))
    extract_trades(storage, http_server)
    before = objects(storage)
    api.rows = [row for row in api.rows if row["id"] not in (1_003, 1_050)][:-1]
    with pytest.raises(RecordsMissingError) as refused:
        extract_trades(storage, http_server)
    assert objects(storage) == before
    assert refused.value.exit_code == 4
    assert str(refused.value) == (
        f"trades symbol=BTCUSDT {HOUR.name}: 3 of 118 records that were committed before are not "
        "in what the source returns now, such as trade_id 1003; nothing was changed. If they are "
        "to go, run `extract trades --slice symbol=BTCUSDT --start 2026-11-22T05:00:00Z --end "
        "2026-11-22T06:00:00Z --replace`"
    )


def test_a_source_that_returns_nothing_at_all_changes_nothing(storage, http_server):
    """An empty page is the smallest set of all."""
    api = TradesApi(http_server, trades(5))
    first = extract_trades(storage, http_server)
    api.rows = []
    with pytest.raises(RecordsMissingError, match="5 of 5 records"):
        extract_trades(storage, http_server)
    assert manifest.read(first.key, storage=storage) == first


def test_replacing_is_what_takes_records_away(storage, http_server):
    """And even then what was there stays in the lake until it expires."""
    api = TradesApi(http_server, trades(20))
    old = extract_trades(storage, http_server)
    api.rows = api.rows[:5]
    new = extract_trades(storage, http_server, is_replacing=True)
    assert new.json.rows == 5
    assert [superseded.json for superseded in new.superseded] == [old.json]
    assert all(storage.exists(part.key) for part in old.json.parts)
    assert extract_trades(storage, http_server) == new


def test_what_was_superseded_becomes_current_again(storage, http_server):
    """The source has its records back: the parts that are there are named again."""
    api = TradesApi(http_server, trades(20))
    old = extract_trades(storage, http_server)
    api.rows = api.rows[:5]
    extract_trades(storage, http_server, is_replacing=True)
    api.rows = trades(20)
    again = extract_trades(storage, http_server)
    assert again.json == old.json
    assert [superseded.json.rows for superseded in again.superseded] == [5]


def test_corrected_values_supersede_what_was_there(storage, http_server):
    """The same records with other values lack none."""
    api = TradesApi(http_server, trades(20))
    old = extract_trades(storage, http_server)
    api.rows[3] |= {"price": "77"}
    new = extract_trades(storage, http_server)
    assert (new.json.rows, new.json.number) == (20, 2)
    assert [superseded.json for superseded in new.superseded] == [old.json]


def test_a_part_that_is_gone_is_back_when_it_is_fetched_again(storage, http_server):
    """The same records give the same bytes at the same key."""
    TradesApi(http_server, trades(20))
    first = extract_trades(storage, http_server)
    before = objects(storage)
    storage.delete(first.json.parts[0].key)
    assert extract_trades(storage, http_server) == first
    assert objects(storage) == before
    storage.put(first.json.parts[0].key, b"damaged")
    assert extract_trades(storage, http_server) == first
    assert objects(storage) == before


@pytest.mark.parametrize(("count", "is_refused"), [(20, False), (19, True)])
def test_beside_a_damaged_part_only_the_numbers_count(storage, http_server, count, is_refused):
    """Which records it held is not known any more."""
    api = TradesApi(http_server, trades(20))
    of = trades_feed(part_bytes=100_000)
    first = extract_trades(storage, http_server, of=of)
    storage.put(first.json.parts[0].key, b"damaged")
    api.rows = [row | {"price": "5"} for row in api.rows[:count]]
    if is_refused:
        with pytest.raises(RecordsMissingError, match="1 of 20 records"):
            extract_trades(storage, http_server, of=of)
        assert manifest.read(first.key, storage=storage) == first
    else:
        assert extract_trades(storage, http_server, of=of).json.rows == 20


def test_a_window_whose_json_has_expired_is_not_replaced(storage, http_server):
    """Its Parquet is the only copy; the same records bring the JSON back, at new keys."""
    api = TradesApi(http_server, trades(20))
    first = extract_trades(storage, http_server)
    convert(first.key, feed=trades_feed(), storage=storage, budget=BUDGET)
    manifest.update(first.key, _without_json, storage=storage)
    for part in first.json.parts:
        storage.delete(part.key)
    api.rows = trades(30)
    with pytest.raises(RecordsMissingError, match="retention removed its JSON"):
        extract_trades(storage, http_server)
    api.rows = trades(20)
    again = extract_trades(storage, http_server)
    assert again.is_current
    assert not {part.key for part in again.json.parts} & {part.key for part in first.json.parts}


def _without_json(found: manifest.Manifest) -> manifest.Manifest:
    from msgspec.structs import replace

    return replace(found, json=replace(found.json, removed=True))


def test_the_command_line_refuses_and_replaces(storage, http_server, tmp_path, monkeypatch, capsys):
    """Exit 4 names what is missing; --replace supersedes all the same."""
    from tests.support.trades_api import feed_file

    feed_file(tmp_path / "feeds")
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    api = TradesApi(http_server, trades(20))
    command = [
        "extract", "trades", "--slice", "symbol=BTCUSDT", "--start", "2026-11-22T05:00:00Z",
        "--end", "2026-11-22T06:00:00Z", "--root", storage.root_uri, "--base-url", http_server.url,
    ]  # fmt: skip
    assert main(command) == 0
    api.rows = api.rows[:5]
    assert main(command) == 4
    assert "15 of 20 records that were committed before" in capsys.readouterr().err
    assert main([*command, "--replace"]) == 0
    [found] = manifest.read_all("trades", storage=storage)
    assert (found.json.rows, found.superseded[0].json.rows) == (5, 20)
    assert found.superseded[0].superseded_at_ms <= datetime.now(UTC).timestamp() * 1000
