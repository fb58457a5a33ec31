"""Packed text is the same again wherever chunks end, and what is cut or damaged is an error."""

from __future__ import annotations

import bz2
import gzip
import tracemalloc
from collections.abc import Callable

import pytest
from backports import zstd
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.files.packed_streams import CHUNK_BYTES, unpack_streams
from tests.unit.sources.text.test_csv_rows import SIZES, pieces

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda text: gzip.compress(text, mtime=0),
    "bzip2": bz2.compress,
    "zstd": zstd.compress,
}
each = pytest.mark.parametrize("compression", PACK)


def unpacked(packed: bytes, compression: str, sizes=()) -> bytes:
    return b"".join(unpack_streams(pieces(packed, sizes), compression=compression))


@each
@given(texts=st.lists(st.binary(max_size=200), min_size=1, max_size=4), sizes=SIZES)
@example(texts=[b"x" * 300_000, b""], sizes=[7, 7])
def test_streams_are_unpacked_wherever_chunks_end(compression, texts, sizes):
    """Also several, one after the other."""
    packed = b"".join(map(PACK[compression], texts))
    assert unpacked(packed, compression, sizes) == b"".join(texts)


@each
@given(data=st.data())
def test_a_cut_is_an_error_wherever_it_is(compression, data):
    """No beginning of a file is taken for the whole."""
    packed = PACK[compression](b"id,price\n1,2.50\n" * 20)
    at = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(MalformedPageError, match="ends early"):
        unpacked(packed[:at], compression)


@each
def test_what_follows_the_data_is_an_error(compression):
    """But for zeros, which fill up blocks."""
    packed = PACK[compression](b"text")
    assert unpacked(packed + b"\0" * 600, compression, [len(packed) + 100]) == b"text"
    with pytest.raises(MalformedPageError, match=f"its {compression} data is damaged"):
        unpacked(packed + b"garbage, and more of it", compression)


@each
def test_a_bomb_takes_the_memory_of_a_block(compression):
    """However much a chunk of it unpacks to."""
    packed = PACK[compression](b"\0" * 100_000_000)
    tracemalloc.start()
    try:
        blocks = unpack_streams([packed], compression=compression)
        largest = max(len(block) for block, _ in zip(blocks, range(100), strict=False))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert largest <= CHUNK_BYTES
    assert peak_bytes < 40 * CHUNK_BYTES


def test_a_window_that_takes_much_memory_is_refused():
    """What zstd looks back to is in memory; the file is not damaged, so no attempt helps."""
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.checksum_flag: 1}
    compressor = zstd.ZstdCompressor(options=options)
    packed = compressor.compress(b"text") + compressor.flush()
    with pytest.raises(SourceRefusedError, match=r"looks back further than 33554432 bytes"):
        unpacked(packed, "zstd")
