"""An array is split in bounded memory: nothing that a source sends takes the process."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import msgspec
import pytest

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.json.array_splitter import split_array, split_whole_array
from include.ticklake.sources.json.block_cutter import Body
from tests.support.json_pages import MIB, read, reading
from tests.support.json_texts import chunks


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param(b"[" + b"[" * 10_000 + b"]" * 10_001, "$", id="records"),
        pytest.param(b"[" + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"]", "$", id="objects"),
        pytest.param(b"[" * 100_000, "$", id="without end"),
        pytest.param(b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "data", id="before"),
        pytest.param(b'{"data":[],"x":' + b'{"a":' * 10_000 + b"1", "data", id="after"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [[1_000], [1 << 20]], ids=["chunks", "whole"])
def test_deep_nesting_is_refused(body, path, sizes):
    """Ten thousand levels end in a message, in the records or beside them."""
    with pytest.raises(MalformedPageError, match=r"nested|inside its records"):
        read(body, sizes=sizes, records=path)


@pytest.mark.parametrize("neighbours", [0, 600], ids=["alone", "among flat ones"])
def test_the_deepest_record_is_a_number_of_ours(neighbours):
    """On every Python 500 levels are read, and one more is refused."""
    flat = [b'{"a":1}'] * neighbours
    deepest = b"[" * 500 + b"]" * 500
    assert len(read(b"[" + b",".join([*flat, deepest, *flat]) + b"]", records="$")) == (
        2 * neighbours + 1
    )
    with pytest.raises(MalformedPageError, match="more than 500 levels"):
        read(b"[" + b",".join([*flat, b"[" + deepest + b"]", *flat]) + b"]", records="$")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"9" * 5_000, id="an integer of 5,000 digits"),
        pytest.param(b"-" + b"9" * 5_000, id="a negative one"),
        pytest.param(b"1" * 9_000 + b".5", id="a decimal of 9,000 digits"),
        pytest.param(b"1e99999999999999999999", id="an exponent beyond all numbers"),
        pytest.param(b'"\xed\xa0\x80"', id="a surrogate in UTF-8"),
        pytest.param(b'"\xf4\x90\x80\x80"', id="a character beyond Unicode"),
    ],
)
@pytest.mark.parametrize("sizes", [[1], [50], [1 << 20]], ids=str)
def test_an_odd_value_beside_the_records_does_not_crash_the_process(value, sizes):
    """It is refused with its byte, before or after the records."""
    for body in (b'{"x":%b,"data":[{}]}' % value, b'{"data":[{}],"x":%b}' % value):
        with pytest.raises(MalformedPageError, match="near byte"):
            read(body, sizes=sizes, records="data")


@pytest.mark.parametrize("sizes", [[10], [100], [4_096], [1 << 20]], ids=str)
def test_a_record_beyond_the_limit_is_refused(sizes):
    """However the chunks fall, whether it is the first, the last or one among others."""
    small, long = b'{"a":1}', b'{"a":"%b"}' % (b"x" * 993)
    for rows in ([long], [small, long], [long, small], [small] * 50 + [long] + [small] * 50):
        body = b"[" + b",".join(rows) + b"]"
        assert len(read(body, sizes=sizes, max_record_bytes=1_001)) == len(rows)
        with pytest.raises(MalformedPageError, match=r"longer than limits.max_record_bytes: 1000"):
            read(body, sizes=sizes, max_record_bytes=1_000)


@pytest.mark.parametrize("sizes", [[7], [64], [300], [997]], ids=str)
def test_records_below_the_limit_are_never_called_too_long(sizes):
    """Several records that wait together are not one long one."""
    rows = [b'{"a":"%b"}' % (b"x" * n) for n in (550, 20, 880, 5, 700, 700, 990, 1)]
    assert len(read(b"[" + b",".join(rows) + b"]", sizes=sizes, max_record_bytes=1_000)) == 8


def endless(start: bytes, piece: bytes, *, limit: int = 10_000) -> Iterator[bytes]:
    yield start
    for _ in range(limit):
        yield piece


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(endless(b'[{"a":"', b"x" * 65_536), id="a string without end"),
        pytest.param(endless(b'[{"a":"', b'\\"},{' * 10_000), id="one full of brackets"),
        pytest.param(endless(b'[{"a":[', b"1," * 30_000), id="an array without end"),
        pytest.param(endless(b'{"x":"', b"x" * 65_536), id="a string before the records"),
        pytest.param(endless(b'{"x', b"x" * 65_536), id="a name before the records"),
        pytest.param(endless(b"", b" " * 65_536), id="white space"),
        pytest.param(endless(b'{"x":0.', b"0" * 65_536), id="a number before the records"),
    ],
)
def test_a_value_without_end_is_refused_in_bounded_memory(body):
    """What cannot be given out is not gathered beyond the limit."""
    tracemalloc.start()
    try:
        with pytest.raises(MalformedPageError, match=r"max_record_bytes|digits|1048576"):
            for _ in reading(body, max_record_bytes=MIB // 2):
                pass
        assert tracemalloc.get_traced_memory()[1] < 12 * MIB
    finally:
        tracemalloc.stop()


def test_a_string_of_ten_megabytes_is_refused_by_the_default_limit_and_read_by_a_larger():
    """One field of 10 MB costs a small multiple of itself, not more."""
    body = b'[{"a":1},{"a":"' + b"x" * 10_000_000 + b'"},{"a":2}]'
    with pytest.raises(MalformedPageError, match="max_record_bytes: 8388608"):
        read(body, max_record_bytes=8 * MIB)
    tracemalloc.start()
    try:
        lengths = [len(memoryview(record)) for record in reading(body, max_record_bytes=16 * MIB)]
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    assert lengths == [7, 10_000_008, 7]


def rows_body(rows: int) -> Iterator[bytes]:
    row = b',{"a":26129,"p":"0.01633102","q":"4.70443515","T":1498793709153,"m":true}'
    yield b'[{"a":0}'
    yield from (row * 800 for _ in range(rows // 800))
    yield b"]"


def test_memory_does_not_grow_with_the_page():
    """A page of ten times the records takes no more than a page of few."""

    def peak_bytes(rows: int) -> int:
        tracemalloc.start()
        try:
            assert sum(1 for _ in reading(rows_body(rows))) == rows + 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak_bytes(160_000) < 1.1 * peak_bytes(16_000)


def split(inside: bytes, *, sizes: list[int], max_record_bytes: int = MIB) -> tuple[list, bytes]:
    """The elements of an array that has just been opened, and the remainder."""
    body = Body(chunks(inside, sizes))
    lists = split_array(body, next(iter(body)), max_record_bytes=max_record_bytes)
    elements: list[bytes] = []
    while True:
        try:
            elements += [bytes(element) for element in next(lists)]
        except StopIteration as end:
            return elements, end.value + b"".join(body)


@pytest.mark.parametrize("sizes", [[1], [3], [1 << 20]], ids=str)
@pytest.mark.parametrize(
    ("inside", "elements"),
    [
        pytest.param(b'{"a":1},{"a":2}]', [b'{"a":1}', b'{"a":2}'], id="objects"),
        pytest.param(b"[1,2], [3]]", [b"[1,2]", b"[3]"], id="arrays"),
        pytest.param(b'{"a":"]},{"}]', [b'{"a":"]},{"}'], id="brackets in a text"),
        pytest.param(b'{"a":[{"b":1},{"b":2}]}]', [b'{"a":[{"b":1},{"b":2}]}'], id="nested"),
        pytest.param(b"  ]", [], id="empty"),
        pytest.param(b'{"a":\n1}]', [b'{"a":1}'], id="a line break"),
    ],
)
def test_an_array_is_split_wherever_its_chunks_end(inside, elements, sizes):
    """What follows the closing bracket is returned with it."""
    assert split(inside + b',"next":1}', sizes=sizes) == (elements, b'],"next":1}')


def test_a_whole_array_is_split_at_once():
    """Elements as they are written; other values are not an array."""
    assert [bytes(value) for value in split_whole_array(b'[1.10, "x"]')] == [b"1.10", b'"x"']
    with pytest.raises(msgspec.ValidationError):
        split_whole_array(b'{"a": 1}')
