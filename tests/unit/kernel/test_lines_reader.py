"""What the kernel reads of a block means what its records mean, or is left to Python."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import FeedFileError
from tests.support import json_texts
from tests.support.json_blocks import (
    FIELDS,
    MEMBERS,
    START_MS,
    block,
    feed,
    on_one_line,
    one_by_one,
    parser,
    values,
)

AT = FIELDS["at"]
LEAVES = json_texts.SCALARS | st.sampled_from(["null", "1", '""', '"x"', "[]", "{}"])


def arrays_and_objects(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts of both, with elements and members from *inside*."""
    members = st.builds('"{}":{}'.format, st.sampled_from("ab01"), inside)
    objects = st.lists(members, max_size=3).map(", ".join).map("{{{}}}".format)
    return st.lists(inside, max_size=3).map(", ".join).map("[{}]".format) | objects


MEMBERS_INSIDE = st.recursive(LEAVES, arrays_and_objects, max_leaves=6)


@pytest.mark.parametrize("name", sorted(MEMBERS))
@given(data=st.data())
def test_a_value_read_at_once_is_what_it_means(name, described, data):
    """Whatever the kernel reads of one member, one value at a time means the same."""
    text = data.draw(MEMBERS[name])
    time = f', "t": {START_MS}' if name != "t" else ""
    reader = parser(described)
    some = [f'{{"{name}":{on_one_line(text)}{time}}}']
    rows = reader.read_block(block(some))
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
    pytest.param('"ti":"2026-11-22T05:00:00.1234567891Z"', id="text finer than a nanosecond"),
    pytest.param('"tx":"1795323600000.1234567"', id="a fraction finer than a nanosecond"),
    pytest.param('"i":1,"\\u0069":2', id="a number twice, once escaped"),
    pytest.param('"o":{"j":1},"o":{"j":2}', id="an object twice"),
    pytest.param('"d":"\u0661"', id="a digit of another script"),
    pytest.param('"d":"1_0"', id="a digit separator that Python takes"),
    pytest.param('"d":" 1"', id="a space before"),
    pytest.param('"b":"yes"', id="truth as text"),
    pytest.param('"b":2', id="truth as number"),
    pytest.param('"s":1', id="number for text"),
]


@pytest.mark.parametrize("member", TRAPS)
def test_a_trap_is_left_to_python(member, described):
    """Other parsers read these as some value, or crash on the way."""
    some = ["{" + member + f', "t":{START_MS}}}']
    rows = parser(described).read_block(block(some))
    assert rows is None or (values(rows), []) == one_by_one(described, some)
    rows_of_all, _ = one_by_one(feed(), some)
    assert not rows_of_all


@pytest.mark.parametrize("text", ["2026-11-22T05:00:00.1234567Z", "2026-11-22 05:00:00.0000001"])
def test_a_time_finer_than_its_column_stops_the_conversion(text, described):
    """Neither way cuts it, and the record is not at fault: the feed is told what to add."""
    some = [f'{{"tm":"{text}", "t":{START_MS}}}']
    reader = parser(described)
    assert reader.read_block(block(some)) is None
    with pytest.raises(FeedFileError, match=r"written_micro: .* add `precision: ns` to the field"):
        list(reader.parse(block(some)))


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
    pytest.param([f'{{"ti":"2026-11-22T05:00:0{n}.500000007Z","tm":"2026-11-22T05:00:0{n}.5Z",'
                  f'"t":{START_MS}}}' for n in range(3)], id="iso"),
    pytest.param([f'{{"s":"é😀","€":{n},"t":{START_MS}}}' for n in range(3)], id="UTF-8"),
    pytest.param([f'{{"b":{text},"t":{START_MS}}}'
                  for text in ("true", '"True"', "1", '"0"', "0.0", '""')], id="truths"),
]  # fmt: skip


@pytest.mark.parametrize("records", GOOD)
def test_a_block_of_good_records_is_read_at_once(records, described):
    """None of its records goes through Python."""
    reader = parser(described)
    rows = reader.read_block(block(records))
    assert rows is not None
    assert (values(rows), []) == one_by_one(described, records)


@given(
    st.sampled_from(["o", "o.a", "o.0", "o.0.1", "o.1.a", "o.2"]),
    st.sampled_from(["o.b", "o.1", "o.1.b", "o.0.0", "o.0"]),
    st.lists(MEMBERS_INSIDE, min_size=1, max_size=4),
    st.sampled_from(["string", "json", "int64"]),
)
def test_paths_lead_into_objects_and_arrays(path, other, values_at, kind):
    """A number is a name in an object and a position in an array; scalars have no members."""
    # What others read inside of must be json, and so must one of two that read the same.
    kinds = (
        ("json" if other.startswith(path) else kind),
        ("json" if path.startswith(f"{other}.") else "string"),
    )
    fields = {"one": {"from": path, "type": kinds[0]}, "other": {"from": other, "type": kinds[1]}}
    described = feed({**fields, "at": AT})
    for value in values_at:
        some = [f'{{"o":{on_one_line(value)},"t":{START_MS}}}']
        rows = parser(described).read_block(block(some))
        assert rows is None or (values(rows), []) == one_by_one(described, some)


def test_elements_are_read_at_once():
    """Short arrays, too, and those of prices inside of them."""
    fields = {
        "best": {"from": "b.0.0", "type": "decimal(9,2)"},
        "third": {"from": "b.2.0", "type": "decimal(9,2)"},
        "second": {"from": "b.1", "type": "json"},
        "named": {"from": "o.0.p", "type": "string"},
    }
    described = feed({**fields, "at": AT})
    records = [
        f'{{"t":{START_MS},"b":[["1.5",2], [3 ,4],["5", "6", []], 7],"o":[{{"p":"x"}},{{}}]}}',
        f'{{"t":{START_MS},"b":[ ],"o":{{"0":{{"p":"y"}}}}}}',
        f'{{"t":{START_MS},"b":[null],"o":null}}',
    ]
    rows = parser(described).read_block(block(records))
    assert rows is not None
    assert (values(rows), []) == one_by_one(described, records)
    assert [row[3] for row in values(rows)] == ["x", "y", None]
