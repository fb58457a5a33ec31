"""Blocks read at once mean what their records mean one by one; a bad record costs only itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.convert.parse.block_parser import RUN_ROWS, BlockParser
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.lake.table_schema import LakeSchema
from tests.support import json_texts
from tests.support.json_blocks import (
    ANY_RECORDS,
    FIELDS,
    PLAIN_FIELDS,
    RECORDS,
    START_MS,
    WINDOW,
    block,
    feed,
    on_one_line,
    one_by_one,
    parser,
    values,
)
from tests.support.json_texts import exact


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
    """Wherever it stands, the kernel leaves it to Python, and its neighbours are rows."""
    good = f'{{"t":{START_MS}}}'
    records = [good] * before + [line] + [good] * after
    reader = parser(described)
    assert reader.read_block(block(records)) is None
    (run,) = reader.parse(block(records))
    assert run.rows.num_rows == before + after
    (refused,) = run.refused
    assert refused.offset == 1 + before * (len(good) + 2)
    assert refused.record == line.encode()


def test_a_line_null_is_no_row_of_a_snapshot():
    """It is no record without values, and nothing must be there in this one."""
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
    """What becomes of a record does not depend on its neighbours."""
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
    assert len(runs) == 1


@pytest.mark.parametrize("number", [0, 1, 2], ids=["the first", "one between", "the last"])
@pytest.mark.parametrize("text", [f'{{"s":"as long as this","t":{START_MS}}}', '{"i":"as long"'])
def test_the_longest_of_a_block_s_records_is_reported_before_it_is_read(number, text):
    """With its exact length and place, whether it is a row or refused."""
    told = []
    records = ['{"i":1}'] * 3
    records[number] = text
    largest = LargestRecordReporter(told.append)
    runs = BlockParser(LakeSchema.of(feed(), window=WINDOW), largest=largest).parse(
        block(records, offset=77)
    )
    next(runs)
    at = f"byte {77 + number * len(records[number - 1] + ',:')} of json/part"
    assert told == [{"largest_record_bytes": len(text), "largest_record_at": at}]


def test_refused_records_come_in_runs():
    """Each holds some text: a block of nothing else is read as its reader goes on."""
    records = ["{}"] * RUN_ROWS + [f'{{"t":{START_MS}}}'] + ["{}"] * 3
    runs = list(parser(feed()).parse(block(records)))
    assert [len(run.refused) for run in runs] == [RUN_ROWS, 3]
    assert [run.rows.num_rows for run in runs] == [0, 1]


@given(st.lists(RECORDS, min_size=1, max_size=3))
def test_what_is_read_at_once_is_what_every_record_means(described, records):
    """Whatever the kernel reads, one value at a time means the same."""
    reader = parser(described)
    for some in (records[:1], records):
        rows = reader.read_block(block(some))
        if rows is not None:
            assert (values(rows), []) == one_by_one(described, some)


@given(st.lists(ANY_RECORDS, min_size=1, max_size=5))
def test_every_record_is_a_row_or_refused(described, records):
    """No record is lost or doubled, and the order is the source's."""
    runs = list(parser(described).parse(block(records)))
    rows, reasons = one_by_one(described, records)
    assert [row for run in runs for row in values(run.rows)] == rows
    assert [one.reason for run in runs for one in run.refused] == reasons


@given(st.lists(st.tuples(json_texts.VALUES, json_texts.SCALARS), min_size=1, max_size=5))
def test_elements_of_arrays_are_read_by_their_position(values_at):
    """As one record at a time means them."""
    fields = {"price": {"from": "b.0.1", "type": "string"}, "kept": {"from": "b.1", "type": "json"}}
    described = feed({**fields, "at": FIELDS["at"]})
    records = [
        on_one_line(f'{{"t":{START_MS},"b":[[0,{price}],{value}]}}') for value, price in values_at
    ]
    runs = list(parser(described).parse(block(records)))
    rows, reasons = one_by_one(described, records)
    assert [row for run in runs for row in values(run.rows)] == rows
    assert [one.reason for run in runs for one in run.refused] == reasons
    assert rows == [
        [exact(price), None if value == "null" else on_one_line(value).strip(), START_MS]
        for value, price in values_at
        if price == "null" or price.startswith('"')
    ]
