"""A number is read in one way, whoever reads it: one record, a block of them, a query's row."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.block_parser import BlockParser
from include.ticklake.convert.parse.blocks import Block
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import table_schema
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model import times
from include.ticklake.sources.sql.rows import RowEncoder, columns
from include.ticklake.types.values import InvalidValueError
from tests.support.feed_texts import feed

REFUSED = "refused"
TYPES = ("int64", "decimal(38,18)", "double")
AT_MS = 1_795_323_600_000

TEXTS: dict[str, tuple[Any, Any, Any]] = {
    # text: as int64, as decimal(38,18), as double
    "7": (7, Decimal(7), 7.0),
    "-8": (-8, Decimal(-8), -8.0),
    "+1": (1, Decimal(1), 1.0),
    "007": (7, Decimal(7), 7.0),
    "0": (0, Decimal(0), 0.0),
    "-0": (0, Decimal(0), 0.0),
    "-0.0": (0, Decimal(0), 0.0),
    "7.00": (7, Decimal(7), 7.0),
    "1.": (1, Decimal(1), 1.0),
    ".5": (REFUSED, Decimal("0.5"), 0.5),
    "0.1": (REFUSED, Decimal("0.1"), 0.1),
    "-.25": (REFUSED, Decimal("-0.25"), -0.25),
    "1e3": (1000, Decimal(1000), 1000.0),
    "1E+3": (1000, Decimal(1000), 1000.0),
    "1.25e2": (125, Decimal(125), 125.0),
    "1e-3": (REFUSED, Decimal("0.001"), 0.001),
    "123456789012345678e-18": (REFUSED, Decimal("0.123456789012345678"), 0.12345678901234568),
    "9223372036854775807": (2**63 - 1, Decimal(2**63 - 1), float(2**63)),
    "9223372036854775808": (REFUSED, Decimal(2**63), float(2**63)),
    "-9223372036854775808": (-(2**63), Decimal(-(2**63)), -float(2**63)),
    "99999999999999999999": (REFUSED, Decimal(10**20 - 1), 1e20),
    "100000000000000000000": (REFUSED, REFUSED, 1e20),
    "0.1234567890123456789": (REFUSED, REFUSED, 0.12345678901234568),
    "1e-400": (REFUSED, REFUSED, 0.0),
    "1e400": (REFUSED, REFUSED, REFUSED),
    "-1e400": (REFUSED, REFUSED, REFUSED),
    "1e99999999999999999999": (REFUSED, REFUSED, REFUSED),
    "": (None, None, None),
}

NOT_NUMBERS = (
    " 1", "1 ", "1\n", "\t1", "1\u00a0", "1_000", "1,000", "1,5", "1 000", "0x10", "0b1", "1e",
    "e5", "1e5.0", ".", "-", "+", "--1", "+-1", "1-", "1.2.3", "\uff11", "\u0661", "1\u0662",
    "\u22121", "NaN", "nan", "Infinity", "-inf", "1e-", "null", "none", "true", "1f", "1L", "$1",
    "1%", "(1)",
)  # fmt: skip
TEXTS |= dict.fromkeys(NOT_NUMBERS, (REFUSED, REFUSED, REFUSED))


def is_json_number(text: str) -> bool:
    """Whether *text* is a number of JSON as it is."""
    try:
        value = json.loads(text, parse_constant=str, parse_int=str, parse_float=float)
    except ValueError:
        return False
    return text == text.strip() and text not in ("true", "null") and not isinstance(value, bool)


def described(kind: str) -> Feed:
    at = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
    return feed(fields={"n": {"type": kind}, "at": at})


def alone(value: str, kind: str) -> Any:
    """What one record's value is: the definition."""
    record = f'{{"n":{value},"t":{AT_MS}}}'.encode()
    found = table_schema.columns(described(kind))
    try:
        return record_parser.row(record, found, raw={}, fetched_at_ms=None)[0]
    except InvalidValueError:
        return REFUSED


def in_a_block(value: str, kind: str) -> Any:
    """What it is among others."""
    parser = BlockParser(LakeSchema.of(described(kind)))
    text = f'{{"n":{value},"t":{AT_MS}}},\n'.encode() * 40
    runs = list(parser.parse(Block(part="part", offset=1, text=text, rows=40)))
    found = {number for run in runs for number in run.rows.column("n").to_pylist()}
    refused = sum(len(run.refused) for run in runs)
    assert refused in (0, 40)
    assert len(found) == (0 if refused else 1)
    return REFUSED if refused else found.pop()


def selected(value: object, kind: str) -> Any:
    """What a query's value is, once it is a record."""
    encoder = RowEncoder(described(kind), columns(described(kind), ["n", "t"]))
    (record,) = encoder.encode([(value, AT_MS)])
    written = bytes(record).decode().removeprefix('{"n":').removesuffix(f',"t":{AT_MS}}}')
    return alone(written, kind)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("text", TEXTS, ids=[json.dumps(text) for text in TEXTS])
def test_a_number_is_the_same_everywhere(text, kind):
    """As text, and as a JSON number where it is one."""
    expected = TEXTS[text][TYPES.index(kind)]
    written = [json.dumps(text), *([text] if is_json_number(text) else [])]
    for value in written:
        assert same(alone(value, kind), expected)
        assert same(in_a_block(value, kind), expected)
    assert same(selected(text, kind), expected)


def same(found: Any, expected: Any) -> bool:
    """Whether they are equal, of one type, and both are refused or neither."""
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize("text", TEXTS, ids=[json.dumps(text) for text in TEXTS])
def test_a_number_of_a_time_is_the_same_number(text):
    """Times have the same grammar: a text that is none for a column is none for a time."""
    assert times.is_number(text) is (text not in NOT_NUMBERS and text != "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, (7, Decimal(7), 7.0)),
        (2**63, (REFUSED, Decimal(2**63), float(2**63))),
        (Decimal("0.10"), (REFUSED, Decimal("0.1"), 0.1)),
        (Decimal("7.00"), (7, Decimal(7), 7.0)),
        (Decimal("1E+3"), (1000, Decimal(1000), 1000.0)),
        (Decimal("-0"), (0, Decimal(0), 0.0)),
        (Decimal("NaN"), (REFUSED,) * 3),
        (0.1, (REFUSED, Decimal("0.1"), 0.1)),
        (1e22, (REFUSED, REFUSED, 1e22)),
        (float("inf"), (REFUSED,) * 3),
        (True, (REFUSED,) * 3),
        (None, (None, None, None)),
    ],
)
def test_a_number_of_a_query_keeps_every_digit(value, expected):
    """Of whatever type the driver gives."""
    assert all(
        same(selected(value, kind), each) for kind, each in zip(TYPES, expected, strict=True)
    )
