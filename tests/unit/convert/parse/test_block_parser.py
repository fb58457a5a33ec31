"""Blocks read at once mean what their records mean one by one; a bad record costs only itself."""

from __future__ import annotations

import json
from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.block_parser import SMALL_ROWS, BlockParser
from include.ticklake.convert.parse.blocks import Block
from include.ticklake.convert.parse.raw_json import RawColumn
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import table_schema
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.window import Window
from include.ticklake.types.values import InvalidValueError
from tests.support import json_texts
from tests.support.json_texts import SCALARS, VALUES

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
START_MS = WINDOW.start_ms

FIELDS: dict[str, dict[str, object]] = {
    "whole": {"from": "i", "type": "int64"},
    "narrow": {"from": "d", "type": "decimal(10,2)"},
    "full": {"from": "D", "type": "decimal(38,2)"},
    "fine": {"from": "o.f", "type": "decimal(38,30)"},
    "wide": {"from": "o.p.w", "type": "decimal(76,40)"},
    "text": {"from": "s", "type": "string"},
    "truth": {"from": "b", "type": "bool"},
    "second": {"from": "ts", "type": "timestamp", "unit": "s"},
    "micro": {"from": "tu", "type": "timestamp", "unit": "us"},
    "nano": {"from": "tn", "type": "timestamp", "unit": "ns"},
    "float_second": {"from": "tf", "type": "timestamp", "unit": "float_s"},
    "written": {"from": "ti", "type": "timestamp", "unit": "iso"},
    "kept": {"from": "j", "type": "json"},
    "inner": {"from": "o.j", "type": "json"},
    "either": {"from": "te", "type": "timestamp", "unit": ["us", "s"]},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}


PLAIN_FIELDS = {name: field for name, field in FIELDS.items() if field["type"] != "json"}
"""Without the columns for which every record goes through msgspec too."""


def feed(fields: dict[str, dict[str, object]] = FIELDS, **more: object) -> Feed:
    """A feed with *fields*."""
    source = {"kind": "http", "base_url": "https://api.example.com", "path": "/trades"}
    return Feed.model_validate({"name": "made_up", "source": source, "fields": fields, **more})


def parser(described: Feed, *, fetched_at_ms: int | None = None) -> BlockParser:
    """A parser of *described*, for the hour of these tests."""
    return BlockParser(LakeSchema.of(described, window=WINDOW), fetched_at_ms=fetched_at_ms)


def learn(reader: BlockParser, record: str) -> None:
    """Let *reader* see a record that came before, if it is one."""
    with suppress(InvalidValueError):
        reader.observe_number_style(record_parser.parse(record.encode(errors="surrogateescape")))


def block(records: list[str], *, offset: int = 1) -> Block:
    """*records* as they lie in the middle of a part."""
    text = "".join(f"{record},\n" for record in records).encode(errors="surrogateescape")
    return Block(part="json/part", offset=offset, text=text, rows=len(records))


def one_by_one(described: Feed, records: list[str]) -> tuple[list[list[object]], list[str]]:
    """The rows that ``record_parser`` gives, in Arrow's Python values, and its reasons."""
    columns = table_schema.columns(described, window=WINDOW)
    raw = {c.name: RawColumn(c.path) for c in columns if c.field_type.is_raw_json}
    rows, reasons = [], []
    for record in records:
        text = record.encode(errors="surrogateescape")
        try:
            rows.append(record_parser.row(text, columns, raw=raw, fetched_at_ms=None))
        except InvalidValueError as unfit:
            reasons.append(str(unfit))
    return rows, reasons


def values(batch: pa.RecordBatch) -> list[list[object]]:
    """The rows of *batch*, times as integers in their unit."""
    plain = [
        array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array
        for array in batch.columns
    ]
    return [list(row) for row in zip(*(array.to_pylist() for array in plain), strict=True)]


def written(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """*texts* as they are, or as JSON strings."""
    return texts | texts.map(json.dumps)


NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
ODD_NUMBERS = st.from_regex(
    r"[+-]?[0-9_]{0,40}[.,]?[0-9]{0,40}([eE][+-]?[0-9]{0,3})?", fullmatch=True
).map(json.dumps)
NINES = st.builds(
    "{}{}.{}".format, st.sampled_from(["", "-"]),
    st.integers(1, 77).map(lambda n: "9" * n), st.integers(1, 42).map(lambda n: "0" * n),
) | st.integers(1, 77).map(lambda n: "9" * n) | st.integers(0, 80).map("1e{}".format)  # fmt: skip
BLANKS = st.sampled_from(['""', "null", '" "', "NaN", "Infinity", "true", "[]", "{}", "1e400"])
EDGES = [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**38, -1, 0]
INSTANTS = (
    st.from_regex(
        r"(2026-11-22|0000-01-01|0001-01-01|9999-12-31|2026-02-30)"
        r"([T ](05|23|24)(:(30|60)(:(59|60)(\.[0-9]{1,10})?)?)?(Z|z|[+-]0[02]:?(00|30|60)?)?)?",
        fullmatch=True,
    )
    | st.datetimes().map(str)
).map(json.dumps)


def instants(per_second: int) -> st.SearchStrategy[str]:
    inside = st.integers(START_MS * per_second // 1000, WINDOW.end_ms * per_second // 1000 - 1)
    anywhere = st.integers(-(2**64), 2**64) | st.sampled_from([*EDGES, START_MS, START_MS // 1000])
    return written((inside | inside | anywhere).map(str))


ANY_NUMBER = written(NUMBERS) | written(NINES) | ODD_NUMBERS | BLANKS
NOT_UTF8 = st.sampled_from(['"\udcff"', '"\udced\udca0\udc80"', '["\udcc0\udc80"]'])
ODD = BLANKS | SCALARS | VALUES | NOT_UTF8
MEMBERS: dict[str, st.SearchStrategy[str]] = {
    "i": written(st.integers(-(2**65), 2**65).map(str)) | written(NUMBERS) | BLANKS,
    "d": written(st.decimals(-(10**8), 10**8, places=2).map(str)) | ANY_NUMBER,
    "D": ANY_NUMBER,
    "s": SCALARS | NOT_UTF8,
    "b": st.sampled_from(["true", "false", "null"]) | ODD,
    "ts": instants(1),
    "tu": instants(10**6),
    "tn": instants(10**9),
    "te": instants(1) | instants(10**6) | st.sampled_from(["0", '"0"', "null"]),
    "tf": written(NUMBERS) | instants(1) | written(st.decimals(0, 2**33, places=9).map(str)),
    "ti": INSTANTS | ODD,
    "j": VALUES,
    "t": instants(1000),
    "unknown": ODD,
}


@st.composite
def objects(draw: st.DrawFn) -> str:
    """A record: a few members, mostly of the right kind, sometimes twice."""
    chosen = draw(st.lists(st.sampled_from(sorted(MEMBERS)), max_size=3))
    members = [f'"{name}":{draw(MEMBERS[name])}' for name in chosen if name != "t"]
    if draw(st.booleans()):
        inner = f'"f":{draw(ANY_NUMBER)},"p":{{"w":{draw(ANY_NUMBER)}}},"j":{draw(VALUES)}'
        members.append(f'"o":{{{inner}}}' if draw(st.booleans()) else f'"o":{draw(ODD)}')
    inside = st.integers(START_MS, WINDOW.end_ms - 1).map(str)
    time = draw(inside | inside | inside | MEMBERS["t"])
    members.append(f'"t":{time}')
    return "{" + ", ".join(draw(st.permutations(members))) + "}"


def _on_a_line(text: str) -> str:
    return text.replace("\n", " ")  # white space: in strings it is always escaped


RECORDS = objects().map(_on_a_line)
ANY_RECORDS = RECORDS | json_texts.RECORDS.map(_on_a_line)


@pytest.fixture(params=["all", "plain"], scope="module")
def described(request) -> Feed:
    """A feed with columns of every kind, and one without json columns."""
    return feed(FIELDS if request.param == "all" else PLAIN_FIELDS)


@pytest.mark.parametrize("name", sorted(MEMBERS))
@given(data=st.data())
def test_a_value_read_at_once_is_what_it_means(name, described, data):
    """Whatever the fast way lets through of one member, one value at a time means the same."""
    text = data.draw(MEMBERS[name])
    before = data.draw(MEMBERS[name])
    time = f', "t": {START_MS}' if name != "t" else ""
    reader = parser(described)
    learn(reader, f'{{"{name}":{_on_a_line(before)}}}')
    some = [f'{{"{name}":{_on_a_line(text)}{time}}}']
    rows = reader.parse_block(block(some))
    assert rows is None or (values(rows), []) == one_by_one(described, some)


TRAPS = [
    pytest.param('"D":"35' + "0" * 35 + '"', id="a multiple of 2**128 too large"),
    pytest.param('"D":"1e36"', id="39 digits fit 128 bits"),
    pytest.param('"i":"1e-103"', id="an exponent beyond Arrow's table"),
    pytest.param('"i":"0.01E-81"', id="an exponent and a fraction beyond Arrow's table"),
    pytest.param('"i":"1\\u0065-103"', id="an escaped exponent beyond Arrow's table"),
    pytest.param('"i":"1e\\u002D103"', id="an escaped sign of an exponent"),
    pytest.param('"d":1e-240', id="an exponent beyond the table of a narrow decimal"),
    pytest.param('"o":{"f":1e-267}', id="an exponent beyond the table of 256 bits"),
    pytest.param('"d":123456789', id="digits of the scale not counted"),
    pytest.param('"o":{"p":{"w":"12' + "0" * 36 + '"}}', id="a multiple of 2**256 too large"),
    pytest.param('"d":NaN', id="NaN"),
    pytest.param('"unknown":NaN', id="NaN where nobody reads"),
    pytest.param('"unknown":[-Infinity]', id="Infinity where nobody reads"),
    pytest.param('"unknown":"\udcff"', id="not UTF-8 where nobody reads"),
    pytest.param('"s":"\udcff"', id="not UTF-8"),
    pytest.param('"s":"\\ud800"', id="half a surrogate pair"),
    pytest.param('"i":9223372036854775808', id="one over 64 bits"),
    pytest.param('"i":"9223372036854775808"', id="one over 64 bits, as text"),
    pytest.param('"i":1.5', id="a fraction for an integer"),
    pytest.param('"ts":9223372036854775', id="seconds that overflow as milliseconds"),
    pytest.param('"tf":"1795323600.1234567891"', id="finer than a nanosecond"),
    pytest.param('"ti":"2026-11-22T05:00:00.1234567Z"', id="finer than a microsecond"),
    pytest.param('"i":1,"\\u0069":2', id="a number twice, once escaped"),
    pytest.param('"o":{"j":1},"o":{"j":2}', id="an object twice"),
    pytest.param('"d":"\u0661"', id="a digit of another script"),
    pytest.param('"d":"1_0"', id="a digit separator that Python takes"),
    pytest.param('"d":" 1"', id="a space before"),
    pytest.param('"b":"true"', id="truth as text"),
    pytest.param('"b":1', id="truth as number"),
    pytest.param('"s":1', id="number for text"),
]


@pytest.mark.parametrize("member", TRAPS)
def test_what_arrow_would_let_through_is_left_to_the_slow_way(member, described):
    """Arrow reads these as some value, or would crash on the way; none gets past."""
    some = ["{" + member + f', "t":{START_MS}}}']
    for written_before in (
        '{"i":1,"d":1,"D":1}',
        '{"i":"1","d":"","D":""}',
        '{"i":"","d":"1","o":{"f":"","p":{"w":""}}}',
    ):
        reader = parser(described)
        learn(reader, written_before)
        rows = reader.parse_block(block(some))
        assert rows is None or (values(rows), []) == one_by_one(described, some)
    rows_of_all, _ = one_by_one(feed(), some)
    assert not rows_of_all


GOOD = [
    pytest.param([f'{{"i":{n},"s":"x","t":{START_MS + n}}}' for n in range(3)], id="digits"),
    pytest.param([f'{{"i":"{n}","d":"{n}.50","t":"{START_MS}"}}' for n in range(3)], id="text"),
    pytest.param([f'{{"d":1e{n},"D":{n}.5e-1,"t":{START_MS}}}' for n in (0, 1)], id="e+n"),
    pytest.param([f'{{"d":{n}5.0e-1,"t":{START_MS},"s":"graph-e-2"}}' for n in (1, 2)], id="e-n"),
    pytest.param([f'{{"i":{n}.0,"t":{START_MS}}}' for n in range(3)], id="whole with a point"),
    pytest.param(
        [f'{{"i":"{n}","d":"","ti":"","t":"{START_MS}"}}' for n in ("", 1, 2)], id="blanks"
    ),
    pytest.param([f'{{"o":{{"f":"0.{n}","p":{{"w":{n}.5}}}},"t":{START_MS}}}' for n in range(3)],
                 id="nested"),
    pytest.param([f'{{"o":null,"t":{START_MS}}}', f'{{"t":{START_MS},"o":{{}}}}'], id="absent"),
    pytest.param([f'{{"j":{{"a": [{n}]}},"o":{{"j":null}},"t":{START_MS}}}' for n in range(3)],
                 id="json"),
    pytest.param([f'{{"tf":1795323600.{n}, "ts":179532360{n}, "tn":"179532360{n}000000007", '
                  f'"te":0, "t":{START_MS}}}' for n in range(3)], id="clocks"),
    pytest.param([f'{{"ti":"2026-11-22T05:00:0{n}.5Z","t":{START_MS}}}' for n in range(3)],
                 id="iso"),
    pytest.param([f'{{"s":"é😀","€":{n},"t":{START_MS}}}' for n in range(3)], id="UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize("records", GOOD)
def test_a_block_of_good_records_is_read_at_once(records, described):
    """Once it knows how the source writes its numbers, no good block goes the slow way."""
    reader = parser(described)
    learn(reader, records[0])
    learn(reader, records[1])
    rows = reader.parse_block(block(records))
    assert rows is not None
    assert (values(rows), []) == one_by_one(described, records)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f'{{"t":{START_MS}}}{{"t":{START_MS}}}', id="two objects"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="array"),
        pytest.param("", id="nothing"),
        pytest.param(f'{{"t":{START_MS}', id="half an object"),
        pytest.param(f'﻿{{"t":{START_MS}}}', id="byte order mark"),
    ],
)
@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("after", [0, 1])
def test_a_line_that_is_not_one_object_is_refused(line, before, after, described):
    """Wherever it stands, Arrow does not get to see it, and its neighbours are rows."""
    good = f'{{"t":{START_MS}}}'
    records = [good] * before + [line] + [good] * after
    reader = parser(described)
    assert reader.parse_block(block(records)) is None
    (run,) = reader.parse(block(records))
    assert run.rows.num_rows == before + after
    (refused,) = run.refused
    assert refused.offset == 1 + before * (len(good) + 2)
    assert refused.record == line.encode()


def test_a_line_null_is_no_row_of_a_snapshot():
    """Arrow reads null as a record without values, and nothing must be there in this one."""
    fields = {
        "name": {"type": "string"},
        "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True},
    }
    reader = parser(feed(fields, snapshot=True), fetched_at_ms=7)
    (run,) = reader.parse(block(['{"name":"a"}', "null", '{"name":"b"}']))
    assert values(run.rows) == [["a", 7], ["b", 7]]
    assert [one.reason for one in run.refused] == ["the record is null, not an object"]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_record_nested_too_deep_is_refused_alone_as_among_others(rows):
    """Arrow would follow it; what becomes of a record does not depend on its neighbours."""
    deep = f'{{"x":{"[" * 5000}{"]" * 5000},"t":{START_MS}}}'
    (run,) = parser(feed(PLAIN_FIELDS)).parse(block([deep] * rows))
    assert [one.reason for one in run.refused] == ["nested too deep: more than 500 levels"] * rows


def test_one_bad_record_leaves_the_rest_of_its_block():
    """A block of thousands with a bad record comes out in order, without that record."""
    records = [f'{{"i":{n},"t":{START_MS + n}}}' for n in range(5000)]
    records[3210] = f'{{"i":"x","t":{START_MS}}}'
    runs = list(parser(feed()).parse(block(records, offset=77)))
    kept = [row[0] for run in runs for row in values(run.rows)]
    assert kept == [n for n in range(5000) if n != 3210]
    (refused,) = (one for run in runs for one in run.refused)
    assert refused.offset == 77 + len(",\n".join(records[:3210])) + 2
    assert refused.reason == 'whole: "x" is not a number'
    assert max(run.rows.num_rows for run in runs) > 10 * SMALL_ROWS


@given(st.lists(RECORDS, min_size=1, max_size=3), RECORDS)
def test_what_is_read_at_once_is_what_every_record_means(records, seen_before):
    """Whatever the fast way lets through, one value at a time means the same."""
    reader = parser(feed())
    learn(reader, seen_before)
    for some in (records[:1], records):
        rows = reader.parse_block(block(some))
        if rows is not None:
            assert (values(rows), []) == one_by_one(feed(), some)


@given(st.lists(ANY_RECORDS, min_size=1, max_size=5))
def test_every_record_is_a_row_or_refused(records):
    """No record is lost or doubled, and the order is the source's."""
    runs = list(parser(feed()).parse(block(records)))
    rows, reasons = one_by_one(feed(), records)
    assert [row for run in runs for row in values(run.rows)] == rows
    assert [one.reason for run in runs for one in run.refused] == reasons
