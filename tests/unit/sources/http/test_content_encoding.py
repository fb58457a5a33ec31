"""A packed body comes out whole, or an error says what it is."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.http.content_encoding import ACCEPT_ENCODING, unpack

TEXT = b'[{"id":1},{"id":2}]'
MIB = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def unpacked(body: bytes, encoding: str = "", *, chunk_bytes: int = 65_536) -> bytes:
    chunks = [body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes)]
    return b"".join(unpack(chunks, encoding=encoding))


PACKED = [
    pytest.param(TEXT, "", id="plain"),
    pytest.param(TEXT, "identity", id="identity"),
    pytest.param(TEXT, "UTF-8", id="a charset in the wrong place"),
    pytest.param(gzip.compress(TEXT), "gzip", id="gzip"),
    pytest.param(gzip.compress(TEXT), " X-GZIP ", id="x-gzip"),
    pytest.param(gzip.compress(TEXT), "", id="gzip that is not said"),
    pytest.param(TEXT, "gzip", id="gzip that is not one"),
    pytest.param(TEXT, "deflate", id="deflate that is not one"),
    pytest.param(gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]), "gzip", id="two members"),
    pytest.param(gzip.compress(TEXT[:9]) + b"\0\0" + gzip.compress(TEXT[9:]), "gzip",
                 id="zeros between members"),
    pytest.param(gzip.compress(TEXT) + b"\0" * 999, "gzip", id="zeros at the end"),
    pytest.param(gzip.compress(TEXT) + b"garbage", "gzip", id="garbage at the end"),
    pytest.param(gzip.compress(gzip.compress(TEXT)), "gzip", id="packed twice"),
    pytest.param(gzip.compress(gzip.compress(TEXT)), "gzip, gzip", id="packed twice, and said"),
    pytest.param(zlib.compress(TEXT), "deflate", id="deflate"),
    pytest.param(raw_deflate(TEXT), "deflate", id="raw deflate"),
    pytest.param(gzip.compress(zlib.compress(TEXT)), "deflate, gzip", id="one in the other"),
    pytest.param(zlib.compress(gzip.compress(TEXT)), "gzip, deflate", id="the other in the one"),
    pytest.param(b"", "gzip", id="nothing"),
    pytest.param(b"", "deflate", id="nothing of deflate"),
]  # fmt: skip


@pytest.mark.parametrize("chunk_bytes", [1, 7, 65_536])
@pytest.mark.parametrize(("body", "encoding"), PACKED)
def test_a_body_comes_out_as_it_went_in(body, encoding, chunk_bytes):
    """However it was packed, said, and cut."""
    assert unpacked(body, encoding, chunk_bytes=chunk_bytes) == (TEXT if body else b"")


@given(
    data=st.binary(max_size=200).map(lambda data: b"[" + data),
    packs=st.lists(st.sampled_from([gzip.compress, zlib.compress]), max_size=3),
    chunk_bytes=st.integers(1, 50),
)
def test_any_body_comes_out_of_any_packing(data, packs, chunk_bytes):
    """Up to three layers."""
    body = data
    for pack in packs:
        body = pack(body)
    names = ["gzip" if pack is gzip.compress else "deflate" for pack in packs]
    assert unpacked(body, ", ".join(names), chunk_bytes=chunk_bytes) == data


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(gzip.compress(TEXT)), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (raw_deflate(TEXT), "deflate"),
    ],
    ids=["gzip", "twice", "deflate", "raw deflate"],
)
def test_a_body_that_is_cut_anywhere_is_never_taken_for_a_whole_one(packed, encoding):
    """Not in its last checksum, either."""
    for end in range(2, len(packed)):
        with pytest.raises(MalformedPageError, match=rf"^its {encoding} data ends early"):
            unpacked(packed[:end], encoding)


@pytest.mark.parametrize(
    ("body", "encoding", "reason"),
    [
        pytest.param(b"\x1f\x8b[]", "gzip", "unknown compression method", id="a wrong head"),
        pytest.param(gzip.compress(TEXT)[:-8] + bytes(8), "gzip", "incorrect data check", id="sum"),
        pytest.param(b"\x78\x9c" + bytes(range(99)), "deflate", "invalid stored", id="no deflate"),
    ],
)
def test_a_damaged_body_says_so(body, encoding, reason):
    """It may have been damaged on its way."""
    with pytest.raises(MalformedPageError, match=rf"its {encoding} data is damaged: {reason}"):
        unpacked(body, encoding)


@pytest.mark.parametrize(
    ("body", "encoding", "what"),
    [
        pytest.param(TEXT, "br", "its Content-Encoding is br, which", id="brotli"),
        pytest.param(TEXT, "zstd", "its Content-Encoding is zstd, which", id="zstd"),
        pytest.param(TEXT, "gzip, br", "its Content-Encoding is br, which", id="one of two"),
        pytest.param(TEXT, "gzip, " * 50, "its Content-Encoding is gzip, gzip, g", id="fifty"),
        pytest.param(b"\x28\xb5\x2f\xfd\x04", "", "its body is zstd, which", id="zstd, not said"),
        pytest.param(b"PK\x03\x04", "", "its body is a zip archive", id="an archive"),
        pytest.param(gzip.compress(gzip.compress(gzip.compress(gzip.compress(TEXT)))), "gzip",
                     "its body is packed more than 3 times", id="without end"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_named_and_not_retried(body, encoding, what):
    """In one sentence."""
    with pytest.raises(SourceRefusedError, match=what):
        unpacked(body, encoding)


def test_only_what_is_read_is_asked_for():
    """Whatever packages are installed."""
    for encoding in ACCEPT_ENCODING.split(", "):
        pack = gzip.compress if encoding == "gzip" else zlib.compress
        assert unpacked(pack(TEXT), encoding) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_bursts_in_chunks(encoding):
    """A megabyte in, a gigabyte out, a chunk at a time."""
    packed = (gzip.compress if encoding == "gzip" else zlib.compress)(bytes(50 * MIB))
    tracemalloc.start()
    try:
        sizes = [len(chunk) for chunk in unpack([packed], encoding=encoding)]
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
    assert (sum(sizes), max(sizes)) == (50 * MIB, 65_536)
