"""What is JSON is read and what is not is refused, in the shapes of suites that test parsers."""

from __future__ import annotations

import json

import pytest

from include.ticklake.model.nesting import MAX_LEVELS
from tests.support.json_blocks import START_MS, block, feed, one_by_one, parser, values

FIELDS = {
    "text": {"from": "s", "type": "string"},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}

VALID = [
    "[]", "{}", "[ ]", "{ }", "[[]]", '[{"a":[]}]', "[1,null,true]", '{"a":{"b":{}}}', '{"":0}',
    '{"a":1,"a":2}', '{"a":"b","a":"b"}', "0", "-0", "-1", "1.5", "1E22", "1e-2", "1E+2", "0e1",
    "123.456e78", "-123123123123123123123123123123", "0." + "0" * 70 + "1", "1e400", "1e-400",
    '""', '"\\u0000"', '"\\u0012"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\uD834\\uDd1e"', '"\\ud800"',
    '"\\uDBFF\\uDFFF"', '"\\uDC00\\uD800"', '"\\ud83d\\u0020"', '"\x7f"', '"€"', '"\U0010ffff"',
    '"\u2028"', '"\ufeff"', '"[,{:}]"', '"a"', " 1 ", "\t[\r1 ]\t", "true", "false", "null",
    "[" * (MAX_LEVELS - 1) + "]" * (MAX_LEVELS - 1),
]  # fmt: skip
INVALID = [
    "", ",", "[", "]", "{", "}", "[1", "[1,]", "[,1]", "[1,,2]", "[,]", "[1 2]", "[1]]", "[1}",
    '{"a"}', '{"a":}', '{"a" 1}', '{"a":1,}', '{,"a":1}', '{"a":1,,"b":2}', '{"a":1 "b":2}',
    "{1:1}", "{a:1}", "{'a':1}", '{"a"::1}', '{"a":1]', "{[]:1}", '{null:1}', '{"a":/*c*/1}',
    "+1", ".5", "5.", "-", "-a", "01", "-01", "0x1", "1e", "1e+", "1.e1", "1.2.3", "1_0", "1 000",
    "--1", "-.5", "2.e3", "0e", "1eE2", "NaN", "-NaN", "Infinity", "-Infinity", "inf", "tru",
    "trueX", "nul", "nulll", "True", "fals", "'a'", '"', '"a', '"\\"', '"\\a"', '"\\x00"', '"\\u"',
    '"\\u00"', '"\\u00g0"', '"\\uD834\\u"', '"\\\t"', '"\t"', '"\x1f"', '"\x00"', '"a"b', "\x00",
    "\x0b1", "\u00a01", "\ufeff1", "\x0c[]", "1,2:", "[1]x", "\udcff", '"\udcff"', '"\udcc0\udcaf"',
    '"\udced\udca0\udc80"', '"\udcf4\udcbf\udcbf\udcbf"', '"\udce2\udc82"', '"\udcf8\udc88"',
    "[" * MAX_LEVELS + "]" * MAX_LEVELS, "[" * 100_000, '{"":' * 100_000,
]  # fmt: skip


def shown(text: str) -> str:
    """*text* as the name of a test."""
    return json.dumps(text)[:24]


@pytest.mark.parametrize("text", VALID, ids=map(shown, VALID))
def test_what_is_json_is_read_where_nobody_reads_it(text):
    """Not even Python must look at the record."""
    records = [f'{{"z":{text},"t":{START_MS},"s":"a"}}', f'{{"s":"a","t":{START_MS},"z":{text}}}']
    reader = parser(feed(FIELDS))
    rows = reader.read_block(block(records))
    assert rows is not None
    assert (values(rows), []) == one_by_one(feed(FIELDS), records)


@pytest.mark.parametrize("text", INVALID, ids=map(shown, INVALID))
@pytest.mark.parametrize("name", ["z", "s", "t"])
def test_what_is_not_json_is_refused_alone(text, name):
    """Whether a column reads it or not; the records around it are rows."""
    good, time = f'{{"s":"a","t":{START_MS}}}', "" if name == "t" else f',"t":{START_MS}'
    records = [good, f'{{"{name}":{text}{time}}}', good]
    (run,) = parser(feed(FIELDS)).parse(block(records))
    assert values(run.rows) == [["a", START_MS]] * 2
    assert [one.reason for one in run.refused] == one_by_one(feed(FIELDS), records)[1]
    assert len(run.refused) == 1


@pytest.mark.parametrize("text", [t for t in INVALID if not t.startswith("\udcff")], ids=shown)
def test_what_is_no_record_is_refused(text):
    """As a whole line."""
    if text.endswith(","):
        text += " "
    (run,) = parser(feed(FIELDS)).parse(block([text, f'{{"t":{START_MS}}}']))
    assert (run.rows.num_rows, len(run.refused)) == (1, 1)
