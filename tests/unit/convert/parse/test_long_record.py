"""A long record means what a short one does, and takes little more memory than its text."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.long_record import LONG_BYTES, names_read, parse_long
from include.ticklake.lake.table_schema import columns
from include.ticklake.model.sizes import KIB
from include.ticklake.types.values import InvalidValueError
from tests.support.staged_factory import feed

COLUMNS = columns(
    feed(
        {
            "number": {"from": "n", "type": "int64"},
            "note": {"from": "s", "type": "string"},
            "deep": {"from": "o.p.q", "type": "string"},
            "first": {"from": "l.0.q", "type": "string"},
            "second": {"from": "l.1.0", "type": "int64"},
            "all": {"from": "j", "type": "json"},
            "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
        }
    )
)
READ = names_read(COLUMNS)
TEXT = b'{"z":"'
NAMES = st.sampled_from(["n", "s", "o", "p", "q", "l", "0", "t", "j", r"\u006e", r"\u006F", "é"])
TEXTS = st.sampled_from(["", "a", "é€", r"\n", r"\ud83d\ude00", r"\ud83d", r"\\", '\\"', "[{", "}"])
SCALARS = st.sampled_from(["1", "-1.50", "1e-5", "true", "false", "null"]) | TEXTS.map(
    '"{}"'.format
)
VALUES = st.recursive(
    SCALARS,
    lambda inside: (
        st.lists(inside, max_size=3).map(lambda values: f"[{', '.join(values)}]")
        | st.lists(st.tuples(NAMES, inside), max_size=4).map(
            lambda members: "{" + ", ".join(f'"{n}" :{v}' for n, v in members) + "}"
        )
    ),
    max_leaves=15,
)
RECORDS = st.lists(st.tuples(NAMES, VALUES), max_size=6).map(
    lambda members: "{" + ",".join(f'"{n}":{v}' for n, v in members) + "}"
)


def outcome(record: bytes, *, as_long: bool) -> object:
    """The row of *record*, or why it is refused."""
    try:
        parsed = parse_long(record, READ) if as_long else record_parser.parse(record)
        scalars = tuple(column for column in COLUMNS if not column.field_type.is_raw_json)
        return record_parser.row(record, scalars, raw={}, fetched_at_ms=None, parsed=parsed)
    except InvalidValueError as error:
        return str(error)


@given(RECORDS | VALUES)
def test_a_long_record_is_read_as_a_short_one(text):
    """The same row, or the same reason, whatever the names and values are."""
    assert outcome(text.encode(), as_long=True) == outcome(text.encode(), as_long=False)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param(b'{"t":1' + b" " * LONG_BYTES, "not JSON: ", id="ends early"),
        pytest.param(b'{"t":NaN' + b" " * LONG_BYTES + b"}", "not JSON: ", id="not a number"),
        pytest.param(b'{"t":1,"z":[1,]}', "not JSON: ", id="a comma too many"),
        pytest.param(TEXT + b"a" * LONG_BYTES + b'\xff"}', f"byte {LONG_BYTES + 6}", id="UTF-8"),
        pytest.param(TEXT + "é".encode() * LONG_BYTES + b'\xc3"}', f"byte {2 * LONG_BYTES + 6}",
                     id="UTF-8 between two steps"),
    ],
)  # fmt: skip
def test_a_long_record_that_is_not_json_is_refused(record, reason):
    """With the place, where it is not UTF-8."""
    with pytest.raises(InvalidValueError, match=reason):
        parse_long(record, READ)


@pytest.mark.parametrize("token", ["a", r"\n", r"\ud83d\ude00", "é", r"\u00e9"])
def test_a_long_text_is_kept_whole(token):
    """Escaped or not."""
    text = f'{{"s":"{token * LONG_BYTES}","t":1}}'
    assert parse_long(text.encode(), READ)["s"] == json.loads(text)["s"]


def test_half_of_a_pair_in_a_long_text_is_refused_as_in_a_short_one():
    """Its beginning is shown."""
    record = f'{{"s":"{"a" * LONG_BYTES}{chr(92)}ud83d","t":1795323600000}}'.encode()
    assert outcome(record, as_long=True) == outcome(record, as_long=False)


MANY = 250_000
HOSTILE = {
    "numbers": "[" + ",".join(["1"] * MANY) + "]",
    "exponents": "[" + ",".join(["1e-5"] * MANY) + "]",
    "names": "{" + ",".join(f'"{number:x}":1' for number in range(MANY // 2)) + "}",
    "one name": "{" + ",".join(['"n":1'] * MANY) + "}",
    "objects": "[" + ",".join(['{"a":1}'] * MANY) + "]",
    "arrays": "[" + ",".join(["[[]]"] * MANY) + "]",
    "escapes": '"' + r"\n" * MANY + '"',
    "pairs": '"' + r"\ud83d\ude00" * (MANY // 2) + '"',
    "halves": '"' + r"\ud83d" * MANY + '"',
}


@pytest.mark.parametrize("name", ["s", "z"])
@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_many_values_take_a_small_multiple_of_their_text(value, name):
    """A record of many numbers, keys or escapes takes at most three times its bytes."""
    record = f'{{"t":1795323600000,"{name}":{value}}}'.encode()
    tracemalloc.start()
    try:
        outcome(record, as_long=True)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3 * len(record) + 128 * KIB
