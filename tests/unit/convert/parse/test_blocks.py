"""A part comes out as blocks of whole records with their places, or as an error that names one."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.convert.parse.blocks import Block, cut_blocks
from include.ticklake.convert.parse.largest_record import LargestRecordReporter
from include.ticklake.errors import CorruptPartError
from include.ticklake.lake.manifest import Part

KEY = "json/made_up/part-00000.json.gz"


def packed(text: bytes) -> bytes:
    """*text* as a part is stored."""
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(text) + packer.flush()


def part_of(stored: bytes, *, rows: int) -> Part:
    """What a manifest says of *stored*."""
    return Part(
        key=KEY,
        rows=rows,
        json_bytes=0,
        gzip_bytes=len(stored),
        sha256=hashlib.sha256(stored).hexdigest(),
        first_event_ns=None,
        last_event_ns=None,
    )


def cut(
    stored: bytes,
    *,
    rows: int,
    block_bytes: int = 64 * 1024,
    max_record_bytes: int = 2**20,
    largest: LargestRecordReporter | None = None,
) -> list[Block]:
    """The blocks of *stored*."""
    part = part_of(stored, rows=rows)
    stream = io.BytesIO(stored)
    return list(
        cut_blocks(
            part,
            stream,
            block_bytes=block_bytes,
            max_record_bytes=max_record_bytes,
            largest=largest,
        )
    )


def staged(records: list[bytes]) -> bytes:
    """The text of a part with *records*."""
    return b"[" + b",\n".join(records) + b"\n]\n"


RECORDS = st.lists(
    st.builds(
        lambda letter, length: b'"' + letter.encode() * length + b'"',
        st.sampled_from("a,]["),
        st.integers(0, 60_000),
    ),
    min_size=1,
    max_size=12,
)


@given(records=RECORDS, block_bytes=st.integers(1, 200_000))
def test_every_record_comes_out_once_at_its_place(records, block_bytes):
    """Whatever the sizes: the records are whole, in order, and lie where their offset says."""
    text = staged(records)
    found = cut(packed(text), rows=len(records), block_bytes=block_bytes)
    placed = [pair for block in found for pair in block.records()]
    assert [record for _, record in placed] == records
    assert all(text[offset : offset + len(record)] == record for offset, record in placed)
    assert [block.rows for block in found] == [len(list(block.records())) for block in found]


def test_blocks_are_about_as_long_as_asked_for():
    """Small records make blocks of the budget, at most one record and an eighth above it."""
    records = [b'{"n":%d}' % n for n in range(50_000)]
    found = cut(packed(staged(records)), rows=len(records), block_bytes=128 * 1024)
    assert len(found) > 3
    assert all(128 * 1024 - 20 <= len(block.text) <= 144 * 1024 + 20 for block in found[:-1])


def test_a_longer_record_makes_a_longer_block():
    """A record beyond the block's budget comes out whole."""
    records = [b"1", b'"' + b"x" * 500_000 + b'"', b"2"]
    found = cut(packed(staged(records)), rows=3, block_bytes=64 * 1024)
    assert [record for block in found for _, record in block.records()] == records


def test_a_part_of_several_gzip_members_is_one_text():
    """Whoever appends to a gzip file writes another member: that is still gzip."""
    text = staged([b'{"a":1}', b'{"a":2}'])
    stored = packed(text[:9]) + packed(b"") + packed(text[9:])
    assert gzip.decompress(stored) == text
    assert sum(block.rows for block in cut(stored, rows=2)) == 2


@pytest.mark.parametrize(
    ("text", "rows", "said"),
    [
        (b'{"a":1}\n]\n', 1, "byte 0 of its text: it does not begin with '['"),
        (b"", 0, "byte 0 of its text: it does not begin with '['"),
        (b'[{"a":1},\n', 1, "byte 10 of its text: it ends without ']'"),
        (b'[{"a":1},\n{"a"', 2, "byte 14 of its text: it ends without ']'"),
        (b'[{"a":1}]', 1, "byte 9 of its text: it ends without ']'"),
        (b'[{"a":1}\n]\n', 2, "byte 11 of its text: it has 1 records, not 2"),
        (b'[{"a":1},\n{"a":1}\n]\n', 1, "byte 20 of its text: it has 2 records, not 1"),
        (b'["' + b"x" * 700_000 + b'"\n]\n', 1, "no record ends within the allowed length"),
    ],
)
def test_a_part_that_is_not_what_was_staged_is_an_error(text, rows, said):
    """The error names the part and the offset in its text."""
    with pytest.raises(CorruptPartError) as broken:
        cut(packed(text), rows=rows, max_record_bytes=500_000)
    assert str(broken.value).startswith(KEY)
    assert said in str(broken.value)


def test_a_line_without_its_comma_is_an_error():
    """Two records between which the comma was lost are not taken for records."""
    (block,) = cut(packed(b'[{"a":1}\n{"a":2}\n]\n'), rows=2)
    with pytest.raises(CorruptPartError, match="at byte 8 of its text: a comma is missing"):
        list(block.records())


@pytest.mark.parametrize("number", [0, 1], ids=["the first", "a later one"])
def test_a_record_s_growth_is_shown_while_it_is_read(number):
    """With its place, before it is held as a whole: the kernel may have ended us by then."""
    told = []
    records = [b'{"a":1}', b'{"a":1}', b'{"a":2}']
    records[number] = b'{"a":"' + b"x" * 90_000 + b'"}'
    cut(
        packed(staged(records)),
        rows=3,
        block_bytes=16 * 1024,
        largest=LargestRecordReporter(told.append),
    )
    sizes = [one["largest_record_bytes"] for one in told]
    assert sizes == sorted(sizes)
    assert sizes[0] < 60_000 < sizes[-1]
    place = staged(records).index(records[number])
    assert {one["largest_record_at"] for one in told} == {f"byte {place} of {KEY}"}


def test_every_cut_of_a_part_is_an_error():
    """However many bytes are left of an object, it is not taken for a smaller part."""
    stored = packed(staged([b'{"a":%d}' % n for n in range(200)]))
    part = part_of(stored, rows=200)
    for length in range(len(stored)):
        stream = io.BytesIO(stored[:length])
        with pytest.raises(CorruptPartError):
            list(cut_blocks(part, stream, block_bytes=512, max_record_bytes=512))


def test_every_changed_byte_of_a_part_is_an_error():
    """A bit that flipped since the part was staged does not go unnoticed."""
    stored = packed(staged([b'{"a":%d}' % n for n in range(200)]))
    part = part_of(stored, rows=200)
    for place in random.Random(7).sample(range(len(stored)), 100):
        changed = bytearray(stored)
        changed[place] ^= 1
        with pytest.raises(CorruptPartError):
            list(cut_blocks(part, io.BytesIO(changed), block_bytes=512, max_record_bytes=512))


def test_a_text_that_unpacks_to_more_than_a_record_may_have_is_held_back():
    """Megabytes of spaces in kilobytes of gzip are an error, not megabytes in memory."""
    packer = zlib.compressobj(1, wbits=31)
    stored = packer.compress(b"[") + b"".join(packer.compress(b" " * 2**20) for _ in range(64))
    stored += packer.flush()
    with pytest.raises(CorruptPartError, match="no record ends within the allowed length"):
        cut(stored, rows=1)


def test_a_line_that_is_longer_than_a_block_is_a_block_of_its_own():
    """Nothing is copied to take it apart, whatever is beside it."""
    some = random.Random(3)
    short = [b'{"n":%d}' % some.randrange(10**6) for _ in range(30_000)]
    long = b'{"n":"%b"}' % bytes(some.choices(b"abcdefghij", k=400_000))
    lines = [*short[:10_000], long, *short[10_000:10_003], long, long, *short[10_003:], long]
    text = b"[" + b",\n".join(lines) + b"\n]\n"
    blocks = cut(packed(text), rows=len(lines))
    assert b"".join(block.text for block in blocks) == text[1:-2]
    assert [record for block in blocks for _, record in block.records()] == lines
    for block in blocks:
        assert block.text.count(b"\n") == block.rows
        assert (len(long) in map(len, block.text.split(b",\n"))) <= (block.rows == 1)
