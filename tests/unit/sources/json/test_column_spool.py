"""Parallel arrays become records: the first values of all, the second ones, and so on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.json import column_spool
from tests.support.json_pages import read, reading
from tests.support.json_texts import CHUNK_SIZES, SPACES, VALUES, exact, joined


def table(rows: int) -> st.SearchStrategy[dict[str, list[str]]]:
    values = st.lists(VALUES, min_size=rows, max_size=rows)
    names = st.text(max_size=3) | st.sampled_from(["%b", "%", "a.b"])
    return st.dictionaries(names, values, min_size=1, max_size=4)


@given(columns=st.integers(0, 5).flatmap(table), other=VALUES, space=SPACES, sizes=CHUNK_SIZES)
@example(columns={"t": ["1"] * 9, "%b": ['"a,b"'] * 9}, other="1", space="", sizes=[5])
def test_parallel_arrays_are_zipped(columns, other, space, sizes):
    """Every value as it was written, whatever stands beside the arrays."""
    texts = [f"{json.dumps(n)}:{joined('[', values, ']', space)}" for n, values in columns.items()]
    body = f'{{"data":{{{",".join(texts)}}},"other":{other}}}'.encode()
    found = read(body, sizes=sizes, records="data", shape="columns")
    rows = zip(*(map(exact, values) for values in columns.values()), strict=True)
    assert [exact(text) for text in found] == [dict(zip(columns, row, strict=True)) for row in rows]


def test_the_digits_of_a_column_are_kept(monkeypatch):
    """1.10 is not 1.1, also where a block of the file ends in the middle of it."""
    monkeypatch.setattr(column_spool, "_READ_BYTES", 1)
    values = [f"{n}.10" for n in range(3_000)]
    body = f'{{"s":"ok","t":[{",".join(values)}],"o":[{", ".join(values)}]}}'.encode()
    found = read(body, records="$", shape="columns")
    assert found == [f'{{"t":{value},"o":{value}}}' for value in values]


def test_the_feed_may_name_the_arrays_to_read():
    """Others are passed over, and one that may be missing may be."""
    options: dict[str, Any] = {"records": "$", "shape": "columns", "columns": ["t", "o", "v?"]}
    assert read(b'{"t":[1],"errors":[],"o":[2]}', **options) == ['{"t":1,"o":2}']
    with pytest.raises(MalformedPageError, match="no columns at '\\$': there is no array 'o'"):
        read(b'{"t":[1],"errors":[]}', **options)


@pytest.mark.parametrize("sizes", [[1], [1 << 20]], ids=["bytes", "whole"])
def test_arrays_of_different_lengths_are_refused(sizes):
    """Nobody knows which value is missing; the message says where."""
    page = reading(b'{"t":[1,2],"o":[3,4],"c":[5]}', sizes=sizes, records="$", shape="columns")
    with pytest.raises(MalformedPageError, match="'t' has 2 values, and 'c' 1"):
        list(page)


def test_an_array_that_comes_twice_is_refused():
    """As of any records."""
    with pytest.raises(SourceRefusedError, match="two arrays of values at 't'"):
        read(b'{"t":[1],"t":[2]}', records="$", shape="columns")


def test_no_arrays_are_no_records_only_where_the_feed_says_so():
    """TradingView's ``{"s": "no_data"}``; null says it by itself."""
    options: dict[str, Any] = {"shape": "columns", "records": "data"}
    assert read(b'{"data":null}', **options) == []
    assert read(b'{"data":{"s":"no_data"}}', no_records=["missing"], **options) == []
    with pytest.raises(SourceRefusedError, match="no array of values at 'data'"):
        read(b'{"data":{"s":"no_data"}}', **options)


def test_more_arrays_than_a_table_has_columns_are_refused():
    """Each of them has a buffer while they are read."""
    arrays = ",".join(f'"{n}":[1]' for n in range(column_spool.MAX_COLUMNS + 1))
    with pytest.raises(MalformedPageError, match="more than 1000 arrays of values; name those"):
        read(f"{{{arrays}}}".encode(), records="$", shape="columns")
