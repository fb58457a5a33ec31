"""A plan has every name that is read, and what stands for no value."""

from __future__ import annotations

from include.ticklake.kernel.reading_plan import ReadingPlan
from include.ticklake.lake.table_schema import LakeSchema
from tests.support.json_blocks import START_MS, block, feed, parser, values

AT = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}


def plan(fields: dict[str, dict[str, object]], **more: object) -> ReadingPlan:
    """The plan of a feed with *fields*."""
    return ReadingPlan(LakeSchema.of(feed({**fields, "at": AT}, **more)).columns)


def test_names_inside_of_one_object_lie_side_by_side():
    """The record is the first node."""
    fields = {name: {"from": name, "type": "int64"} for name in ("o.a", "b", "o.c", "o.p.d")}
    found = plan({name.replace(".", "_"): field for name, field in fields.items()}).plan
    names = [found.nodes[number].name.bytes for number in range(found.node_count)]
    assert names == [b"", b"o", b"b", b"t", b"a", b"c", b"p", b"d"]
    record, inside = found.nodes[0], found.nodes[1]
    assert (record.first_child, record.children) == (1, 3)
    assert (inside.first_child, inside.children, inside.column) == (4, 3, -1)
    assert found.nodes[6].first_child == 7


def test_positions_come_first_in_the_order_of_an_array():
    """Names behind them: an array that is met then has none of those."""
    fields = {name: {"from": f"b.{name[1:]}", "type": "int64"} for name in ("p10", "px", "p2")}
    found = plan(fields).plan
    inside = [found.nodes[number] for number in range(3, 6)]
    assert [(node.name.bytes, node.position) for node in inside] == [
        (b"2", 2),
        (b"10", 10),
        (b"x", -1),
    ]


def test_numbers_that_are_null_are_compared_by_value():
    """However they are written; one of more digits than the kernel holds is left to Python."""
    nulls = ["-1.50", "0.0", "1" * 20, "x"]
    column = plan({"n": {"type": "int64"}}, null_values=nulls).plan.columns[0]
    found = [column.null_number[number] for number in range(column.null_numbers)]
    assert [(n.digits, n.exponent, n.is_negative) for n in found] == [(15, -1, 1), (0, 0, 0)]
    assert column.null_text[0].bytes == b""


def test_the_first_text_that_is_null_is_the_empty_one_or_comes_twice():
    """The kernel takes a single one for the empty text."""
    column = plan({"n": {"type": "bool", "null_values": ["?"]}}).plan.columns[0]
    assert column.null_texts == 2
    assert plan({"n": {"type": "int64"}}).plan.columns[0].null_texts == 1


def test_a_name_that_json_must_escape_is_found_where_it_is_escaped():
    """Its bytes stand in no text."""
    described = feed({"quoted": {"from": 'a"b', "type": "int64"}, "at": AT})
    records = [rf'{{"a\"b":1,"t":{START_MS}}}', f'{{"a"b":1,"t":{START_MS}}}']
    (run,) = parser(described).parse(block(records))
    assert (values(run.rows), len(run.refused)) == ([[1, START_MS]], 1)
