"""Every line is one value, as it was written, wherever chunks end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.text.json_lines import JsonLines
from tests.unit.sources.text.test_csv_rows import SIZES, pieces


def read(text: bytes, sizes=(), *, max_record_bytes: int = 1500) -> list[bytes]:
    lines = JsonLines(pieces(text, sizes), max_record_bytes=max_record_bytes)
    records = [bytes(record) for record in lines]
    assert lines.body_bytes == len(text)
    return records


@given(
    rows=st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3))),
    sizes=SIZES,
    end=st.sampled_from(["\n", "\r\n", "\n\n", " \n"]),
    has_last=st.booleans(),
)
def test_each_line_is_a_record(rows, sizes, end, has_last):
    """Its text is the source's own."""
    written = [json.dumps(row) for row in rows]
    text = end.join(written) + (end if has_last else "")
    assert read(text.encode(), sizes) == [line.encode() for line in written]


def test_numbers_keep_every_digit():
    """Nothing is decoded."""
    assert read(b'{"p":1.50000000000000000000000001e-30}\n') == [
        b'{"p":1.50000000000000000000000001e-30}'
    ]


def test_what_is_not_json_but_written_by_servers_is_read():
    """As in arrays: NaN becomes a text."""
    assert read(b'{"p":NaN}\n') == [b'{"p":"NaN"}']


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param(b'{"a":1},{"b":2}', "line 2 is not one JSON value", id="two"),
        pytest.param(b'{"a":1', "line 2 is not one JSON value", id="cut"),
        pytest.param(b'{"a":"\xff"}', "invalid UTF-8 in line 2", id="utf-8"),
        pytest.param(b'{"a":\r1}', "line 2 has a carriage return", id="return"),
        pytest.param(b"[" * 600 + b"]" * 600, "line 2 is nested too deep", id="deep"),
        pytest.param(b'"%b"' % (b"x" * 2000), "line 2 is longer than", id="long"),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_a_line_that_is_no_value_is_refused_with_its_number(line, problem, size):
    """Wherever chunks end."""
    text = b'{"a":0}\n' + line + b'\n{"b":2}\n'
    with pytest.raises(MalformedPageError, match=problem):
        read(text, [size] * (len(text) // size))
