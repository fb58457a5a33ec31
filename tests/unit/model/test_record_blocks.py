"""Records in blocks: each once, in their order, of little text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import BLOCK_BYTES, as_blocks, in_blocks

SIZES = st.sampled_from([1, 60, 70_000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])


@given(st.lists(SIZES), st.integers(0, 3))
def test_every_record_is_in_one_block_of_little_text(sizes, many):
    """Or alone, where it is longer by itself."""
    records = [Record(b"7" * size) for size in [*sizes, *[2] * (many * 999)]]
    blocks = list(in_blocks(records))
    assert [record for block in blocks for record in block] == records
    for block in blocks:
        assert block
        assert len(block) == 1 or sum(len(bytes(record)) for record in block) <= BLOCK_BYTES


def test_a_long_record_is_passed_on_before_the_next_one_is_read():
    """Two of them are never held at once."""
    read = 0

    def records():
        nonlocal read
        for _ in range(3):
            read += 1
            yield Record(b"7" * BLOCK_BYTES)

    assert [read for _ in in_blocks(records())] == [1, 2, 3]


def test_what_came_before_an_error_comes_before_it():
    """A page that breaks gives its records, and is read again behind them."""

    def broken():
        yield Record(b"1")
        yield Record(b"2")
        raise ConnectionError("broken")

    blocks = in_blocks(broken())
    assert next(blocks) == [Record(b"1"), Record(b"2")]
    with pytest.raises(ConnectionError):
        next(blocks)


def test_a_long_text_is_a_block_for_each_record():
    """A short one is one block."""
    records = [Record(b"1"), Record(b"2")]
    assert as_blocks(records, text_bytes=BLOCK_BYTES) == [records]
    assert as_blocks(records, text_bytes=BLOCK_BYTES + 1) == [[Record(b"1")], [Record(b"2")]]
