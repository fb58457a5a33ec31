"""A mistake in a feed file is told with file, line and field, and with what would be right."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.feed import loader

GOOD = """\
source:
  kind: http
  base_url: https://api.example.com
  path: /rows
fields:
  id: {type: int64, key: true}
  at: {from: t, type: timestamp, unit: ms, event_time: true}
"""


def told(folder: Path, text: str | bytes) -> list[str]:
    """What is said of a feed file of that text, without its folder."""
    path = folder / "small.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(FeedFileError) as wrong:
        loader.read_feed(path)
    return str(wrong.value).replace(f"{folder}/", "").splitlines()


def test_the_good_file_of_these_tests_is_good(tmp_path):
    """Each case below breaks one thing only; the feed is called as its file is."""
    (tmp_path / "small.yaml").write_text(GOOD)
    assert loader.read_feed(tmp_path / "small.yaml").name == "small"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("  path:", "  pth:", "4: source.pth: unknown name; did you mean 'path'?",
                     id="unknown name"),
        pytest.param("  path: /rows\n", "", "1: source.path: is missing", id="missing"),
        pytest.param("kind: http", "kind: htpp",
                     "2: source.kind: 'htpp' is not one of http, sql; did you mean 'http'?",
                     id="unknown kind of source"),
        pytest.param("path: /rows", "path: rows", "4: source.path: 'rows' does not look like ^/",
                     id="pattern"),
        pytest.param("int64", "int", "6: fields.id.type: 'int' is not a type: int64, "
                     "decimal(18,8), string, bool, timestamp, json", id="unknown type"),
        pytest.param("int64", "decimal(77,0)",
                     "6: fields.id.type: 'decimal(77' is not a type: int64, decimal(18,8), string,"
                     " bool, timestamp, json; put it in quotes", id="a type without quotes"),
        pytest.param("int64", '"decimal(77,0)"',
                     "6: fields.id: decimal(77,0): at most 76 digits, scale within", id="digits"),
        pytest.param("unit: ms", "unit: msec", "7: fields.at.unit: 'msec' is not one of s, ms, us,"
                     " ns, float_s, iso; did you mean 'ms'?", id="unknown unit"),
        pytest.param(" unit: ms,", "", "7: fields.at: a timestamp needs a unit (s, ms, us, ns, "
                     "float_s, iso), others none", id="no unit"),
        pytest.param("  id:", "  Id:", "6: fields.Id: 'Id' is not a name: lower case letters, "
                     "digits and underscores", id="column in capitals"),
        pytest.param("  id:", "  5:", "6: fields.5: 5 is not a name: lower case letters, digits "
                     "and underscores, or should be a valid string", id="a number for a column"),
        pytest.param("from: t", "source: t", "7: fields.at.source: unknown name",
                     id="our own name for from"),
        pytest.param("from: t", 'from: "a..b"', "7: fields.at.from: 'a..b' does not look like",
                     id="an empty name in a path"),
        pytest.param("key: true", "key: yes", "6: fields.id.key: should be a valid boolean",
                     id="yes is no boolean"),
        pytest.param(", event_time: true", "",
                     "5: fields: exactly one field must have event_time: true; here: []",
                     id="no event time"),
        pytest.param("key: true", "type: int64", "6: 'type' is there already, in line 6",
                     id="a name twice in one line"),
        pytest.param("  path: /rows", "  path: /rows\n  path: /x",
                     "5: 'path' is there already, in line 4", id="a name twice"),
        pytest.param("/rows", "/rows/{symbl}", "4: source.path: '/rows/{symbl}' wants 'symbl'; "
                     "known: before_ms", id="unknown template"),
        pytest.param("https://api.example.com", "api.example.com",
                     "3: source.base_url: should be a valid URL", id="no scheme"),
        pytest.param("https://api.example.com", "https://me:pw@api.example.com",
                     "3: source.base_url: give scheme and host only", id="credentials"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_line_and_field(tmp_path, old, new, message):
    """In the words of the file, with a suggestion where a name is close."""
    assert old in GOOD
    [line] = [line for line in told(tmp_path, GOOD.replace(old, new, 1)) if message in line]
    assert line.startswith(f"small.yaml:{message}")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param("sliecs: {a: [b]}", "8: sliecs: unknown name; did you mean 'slices'?",
                     id="unknown name"),
        pytest.param("name: other", "8: name: unknown name; a feed is called as its file is",
                     id="a name of its own"),
        pytest.param("window: 60", "8: window: '60' is not a length of time; write it as 1h",
                     id="a number for a length of time"),
        pytest.param("window: 1:30", "8: window: '1:30' is not a length of time", id="1:30"),
        pytest.param("window: 0h", "8: window: '0h' is not a length of time", id="no time"),
        pytest.param("window: 999999999w", "8: window: '999999999w' is not a length of time",
                     id="more time than there is"),
        pytest.param("part_bytes: five", "8: part_bytes: 'five' is not a size; write it as 128MiB",
                     id="a size"),
        pytest.param("part_bytes: true", "8: part_bytes: should be a valid integer",
                     id="true is no number"),
        pytest.param("cap: 0", "8: cap: should be greater than 0", id="a cap of nothing"),
        pytest.param("description: 5", "8: description: should be a valid string", id="a number"),
        pytest.param("limits: {max_bad_share: 2}",
                     "8: limits.max_bad_share: should be less than or equal to 1", id="a share"),
        pytest.param("limits:\n  max_bad_shar: 0.5",
                     "9: limits.max_bad_shar: unknown name; did you mean 'max_bad_share'?",
                     id="nested"),
        pytest.param("limits: {read_timeout_s: .inf}", "8: limits.read_timeout_s: should be a "
                     "valid number", id="a wait without end"),
        pytest.param("runner: dokcer", "8: runner: 'dokcer' is not one of process, docker, "
                     "kubernetes; did you mean 'docker'?", id="runner"),
        pytest.param("slices: {symbol: BTC}", "8: slices.symbol: give a list of values, or a "
                     "mapping", id="one value"),
        pytest.param("slices: {symbol: [1.5]}", "8: slices.symbol: 1.5 is neither text nor a whole "
                     "number; put it in quotes", id="a broken number"),
        pytest.param("slices: {symbol: [true]}", "8: slices.symbol: True is neither text",
                     id="a boolean"),
        pytest.param('slices: {symbol: [""]}', "8: slices.symbol: '' is neither text",
                     id="no value"),
        pytest.param("slices: {symbol: [A, A]}", "8: slices.symbol: a value is there twice",
                     id="a value twice"),
        pytest.param("slices: {symbol: [5, '5']}", "8: slices.symbol: a value is there twice",
                     id="a value twice as text"),
        pytest.param("slices:\n  interval: {1m: 1m, 1M: 1M}", "9: slices.interval: '1m' and '1M' "
                     "differ by case only", id="values by case"),
        pytest.param("slices: {id: [A]}", "8: slices.id: is also the name of a column",
                     id="a slice called as a column"),
        pytest.param("slices: {date: [A]}", "8: slices.date: is the name of the lake's own folders",
                     id="a slice called date"),
        pytest.param("  date: {type: string}", "8: fields.date: is the name of the lake's own",
                     id="a column called date"),
        pytest.param("  b: {type: timestamp, unit: s, event_time: true}",
                     "5: fields: exactly one field must have event_time: true; here: ['at', 'b']",
                     id="two event times"),
        pytest.param("  b: {from: $fetched_at, type: int64}",
                     "8: fields.b: $fetched_at is a timestamp without a unit", id="fetched_at"),
        pytest.param("snapshot: true", "7: fields.at: a snapshot's event_time is",
                     id="a snapshot of another time"),
        pytest.param("candle: 2h", "8: candle: 2:00:00 of slice all is longer than the window",
                     id="a candle that is too long"),
        pytest.param("candle: long", "8: candle: candle of slice all: 'long' is not a length",
                     id="a candle without length"),
        pytest.param("candle: '{intervl}'\nslices: {interval: [1m]}",
                     "8: candle: '{intervl}' wants 'intervl'; did you mean 'interval'?",
                     id="a candle of an unknown slice"),
        pytest.param("5: x", "8: 5: Keys should be strings", id="a number for a name"),
        pytest.param("source: {}", "8: 'source' is there already, in line 1", id="a name twice"),
    ],
)  # fmt: skip
def test_what_is_added_wrong_is_told_with_its_line(tmp_path, more, message):
    """The line is that of the innermost name in the way."""
    [line] = told(tmp_path, GOOD + more + "\n")
    assert line.startswith(f"small.yaml:{message}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("paging: {param: x}", "5: source.paging.kind: is missing", id="no kind"),
        pytest.param("paging: {kind: id_forwrd}", "5: source.paging.kind: 'id_forwrd' is not one "
                     "of single, ", id="unknown kind"),
        pytest.param("paging:\n    kind: time_forward\n    start_parm: x",
                     "7: source.paging.start_parm: unknown name; did you mean 'start_param'?",
                     id="unknown name"),
        pytest.param("paging: {kind: time_forward}", "5: source.paging.start_param: is missing",
                     id="missing"),
        pytest.param("paging: {kind: cursor, param: c, cursor: nxt}", "5: source.paging.cursor: "
                     "'nxt' is what nothing captures; add it: capture: {nxt: path.in.the.body}",
                     id="nothing captures it"),
        pytest.param("paging: {kind: id_forward, param: i, field: a,\n    first_params: "
                     "{startTime: '{strt_ms}'}}", "6: source.paging.first_params.startTime: "
                     "'{strt_ms}' wants 'strt_ms'; did you mean 'start_ms'?", id="template"),
        pytest.param("params: {limit: 1.5}", "5: source.params.limit: should be a valid string, or "
                     "should be a valid integer, or should be a valid boolean", id="several types"),
        pytest.param("params:\n    from: '{strt_ms}'", "6: source.params.from: '{strt_ms}' wants "
                     "'strt_ms'; did you mean 'start_ms'?", id="template in params"),
        pytest.param("columns: [a, A]", "5: source.columns: 'a' and 'A' are the same, or differ by "
                     "case only", id="columns by case"),
        pytest.param("columns: [a, a?]", "5: source.columns: 'a' and 'a?' are the same",
                     id="columns twice"),
        pytest.param("columns: [a?, b]", "5: source.columns: 'a?' may only be missing at the end",
                     id="an optional column before others"),
        pytest.param("records: a..b", "5: source.records: 'a..b' does not look like",
                     id="an empty name in a path"),
        pytest.param("capture: {x: ''}", "5: source.capture.x: '' does not look like",
                     id="an empty path"),
        pytest.param("headers: {a: 5}", "5: source.headers.a: should be a valid string",
                     id="a number in a header"),
        pytest.param("auth: {kind: header, connection: x}", "5: source.auth: name is for kind "
                     "header or query, and needed there", id="auth"),
        pytest.param("rate: {used_header: X}", "5: source.rate: used_header, budget and per go "
                     "together", id="rate"),
    ],
)  # fmt: skip
def test_mistakes_in_a_source_are_told_without_the_names_of_our_classes(tmp_path, source, message):
    """Kinds of paging and types of values do not stand in the way that is shown."""
    lines = told(tmp_path, GOOD.replace("  path: /rows", f"  path: /rows\n  {source}"))
    assert any(line.startswith(f"small.yaml:{message}") for line in lines), lines


def test_all_mistakes_are_told_at_once(tmp_path):
    """A line each, in the order of the file's names."""
    text = GOOD.replace("int64", "int").replace("unit: ms", "unit: x") + "foo: 1\n"
    assert [line.split(": ")[1] for line in told(tmp_path, text)] == [
        "fields.id.type", "fields.at.unit", "foo",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "1: a feed is a mapping: source, slices, fields, ...", id="empty"),
        pytest.param("- a\n", "1: a feed is a mapping", id="a list"),
        pytest.param("hello\n", "1: a feed is a mapping", id="a text"),
        pytest.param(f"{GOOD}x: [1\n", "9: not YAML:", id="an open bracket"),
        pytest.param("a: b: c\n", "1: not YAML: mapping values are not allowed", id="two colons"),
        pytest.param("source:\n\tkind: http\n", "2: not YAML: found character", id="a tab"),
        pytest.param("a: 1\nb: \x00\n", "2: not YAML: control characters", id="a zero byte"),
        pytest.param("a: 1\nb: \x07\n", "2: not YAML: control characters", id="a bell"),
        pytest.param(b"a: 1\nb: \xe9\n", "2: not UTF-8", id="latin-1"),
        pytest.param("a: !!python/object:os.system x\n", "1: not YAML: could not determine a "
                     "constructor", id="a Python object"),
        pytest.param(f"{GOOD}---\n{GOOD}", "8: not YAML: but found another document",
                     id="two documents"),
        pytest.param("? [a]\n: x\n", "1: not YAML: found unhashable key", id="a list for a name"),
        pytest.param("a: &x [*x]\n", "1: not YAML: it holds itself", id="a loop"),
        pytest.param("a: *x\n", "1: not YAML: found undefined alias", id="an unknown alias"),
    ],
)  # fmt: skip
def test_what_is_no_feed_at_all_is_told_too(tmp_path, text, message):
    """One message, with the line, and never another error."""
    [line] = told(tmp_path, text)
    assert line.startswith(f"small.yaml:{message}")


def test_plain_values_are_read_as_they_stand(tmp_path):
    """NO is a symbol and not false, 010 is not 8, a date and 1:30 stay texts."""
    (tmp_path / "small.yaml").write_text(
        f"{GOOD}slices: {{symbol: [NO, ON, 010, 1_0, 0x10, 2026-01-01, 1:30, 1e3, null_, 60]}}\n"
        "description: 2026-13-45\n"
    )
    feed = loader.read_feed(tmp_path / "small.yaml")
    assert [str(piece).removeprefix("symbol=") for piece in feed.all_slices] == [
        "NO", "ON", "010", "1_0", "0x10", "2026-01-01", "1:30", "1e3", "null_", "60",
    ]  # fmt: skip
    assert feed.description == "2026-13-45"


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    """A folder with the name of a feed file, or a file without permission."""
    (tmp_path / "small.yaml").mkdir()
    with pytest.raises(FeedFileError, match=r"small\.yaml:1: cannot be read: Is a directory"):
        loader.read_feed(tmp_path / "small.yaml")


# ---- folders of feeds


def folder(parent: Path, *names: str, text: str = GOOD) -> str:
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
    assert loader.load_all(env(one, two)).keys() == known.keys()


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["a.yaml", "a.yml"], id="two endings"),
        pytest.param(["a.yaml", "A.yaml"], id="two cases"),
        pytest.param(["Binance_Klines.yaml"], id="a shipped one in another case"),
    ],
)
def test_feeds_that_differ_by_case_or_ending_only_are_refused(tmp_path, names):
    """One of the two would be lost on some file system, or without a word."""
    with pytest.raises(FeedFileError, match="differ by case or ending only; rename one"):
        loader.feed_paths(env(folder(tmp_path, *names)))


def test_a_folder_that_is_not_there_is_refused():
    """A typo in the setting does not make its feeds vanish."""
    with pytest.raises(UsageError, match="TICKLAKE_FEEDS names /no/such/folder"):
        loader.feed_paths(env("/no/such/folder"))


def test_an_unknown_feed_is_told_with_a_close_one():
    """And with the command that lists them."""
    message = "unknown feed 'binance_kline'; did you mean 'binance_klines'?; see: feeds"
    with pytest.raises(UsageError) as wrong:
        loader.load("binance_kline", {})
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
        assert data["source"].keys() <= schema["$defs"]["HttpSource"]["properties"].keys(), path


@pytest.mark.parametrize("path", loader.feed_paths({}).values(), ids=lambda path: path.stem)
def test_every_shipped_feed_is_valid(path):
    """It has a description, a key unless it is impossible, and its editor knows the schema."""
    feed = loader.read_feed(path)
    assert feed.name == path.stem
    assert feed.description.endswith(".")
    assert feed.key
    assert path.read_text().startswith("# yaml-language-server: $schema=feed.schema.json\n")
