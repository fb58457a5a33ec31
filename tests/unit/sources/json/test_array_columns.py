"""Values of arrays have the feed's names, or their positions for names; none is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import SourceRefusedError
from include.ticklake.model.record import Record
from include.ticklake.sources.json.array_columns import ArrayColumns
from tests.support.json_pages import read, reading
from tests.support.json_texts import CHUNK_SIZES, VALUES, exact

COLUMNS = ["t", "price", "size?"]


def as_object(text: str, columns: list[str] = COLUMNS) -> str:
    [record] = ArrayColumns(columns).as_objects([Record(text.encode())])
    return bytes(record).decode()


@pytest.mark.parametrize(
    ("record", "named"),
    [
        pytest.param("[1,2,3]", '{"t":1,"price":2,"size":3}', id="as many as names"),
        pytest.param("[1,2]", '{"t":1,"price":2}', id="without an optional value"),
        pytest.param("[1,2,3,4,[5]]",
                     '{"t":1,"price":2,"size":3,"column_4":4,"column_5":[5]}', id="grown"),
        pytest.param("[1]", "[1]", id="shrunk"),
        pytest.param("[]", "[]", id="empty"),
        pytest.param('{"t":1}', '{"t":1}', id="an object"),
        pytest.param('"x"', '"x"', id="a text"),
        pytest.param("null", "null", id="null"),
    ],
)  # fmt: skip
def test_an_array_becomes_an_object(record, named):
    """Unless it lacks a value, as nobody knows which one."""
    assert as_object(record) == named


def test_a_thousand_values_without_a_name_are_kept():
    """However much an array grew."""
    names = list(json.loads(as_object(json.dumps(list(range(2_003))))))
    assert names[3:5] + names[-1:] == ["column_4", "column_5", "column_2003"]


@given(st.lists(VALUES, min_size=2, max_size=8), st.integers(1, 8))
def test_what_was_staged_under_fewer_names_has_all_of_them_now(values, known):
    """Whatever part of the names was known when it was staged, also none."""
    now = [f"n{position}" for position in range(1, 9)]
    columns = ArrayColumns([now[0], *(f"{name}?" for name in now[1:])])
    array = f"[{','.join(values)}]"
    staged = [array, as_object(array, [f"{name}?" for name in now[:known]])]
    for record in staged:
        assert columns.may_need_names(f"{record},\n".encode()) or record == staged[1]
        named = columns.staged(record.encode())
        assert exact(named) == dict(zip(now, map(exact, values), strict=False))


@pytest.mark.parametrize(
    "record",
    [
        pytest.param('{"t":1,"column_2":5,"column_2":6}', id="a name twice"),
        pytest.param('{"price":1,"column_2":5}', id="a name that is taken"),
        pytest.param('{"t":1, "column_2":5}', id="another spelling"),
        pytest.param('{"t":1,"x":{"column_2":5}}', id="inside a value"),
        pytest.param('{"t":1,"column_4":5}', id="a position without a name"),
        pytest.param('{"t":1,"column_2":', id="broken"),
        pytest.param("[1,2", id="a broken array"),
        pytest.param("[" * 5_000, id="too deep"),
    ],
)
def test_an_object_that_was_no_array_stays_as_it_is(record):
    """It is the source's own, and means what it says."""
    assert ArrayColumns(COLUMNS).staged(record.encode()) == record.encode()


@pytest.mark.parametrize(
    ("columns", "record", "problem"),
    [
        pytest.param(["a", "b"], "[1]",
                     "the record is an array of 1 values, and source.columns has 2 names",
                     id="shrunk"),
        pytest.param(COLUMNS, "[]",
                     "the record is an array of 0 values, and source.columns has 3 names, "
                     "1 of them optional", id="with optional names"),
        pytest.param(COLUMNS, "[1,2]", None, id="long enough"),
        pytest.param(COLUMNS, '{"a":1}', None, id="an object"),
        pytest.param(COLUMNS, "[1", None, id="broken"),
    ],
)  # fmt: skip
def test_an_array_that_shrank_is_named_with_both_lengths(columns, record, problem):
    """The reason for which it is refused."""
    assert ArrayColumns(columns).misfit(record.encode()) == problem


def test_the_names_of_unnamed_values_are_counted_over_all_records():
    """One record of a page is enough."""
    columns = ArrayColumns(["t"])
    list(columns.as_objects([Record(text) for text in (b"[1]", b"[1,2,3]", b"[1,2]")]))
    assert list(columns.unnamed) == ["column_2", "column_3"]


def test_the_last_object_of_the_latest_records_is_known():
    """Where paging goes on from, if the last record cannot be read."""
    columns = ArrayColumns(["t", "p"])
    assert columns.last_object is None
    for texts, last in (([b"[1,2]", b"[3,4]", b"[5]"], b'{"t":3,"p":4}'), ([b"[5]"], None)):
        list(columns.as_objects([Record(text) for text in texts]))
        assert (columns.last_object and bytes(columns.last_object)) == last


def test_an_array_of_a_million_values_stays_one_and_says_why():
    """A name for each of them would take ten times their text."""
    columns = ArrayColumns(COLUMNS)
    text = b"[" + b",".join([b"1"] * 1_000_000) + b"]"
    [record] = columns.as_objects([Record(text)])
    assert bytes(record) == text
    assert columns.misfit(text) == "the record is an array of more than 100000 values"
    assert list(columns.unnamed) == []
    nested = b"[1,2,%b]" % text
    assert columns.misfit(nested) is None
    assert as_object(nested.decode()).startswith('{"t":1,"price":2,"size":[1,1,')


@given(rows=st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=5), sizes=CHUNK_SIZES)
def test_the_first_row_names_the_values_of_the_others(rows, sizes):
    """It is no record itself."""
    texts = ['["t","a.b"]', *(f"[{','.join(row)}]" for row in rows)]
    body = f'{{"data":[{",".join(texts)}]}}'.encode()
    found = read(body, sizes=sizes, records="data", columns="first_row")
    assert [exact(text) for text in found] == [
        dict(zip(["t", "a.b"], map(exact, row), strict=True)) for row in rows
    ]


def test_each_array_has_a_first_row_of_its_own():
    """An array without any row has none; a row that is short stays one."""
    body = b'{"a":[["x"],[1],[]],"b":[["y","z"],[2,3]],"c":[]}'
    page = reading(body, records="*", columns="first_row")
    assert [bytes(record) for record in page] == [b'{"x":1}', b"[]", b'{"y":2,"z":3}']


@pytest.mark.parametrize(
    "row", ["[1,2]", "[]", '["a","a"]', '["a?"]', '{"a":1}', "5", '["a",null]']
)
def test_a_first_row_that_is_no_names_is_refused(row):
    """Then the records begin at once, or are something else."""
    with pytest.raises(SourceRefusedError, match="the first row at '\\$' is not the names"):
        read(f"[{row},[1]]".encode(), columns="first_row")


def test_one_name_is_that_of_plain_values_too():
    """``["BTCUSDT", "ETHUSDT"]`` with ``columns: [symbol]``."""
    assert read(b'["BTCUSDT", 5]', columns=["symbol"]) == ['{"symbol":"BTCUSDT"}', '{"symbol":5}']
    assert read(b'[["a"],{"b":1}]', columns=["symbol"]) == ['{"symbol":"a"}', '{"b":1}']
    assert read(b'["a"]', columns=["symbol", "b?"]) == ['"a"']
