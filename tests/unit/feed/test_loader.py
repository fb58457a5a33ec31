"""A mistake in a feed file is reported with file, line and field, and with the fix."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed import loader
from tests.support.feed_files import VALID, mistakes


def test_the_file_of_these_tests_is_valid(tmp_path):
    """Each case below breaks one thing only; the feed is called as its file is."""
    (tmp_path / "small.yaml").write_text(VALID)
    assert loader.read_feed(tmp_path / "small.yaml").name == "small"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("  path:", "  pth:", "4: source.pth: unknown key; did you mean 'path'?",
                     id="unknown name"),
        pytest.param("  path: /rows\n", "", "1: source.path: missing", id="missing"),
        pytest.param("kind: http", "kind: htpp",
                     "2: source.kind: 'htpp' is not one of http, sql, files; did you mean 'http'?",
                     id="unknown kind of source"),
        pytest.param("path: /rows", "path: rows", "4: source.path: 'rows' does not begin with a "
                     "slash; write '/rows'", id="pattern"),
        pytest.param("int64", "int46", "6: fields.id.type: 'int46' is not a type: int64, decimal(18"
                     ",8), double, string, bool, timestamp, date, json; did you mean 'int64'?",
                     id="unknown type"),
        pytest.param("int64", "decimal(77,0)",
                     "6: fields.id.type: 'decimal(77' is not a type; write it in quotes",
                     id="a type without quotes"),
        pytest.param("int64", '"decimal(77,0)"',
                     "6: fields.id.type: decimal(77,0) is out of range; use at most 76 digits",
                     id="digits"),
        pytest.param("unit: ms", "unit: msec", "7: fields.at.unit: 'msec' is not one of s, ms, us,"
                     " ns, float_s, iso; did you mean 'ms'?", id="unknown unit"),
        pytest.param(" unit: ms,", "", "7: fields.at: unit is required for type timestamp, and "
                     "only allowed there: s, ms, us, ns, float_s or iso", id="no unit"),
        pytest.param("  id:", "  Id:", "6: fields.Id: 'Id' is not a valid name; use lower-case "
                     "letters, digits and underscores, a letter first", id="column in capitals"),
        pytest.param("  id:", "  5:", "6: fields.5: the name must be text; quote it",
                     id="a number for a column"),
        pytest.param("from: t", "source: t", "7: fields.at.source: unknown key",
                     id="our own name for from"),
        pytest.param("from: t", 'from: "a..b"', "7: fields.at.from: 'a..b' is not a path; write "
                     "names with dots between them: 'a.b'",
                     id="an empty name in a path"),
        pytest.param("key: true", "key: yes", "6: fields.id.key: must be true or false",
                     id="yes is no boolean"),
        pytest.param(", event_time: true", "",
                     "5: fields: exactly one field must have event_time: true; found none",
                     id="no event time"),
        pytest.param("key: true", "type: int64", "6: duplicate key 'type', first used in line 6",
                     id="a name twice in one line"),
        pytest.param("  path: /rows", "  path: /rows\n  path: /x",
                     "5: duplicate key 'path', first used in line 4", id="a name twice"),
        pytest.param("/rows", "/rows/{symbl}", "4: source.path: unknown placeholder 'symbl' in "
                     "'/rows/{symbl}'; known: {start_iso}, {end_iso}", id="unknown template"),
        pytest.param("https://api.example.com", "api.example.com",
                     "3: source.base_url: 'api.example.com' is not an address; write scheme and "
                     "host: https://api.example.com", id="no scheme"),
        pytest.param("https://api.example.com", "https://me:pw@api.example.com",
                     "3: source.base_url: must be scheme and host only", id="credentials"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_line_and_field(tmp_path, old, new, message):
    """In the words of the file, with a suggestion where a name is close."""
    assert old in VALID
    [line] = [line for line in mistakes(tmp_path, VALID.replace(old, new, 1)) if message in line]
    assert line.startswith(f"small.yaml:{message}")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param("sliecs: {a: [b]}", "8: sliecs: unknown key; did you mean 'slices'?",
                     id="unknown name"),
        pytest.param("name: other", "8: name: unknown key; the name of the file is the name of "
                     "the feed",
                     id="a name of its own"),
        pytest.param("window: 60", "8: window: '60' is not a length of time; write it as 1h",
                     id="a number for a length of time"),
        pytest.param("window: 1:30", "8: window: '1:30' is not a length of time", id="1:30"),
        pytest.param("window: 0h", "8: window: '0h' is not a length of time", id="no time"),
        pytest.param("window: 999999999w", "8: window: '999999999w' is not a length of time",
                     id="more time than there is"),
        pytest.param("part_bytes: five", "8: part_bytes: 'five' is not a size; write it as 128MiB",
                     id="a size"),
        pytest.param("part_bytes: true", "8: part_bytes: must be a whole number",
                     id="true is no number"),
        pytest.param("cap: 0", "8: cap: must be greater than 0", id="a cap of nothing"),
        pytest.param("limits: {max_bad_share: 2}",
                     "8: limits.max_bad_share: must be at most 1", id="a share"),
        pytest.param("limits:\n  max_bad_shar: 0.5",
                     "9: limits.max_bad_shar: unknown key; did you mean 'max_bad_share'?",
                     id="nested"),
        pytest.param("limits: {read_timeout_s: .inf}", "8: limits.read_timeout_s: must be a "
                     "number, and neither .inf nor .nan", id="a wait without end"),
        pytest.param("runner: dokcer", "8: runner: 'dokcer' is not one of process, docker, "
                     "kubernetes; did you mean 'docker'?", id="runner"),
        pytest.param("slices: {symbol: BTC}", "8: slices.symbol: must be a list of values, or a "
                     "mapping", id="one value"),
        pytest.param("slices: {symbol: [1.5]}", "8: slices.symbol: 1.5 is neither text nor a whole "
                     "number; quote it", id="a broken number"),
        pytest.param("slices: {symbol: [true]}", "8: slices.symbol: True is neither text",
                     id="a boolean"),
        pytest.param("slices: {symbol: [A, A]}", "8: slices.symbol: duplicate value",
                     id="a value twice"),
        pytest.param("slices: {symbol: [5, '5']}", "8: slices.symbol: duplicate value",
                     id="a value twice as text"),
        pytest.param("slices:\n  interval: {1m: 1m, 1M: 1M}", "9: slices.interval: '1m' and '1M' "
                     "differ by case only", id="values by case"),
        pytest.param("slices: {id: [A]}", "8: slices.id: a column has the same name",
                     id="a slice called as a column"),
        pytest.param("slices: {date: [A]}", "8: slices.date: reserved for the lake's own folders",
                     id="a slice called date"),
        pytest.param("  date: {type: string}", "8: fields.date: reserved for the lake's own",
                     id="a column called date"),
        pytest.param("  b: {type: timestamp, unit: s, event_time: true}",
                     "5: fields: exactly one field must have event_time: true; found ['at', 'b']",
                     id="two event times"),
        pytest.param("  b: {from: $fetched_at, type: int64}",
                     "8: fields.b: $fetched_at must be of type timestamp, without a unit",
                     id="fetched_at"),
        pytest.param("snapshot: true", "7: fields.at: event_time must be {from: $fetched_at, type: "
                     "timestamp} in a snapshot",
                     id="a snapshot of another time"),
        pytest.param("candle_opens: 16:00", "8: candle_opens: the records are not candles; set",
                     id="candles that open without candles"),
        pytest.param("candle: long", "8: candle: candle of slice all: 'long' is not a length",
                     id="a candle without length"),
        pytest.param("candle: '{intervl}'\nslices: {interval: [1m]}",
                     "8: candle: unknown placeholder 'intervl' in '{intervl}'; did you mean "
                     "'interval'?",
                     id="a candle of an unknown slice"),
        pytest.param("source: {}", "8: duplicate key 'source', first used in line 1",
                     id="a name twice"),
    ],
)  # fmt: skip
def test_an_invalid_addition_is_reported_with_its_line(tmp_path, more, message):
    """The line is that of the innermost name in the way."""
    [line] = mistakes(tmp_path, VALID + more + "\n")
    assert line.startswith(f"small.yaml:{message}")


@pytest.mark.parametrize("text", ["", "- a\n", "hello\n"], ids=["empty", "a list", "a text"])
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path, text):
    """With the keys that a feed has."""
    message = "small.yaml:1: not a mapping; a feed has source, slices, fields, ..."
    assert mistakes(tmp_path, text) == [message]


def test_slice_values_are_read_as_they_are_written(tmp_path):
    """A symbol called NO is one, and 60 may be a number."""
    (tmp_path / "small.yaml").write_text(
        f"{VALID.replace('/rows', '/rows/{symbol}')}slices: {{symbol: [NO, 010, 1e3, 60]}}\n"
    )
    feed = loader.read_feed(tmp_path / "small.yaml")
    assert [str(slice_) for slice_ in feed.all_slices] == [
        "symbol=NO", "symbol=010", "symbol=1e3", "symbol=60",
    ]  # fmt: skip


# ---- folders of feeds

SHIPPED_NAMES = {path.stem for path in loader.SHIPPED.glob("*.yaml")}


def folder(parent: Path, *names: str, text: str = VALID) -> str:
    for name in names:
        path = parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(parent)


def env(*folders: str) -> dict[str, str]:
    return {"TICKLAKE_FEEDS": os.pathsep.join(folders)}


def test_further_folders_add_feeds_and_replace_shipped_ones(tmp_path):
    """The last folder wins; files with other endings are no feeds."""
    one = folder(tmp_path / "1", "mine.yaml", "binance_klines.yml", "x.yaml~", "README.md")
    two = folder(tmp_path / "2", "mine.yaml")
    known = loader.feed_paths(env(one, two))
    assert known["mine"] == tmp_path / "2" / "mine.yaml"
    assert known["binance_klines"] == tmp_path / "1" / "binance_klines.yml"
    assert {"binance_agg_trades", "coingecko_coins"} <= known.keys()
    assert not {"x", "README"} & known.keys()
    assert loader.load("mine", env(one, two)).host == "api.example.com"


def test_two_files_of_one_feed_are_refused_and_cost_the_others_nothing(tmp_path):
    """Neither is taken for the other: each error names the other file."""
    folder(tmp_path, "a.yaml", "a.yml", "b.yaml")
    assert loader.load("b", env(str(tmp_path))).name == "b"
    for name, other in (("a.yaml", "a.yml"), ("a.yml", "a.yaml")):
        with pytest.raises(FeedFileError, match=f"{name}:1: {other} is a feed of the same name"):
            loader.read_feed(tmp_path / name)


def test_a_name_in_another_case_is_refused_and_costs_the_others_nothing(tmp_path):
    """No feed is called in capitals, so no two names differ by case only."""
    own = env(folder(tmp_path, "Binance_Klines.yaml"))
    assert loader.load("binance_klines", own).name == "binance_klines"
    with pytest.raises(FeedFileError, match="'Binance_Klines' is not a valid name; use lower-"):
        loader.load("Binance_Klines", own)


def test_a_folder_that_is_not_there_is_refused():
    """A typo in the setting does not make its feeds vanish."""
    with pytest.raises(UsageError, match="TICKLAKE_FEEDS: /no/such/folder is not a folder"):
        loader.feed_paths(env("/no/such/folder"))


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param("", SHIPPED_NAMES, id="empty, as compose files write it"),
        pytest.param("all", SHIPPED_NAMES, id="all"),
        pytest.param("none", set(), id="none"),
        pytest.param("binance_klines", {"binance_klines"}, id="one name"),
        pytest.param(
            " okx_trades, binance_klines,", {"okx_trades", "binance_klines"}, id="two names"
        ),
    ],
)
def test_the_setting_says_which_shipped_feeds_are_there(tmp_path, setting, expected):
    """A team's own feeds are there in any case."""
    own = env(folder(tmp_path, "own.yaml"))
    feeds = loader.feed_paths(own | {"TICKLAKE_SHIPPED_FEEDS": setting})
    assert set(feeds) == expected | {"own"}


def test_an_own_feed_of_a_hidden_ones_name_is_there(tmp_path):
    """What is hidden is the shipped file, not the name."""
    own = folder(tmp_path, "binance_klines.yaml")
    feeds = loader.feed_paths(env(own) | {"TICKLAKE_SHIPPED_FEEDS": "none"})
    assert feeds == {"binance_klines": tmp_path / "binance_klines.yaml"}


def test_an_unknown_shipped_feed_is_refused():
    """A typo in the setting does not hide a feed."""
    message = (
        "TICKLAKE_SHIPPED_FEEDS: 'binance_kline' is not a shipped feed; "
        "did you mean 'binance_klines'?; set it to all, none, or names separated by commas"
    )
    with pytest.raises(UsageError) as raised:
        loader.feed_paths({"TICKLAKE_SHIPPED_FEEDS": "okx_trades,binance_kline"})
    assert str(raised.value) == message


def test_an_unknown_feed_is_reported_with_a_close_one():
    """And with the command that lists them."""
    message = "unknown feed 'okx_trade'; the command `feeds` lists them; did you mean 'okx_trades'?"
    with pytest.raises(UsageError) as wrong:
        loader.load("okx_trade", {})
    assert str(wrong.value) == message


# ---- what is shipped


def test_the_schema_beside_the_feeds_is_current():
    """Editors complete by it: python -m include.ticklake feeds --write-schema renews it."""
    assert loader.SCHEMA.read_text(encoding="utf-8") == loader.json_schema()


def test_the_schema_knows_every_name_of_the_shipped_feeds():
    """What the shipped feeds say would pass an editor's check of names."""
    schema = json.loads(loader.json_schema())
    assert "name" not in schema["properties"]
    assert schema["additionalProperties"] is False
    for path in loader.feed_paths({}).values():
        data = loader.yaml_nodes.read(path)[1]
        assert data.keys() <= schema["properties"].keys(), path
        model = {"http": "HttpSource", "files": "FilesSource"}[data["source"]["kind"]]
        assert data["source"].keys() <= schema["$defs"][model]["properties"].keys(), path


@pytest.mark.parametrize("path", loader.feed_paths({}).values(), ids=lambda path: path.stem)
def test_every_shipped_feed_is_valid(path):
    """It has a description, a key unless it is impossible, and its editor knows the schema."""
    feed = loader.read_feed(path)
    assert feed.name == path.stem
    assert feed.description.endswith(".")
    assert feed.key
    assert path.read_text().startswith("# yaml-language-server: $schema=feed.schema.json\n")
