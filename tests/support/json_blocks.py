"""Blocks of records with columns of every type, and what they mean one record at a time."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import strategies as st

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.block_parser import BlockParser
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
    "written_micro": {"from": "tm", "type": "timestamp", "unit": "iso", "precision": "us"},
    "fraction": {"from": "tx", "type": "timestamp", "unit": "ms", "precision": "ns"},
    "local": {"from": "tl", "type": "timestamp", "unit": "iso", "timezone": "Europe/Paris"},
    "digits": {"from": "tg", "type": "timestamp", "format": "%Y%m%d%H"},
    "formatted": {
        "from": "th",
        "type": "timestamp",
        "format": "%d/%m/%Y %H:%M:%S.%f",
        "timezone": "Europe/Paris",
    },
    "day": {"from": "td", "type": "date"},
    "day_digits": {"from": "te8", "type": "date", "format": "%Y%m%d"},
    "near": {"from": "f", "type": "double"},
    "kept": {"from": "j", "type": "json"},
    "inner": {"from": "o.j", "type": "json"},
    "either": {"from": "te", "type": "timestamp", "unit": ["us", "s"]},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}


NULL_VALUES = ["N/A", "-", "NaN", "0", -1, 0.1, "100", "1e-9", "20261122", "0000-00-00 00:00:00"]
"""What means that there is no value, where a feed says so."""

PLAIN_FIELDS = {name: field for name, field in FIELDS.items() if field["type"] != "json"}
"""Without the columns for which every record goes through msgspec too."""


def feed(fields: dict[str, dict[str, object]] = FIELDS, **more: object) -> Feed:
    """A feed with *fields*."""
    source = {"kind": "http", "base_url": "https://api.example.com", "path": "/trades"}
    return Feed.model_validate({"name": "made_up", "source": source, "fields": fields, **more})


def parser(described: Feed, *, fetched_at_ms: int | None = None) -> BlockParser:
    """A parser of *described*, for the hour of these tests."""
    return BlockParser(LakeSchema.of(described, window=WINDOW), fetched_at_ms=fetched_at_ms)


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
    """The rows of *batch*, times and dates as integers in their unit."""
    plain = [
        array.cast(pa.int64())
        if pa.types.is_timestamp(array.type)
        else array.cast(pa.int32())
        if pa.types.is_date32(array.type)
        else array
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
FORMATTED = written(
    st.sampled_from(["2026112205", "2026112299", "20261122", "20260230", "2026112205.0", "-5"])
) | st.sampled_from(
    ["22/11/2026 05:30:00.5", "29/03/2026 02:30:00.0", "22/11/2026 5:3:0.1234567890",
     "22/11/2026 05:30:00.123456789", "2026-11-22", "2026-11-22T05:30", "2026-03-29T02:30",
     "2026-10-25 02:30:00", "2026-11-22T05:30Z", "2026-11-22T00:00:00Z", "2026-326", "9999-12-31"]
).map(json.dumps)  # fmt: skip
EDGES = [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**38, -1, 0]


def iso_times(max_digits: int) -> st.SearchStrategy[str]:
    """Texts that are times, or nearly, with at most *max_digits* of a second's fraction."""
    near = st.from_regex(
        r"(2026-11-22|0000-01-01|0001-01-01|9999-12-31|2026-02-30|2262-04-11|1677-09-21)"
        rf"([T ](05|23|24)(:(30|60)(:(59|60)(\.[0-9]{{1,{max_digits}}})?)?)?"
        r"(Z|z|[+-]0[02]:?(00|30|60)?)?)?",
        fullmatch=True,
    )
    return (near | st.datetimes().map(str)).map(json.dumps)


def instants(per_second: int) -> st.SearchStrategy[str]:
    inside = st.integers(START_MS * per_second // 1000, WINDOW.end_ms * per_second // 1000 - 1)
    anywhere = st.integers(-(2**64), 2**64) | st.sampled_from([*EDGES, START_MS, START_MS // 1000])
    return written((inside | inside | anywhere).map(str))


NULLS = written(
    st.sampled_from(
        ["0", "-0", "0.0", "-1", "-1.0", "-10e-1", "0.1", "100", "1e2", "1E-9", "20261122"]
    )
) | st.sampled_from(["N/A", "-", "NaN", "n/a", "0000-00-00 00:00:00", "-0", "+100"]).map(json.dumps)
ANY_NUMBER = written(NUMBERS) | written(NINES) | ODD_NUMBERS | BLANKS
NOT_UTF8 = st.sampled_from(['"\udcff"', '"\udced\udca0\udc80"', '["\udcc0\udc80"]'])
ODD = BLANKS | SCALARS | VALUES | NOT_UTF8
MEMBERS: dict[str, st.SearchStrategy[str]] = {
    "i": written(st.integers(-(2**65), 2**65).map(str)) | written(NUMBERS) | BLANKS,
    "d": written(st.decimals(-(10**8), 10**8, places=2).map(str)) | ANY_NUMBER,
    "D": ANY_NUMBER,
    "s": SCALARS | NOT_UTF8,
    "b": st.sampled_from(["true", "false", "null"])
    | written(st.sampled_from(["1", "0", "-0", "1.0", "2"]))
    | st.sampled_from(["True", "FALSE", "yes", ""]).map(json.dumps)
    | ODD,
    "ts": instants(1),
    "tu": instants(10**6),
    "tn": instants(10**9),
    "te": instants(1) | instants(10**6) | st.sampled_from(["0", '"0"', "null"]),
    "tf": written(NUMBERS) | instants(1) | written(st.decimals(0, 2**33, places=9).map(str)),
    "ti": iso_times(10) | ODD,
    "tm": iso_times(6) | ODD,
    "tx": instants(1000) | written(st.decimals(0, 2**43, places=6).map(str)),
    "tl": FORMATTED | iso_times(10) | ODD,
    "tg": FORMATTED | ODD,
    "th": FORMATTED | ODD,
    "td": FORMATTED | iso_times(3) | ODD,
    "te8": FORMATTED | ODD,
    "f": ANY_NUMBER | written(st.floats(allow_nan=False, allow_infinity=False).map(repr)),
    "j": VALUES,
    "t": instants(1000),
    "unknown": ODD,
}


MEMBERS = {
    name: texts if name in ("j", "unknown") else texts | NULLS for name, texts in MEMBERS.items()
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


def on_one_line(text: str) -> str:
    """*text* without line breaks."""
    return text.replace("\n", " ")  # white space: in strings it is always escaped


RECORDS = objects().map(on_one_line)
ANY_RECORDS = RECORDS | json_texts.RECORDS.map(on_one_line)
