"""Streams over objects read as files do."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.lake.object_streams import RangeReader, SkippingReader, behind, resuming


def test_a_range_reader_reads_as_a_file_does():
    """From any place, to the end, and nothing beyond it."""
    body = bytes(range(100))
    reads: list[tuple[int, int]] = []

    def read_range(start: int, length: int) -> bytes:
        reads.append((start, length))
        return body[start : start + length]

    reader = RangeReader(read_range, len(body))
    assert reader.read(10) == body[:10]
    assert reader.seek(-5, 2) == 95
    assert reader.read(50) == body[95:]
    assert reader.read(50) == b""
    reader.seek(50)
    assert reader.readall() == body[50:]
    assert reads == [(0, 10), (95, 5), (50, 50)]


@given(
    body=st.binary(max_size=300),
    ranges=st.lists(st.tuples(st.integers(0, 320), st.integers(0, 320)), max_size=8),
)
def test_a_server_without_ranges_is_read_all_the_same(body, ranges):
    """Forwards, backwards and beyond the end."""
    reader = SkippingReader(lambda: io.BufferedReader(io.BytesIO(body)))
    for start, length in ranges:
        assert reader.read_range(start, length) == body[start : start + length]


def test_a_stream_that_fails_goes_on_where_it_was():
    """Again and again, as long as it gets on."""
    body = bytes(range(256)) * 4096 * 10

    def from_offset(offset: int) -> Iterator[bytes]:
        yield body[offset : offset + 1024**2]
        if offset + 1024**2 < len(body):
            raise ConnectionError

    chunks = resuming(from_offset(0), from_offset, on=ConnectionError)
    assert b"".join(chunks) == body


def test_a_stream_that_gets_nowhere_raises():
    """With what it was stopped by."""

    def from_offset(_: int) -> Iterator[bytes]:
        yield b"x"
        raise ConnectionError("reset")

    with pytest.raises(ConnectionError, match="reset"):
        list(resuming(from_offset(0), from_offset, on=ConnectionError))


@given(body=st.binary(max_size=40), size=st.integers(1, 20), offset=st.integers(0, 50))
def test_the_rest_of_a_whole_answer_begins_at_its_offset(body, size, offset):
    """However it is cut into chunks."""
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert b"".join(behind(chunks, offset)) == body[offset:]
