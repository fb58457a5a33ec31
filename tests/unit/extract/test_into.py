"""Files and an API write one table: what either has is in it once, and nothing goes."""

from __future__ import annotations

import logging
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from include.ticklake.errors import (
    MalformedPageError,
    NotThereYetError,
    OutsideWindowError,
    RecordsMissingError,
    TicklakeError,
)
from tests.support import joined_feeds
from tests.support.joined_feeds import DAY_US, NOW_S, START_US, JoinedTrade, day
from tests.support.joined_table import ALL, QUARTER_US, WINDOWS, JoinedTable, trade


@pytest.fixture
def table(http_server, tmp_path) -> JoinedTable:
    return JoinedTable(tmp_path, http_server)


def test_a_file_fills_every_window_of_its_day(table):
    """As the API's own extraction would have, but for who fetched it."""
    table.by_file(ALL)
    by_file = table.manifests()
    assert table.ids() == [trade.id for trade in ALL]
    assert [found.json.rows for found in by_file] == [5] * WINDOWS
    assert {part.from_feed for found in by_file for part in found.json.parts} == {"old_trades"}
    assert {found.json.host for found in by_file} == {"data.example.com"}
    other = JoinedTable(table.folder, table.server)
    other.by_api(ALL)
    for own, found in zip(by_file, other.manifests(), strict=True):
        assert own.json.parts[0].first_event_ns == found.json.parts[0].first_event_ns
        assert own.json.rows == found.json.rows
        assert (own.key, own.next_part, own.superseded) == (found.key, found.next_part, ())
    assert not any("old_trades" in key for key in table.objects())


IDS = st.sets(st.integers(0, 5 * WINDOWS - 1))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(st.sampled_from(["api", "file"]), IDS, st.booleans()), max_size=4))
def test_neither_takes_away_what_the_other_fetched(http_server, tmp_path, runs):
    """In any order, whatever each has by then: once, and every record is accounted for."""
    table = JoinedTable(tmp_path, http_server)
    by_api: set[int] = set()
    for source, ids, is_replacing in runs:
        run = table.by_api if source == "api" else table.by_file
        before = set(table.ids())
        may_go = (before - by_api) if source == "file" and is_replacing else set()
        # A file of nothing, or fewer records than its own before, changes nothing of a window.
        with suppress(TicklakeError):
            run([ALL[number] for number in sorted(ids)], is_replacing=bool(may_go))
        found = table.ids()
        assert len(found) == len(set(found))
        assert before - may_go <= set(found) <= before | ids
        if source == "api":
            by_api |= ids & set(found) - before
        for one in table.manifests():
            section = one.json
            assert section.received_rows == (
                section.rows + section.out_of_window_rows + section.duplicate_rows
            )


def test_what_the_api_fetched_stays_and_what_the_file_has_beside_it_is_added(table):
    """One window the API never fetched, one it has in part, one of which the file lacks a trade."""
    table.by_api([one for one in ALL if one.id not in (1, 2)], windows=3)
    table.by_file([one for one in ALL if one.id != 7])
    assert sorted(table.ids()) == [one.id for one in ALL]
    first = table.of(table.units[0]).json
    assert [part.from_feed for part in first.parts] == [None, "old_trades"]
    assert (first.rows, first.duplicate_rows) == (5, 3)


def test_a_window_that_the_file_adds_nothing_to_is_not_touched(table):
    """No new version of its manifest, and it is not converted again."""
    table.by_api(ALL)
    table.convert()
    before = table.objects()
    table.by_file(ALL)
    assert table.objects() == before
    assert table.to_convert() == 0
    table.by_file([*ALL[:3], *ALL])
    assert table.objects() == before


def test_a_file_again_changes_nothing(table):
    """Also where the API has added to it meanwhile."""
    table.by_file(ALL[:-1])
    assert table.to_convert() == WINDOWS
    table.by_api(ALL)
    before = table.objects()
    table.by_file(ALL[:-1])
    table.by_api(ALL)
    assert table.objects() == before


def test_a_corrected_file_supersedes_the_one_before(table):
    """In the windows that no other source wrote, as with any feed."""
    table.by_file(ALL)
    table.by_file([trade(one.id, price="2") if one.id == 6 else one for one in ALL])
    prices = {record["a"]: record["p"] for record in table.records()}
    assert prices["6"] == "2"
    assert [len(found.superseded) for found in table.manifests()] == [0, 1, 0, 0]


def test_a_file_of_fewer_records_is_refused_where_it_lacks_its_own(table):
    """The other windows are done; the command names the feed of the files."""
    table.by_file(ALL)
    changed = [trade(one.id, price="2") for one in ALL if one.id != 6]
    with pytest.raises(RecordsMissingError) as refused:
        table.by_file(changed)
    assert "1 of 5 records" in str(refused.value)
    assert "extract old_trades --slice symbol=BTCUSDT" in str(refused.value)
    prices = {int(record["a"]): record["p"] for record in table.records()}
    assert prices == {one.id: "1.50000000" if one.id // 5 == 1 else "2" for one in ALL}


def test_of_two_values_the_first_stays_and_the_log_says_so(table, caplog):
    """Which of the two is right nobody can know."""
    table.by_api(ALL)
    with caplog.at_level(logging.WARNING):
        table.by_file([trade(one.id, price="2") if one.id == 6 else one for one in ALL])
    prices = {int(record["a"]): record["p"] for record in table.records()}
    assert set(prices.values()) == {"1.50000000"}
    [said] = [one.getMessage() for one in caplog.records if "extract.differs" in one.getMessage()]
    assert "of the first 5 records that both old_trades and the lake have, 1 have other" in said
    assert "such as trade_id 6; what was there first stays" in said


def test_replace_takes_the_values_of_the_file_and_keeps_what_it_lacks(table):
    """What the API fetched is no older version of the file; it can be restored, too."""
    table.by_api(ALL)
    table.by_file([trade(one.id, price="2") for one in ALL if one.id != 6], is_replacing=True)
    prices = {int(record["a"]): record["p"] for record in table.records()}
    assert prices == {one.id: "1.50000000" if one.id == 6 else "2" for one in ALL}
    found = table.of(table.units[1])
    assert [part.from_feed for part in found.json.parts] == ["old_trades", None]
    assert [one.json.rows for one in found.superseded] == [5]
    assert found.json.received_rows == found.json.rows == 5
    table.by_file([trade(one.id, price="3") for one in ALL[:3]], is_replacing=True)
    prices = {int(record["a"]): record["p"] for record in table.records()}
    assert prices == {0: "3", 1: "3", 2: "3", 6: "1.50000000"}


def test_the_api_may_replace_all_of_its_table(table):
    """It is the table's own source: wrong files are got rid of by it."""
    table.by_file(ALL)
    table.by_api(ALL[:3], is_replacing=True)
    assert table.ids() == [0, 1, 2]


def test_where_the_json_expired_nothing_is_joined(table):
    """The Parquet is the only copy of what the API fetched: also with --replace it stays."""
    table.by_api(ALL, windows=1)
    table.convert()
    [expired] = table.manifests()
    table.write(replace(expired, json=replace(expired.json, removed=True)))
    before = table.of(table.units[0])
    for options in ({}, {"is_replacing": True}):
        with pytest.raises(RecordsMissingError, match=r"cannot be joined.*`extract trades --slice"):
            table.by_file(ALL, **options)
        assert table.of(table.units[0]) == before
    assert len(table.ids()) >= 15  # the other windows are there


def test_a_part_that_is_damaged_is_repaired_by_fetching_again(table):
    """By either source; what can still be read of the other one's stays."""
    table.by_api(ALL[:3], windows=1)
    table.by_file(ALL[3:])
    own, of_file = table.of(table.units[0]).json.parts
    table.storage.put(own.key, b"damaged")
    table.by_api(ALL[:3], windows=1)
    assert sorted(table.ids()) == [one.id for one in ALL]
    assert of_file.sha256 in {part.sha256 for part in table.of(table.units[0]).json.parts}


def test_records_of_another_day_are_counted_and_not_stored(table):
    """In the window that is next to them; a file of another day alone is an error."""
    outside = [JoinedTrade(100, "1", START_US - 1), JoinedTrade(101, "1", START_US + DAY_US + 1)]
    table.by_file([outside[0], *ALL, outside[1]])
    assert [found.json.out_of_window_rows for found in table.manifests()] == [1, 0, 0, 1]
    assert table.ids() == [one.id for one in ALL]
    with pytest.raises(OutsideWindowError, match=r"the time in source\.address"):
        JoinedTable(table.folder, table.server).by_file(outside[1:])


@pytest.mark.parametrize("missing", ["error", "empty"])
def test_a_missing_file_changes_nothing_of_what_the_api_fetched(table, missing):
    """With ``missing: empty`` the other windows are empty, as the feed says."""
    table.files = joined_feeds.feeds(
        table.folder, old_trades={"source": joined_feeds.FILES["source"] | {"missing": missing}}
    )[1]
    table.by_api(ALL, windows=2)
    before = table.objects()
    table.server.answer("/BTCUSDT-2024-12-17.zip", b"", status=404)
    if missing == "empty":
        joined_feeds.extract(table.files, day(0), table.storage, table.server)
        assert [found.json.rows for found in table.manifests()] == [5, 5, 0, 0]
    else:
        with pytest.raises(TicklakeError):
            joined_feeds.extract(table.files, day(0), table.storage, table.server)
    assert before.items() <= table.objects().items()
    early = {"clock": lambda: (START_US + DAY_US) / 1e6 + 60}
    with pytest.raises(NotThereYetError):
        joined_feeds.extract(table.files, day(0), table.storage, table.server, **early)


def test_a_file_that_is_cut_leaves_nothing_of_its_day(table):
    """The windows of its beginning are not committed before its end is right."""
    joined_feeds.publish(table.server, 0, ALL)
    [(path, answer)] = [
        (path, answer) for path, answer in table.server._answers.items() if "zip" in path
    ]  # fmt: skip
    body = bytes(answer(None).body)  # type: ignore[arg-type]
    table.server.answer(path, body[:60])
    with pytest.raises(MalformedPageError):
        joined_feeds.extract(table.files, day(0), table.storage, table.server)
    assert not list(table.storage.list("json")) + list(table.storage.list("manifests"))


def test_an_extraction_of_the_api_in_between_is_looked_at_again(table):
    """The file was read before the API committed, and is committed after."""
    joined_feeds.publish(table.server, 0, ALL[3:])
    calls = []

    def clock() -> float:
        calls.append(None)
        if len(calls) == 2:  # the file is read to its end
            table.by_api(ALL[:4])
        return NOW_S

    joined_feeds.extract(table.files, day(0), table.storage, table.server, clock=clock)
    assert sorted(table.ids()) == [one.id for one in ALL]
    assert [part.from_feed for part in table.of(table.units[0]).json.parts] == [None, "old_trades"]


def test_a_candle_is_in_the_window_in_which_it_opens(table):
    """The table's feed says how long candles are; its files' feed takes that over."""
    fields = joined_feeds.TARGET["fields"]
    table.api, table.files = joined_feeds.feeds(
        table.folder, trades={"candle": "6h", "fields": fields}
    )
    table.by_file([JoinedTrade(n, "1", START_US + n * QUARTER_US) for n in range(WINDOWS)])
    assert [found.json.rows for found in table.manifests()] == [1] * WINDOWS
    assert all(found.json.unfinished_until_ms is None for found in table.manifests())
