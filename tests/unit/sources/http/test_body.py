"""A body streams through the memory of a chunk, and is never taken for a whole one if it is not."""

from __future__ import annotations

import gzip
import json
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from include.ticklake.errors import (
    MalformedPageError,
    SourceRefusedError,
)
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest
from tests.support.http_requests import LIMITS, MIB, QUICK, read
from tests.support.servers.raw import RawServer, ok

TEXT = json.dumps([{"n": n, "text": "é" * (n % 50)} for n in range(5_000)]).encode()


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        pytest.param(None, lambda data: data, id="plain"),
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("x-gzip", gzip.compress, id="x-gzip"),
        pytest.param("gzip", lambda data: gzip.compress(data[:99]) + gzip.compress(data[99:]),
                     id="gzip in two members"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param("deflate", raw_deflate, id="raw deflate"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_body_is_unpacked_as_it_streams(http_server, session, encoding, pack, chunked):
    """With its length or in chunks of any size."""
    packed = pack(TEXT)
    pieces = [packed[at : at + 777] for at in range(0, len(packed), 777)]
    headers = {"Content-Encoding": encoding} if encoding else {}
    http_server.answer("/x", pieces if chunked else packed, headers=headers)
    assert read(f"{http_server.url}/x", session) == TEXT


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([ok("Content-Length: 100"), b"[1,2"], id="shorter than its length"),
        pytest.param([ok("Transfer-Encoding: chunked"), b"4\r\n[1,2\r\n"], id="no last chunk"),
        pytest.param([ok("Transfer-Encoding: chunked"), b"64\r\n[1,2"], id="a cut chunk"),
        pytest.param([ok("Transfer-Encoding: chunked"), b"4\r\n[1,2\r\nxyz\r\n"], id="no length"),
    ],
)  # fmt: skip
def test_a_body_that_breaks_off_is_never_taken_for_a_whole_one(session, sent):
    """The message has the byte after which nothing came."""
    with (
        RawServer(*sent) as server,
        pytest.raises(MalformedPageError, match=r"ended early after byte \d+:"),
    ):
        read(f"{server.url}/x", session)


@pytest.mark.parametrize("cut_after_bytes", [1, 5_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_cut_connection_is_noticed(http_server, session, cut_after_bytes, chunked):
    """In the middle of a body with its length, and of a chunked one."""
    body = [TEXT[:3_000], TEXT[3_000:]] if chunked else TEXT
    http_server.answer("/x", body, cut_after_bytes=cut_after_bytes)
    with pytest.raises(MalformedPageError, match=f"ended early after byte {cut_after_bytes}: "):
        read(f"{http_server.url}/x", session)


def test_silence_in_a_body_ends_at_the_read_timeout(http_server, session):
    """A source that stalls holds no task."""
    go_on = threading.Event()

    def stalling() -> Iterator[bytes]:
        yield b"[1,"
        go_on.wait(30)

    http_server.answer("/x", stalling())
    try:
        with pytest.raises(
            MalformedPageError, match=r"byte 3: nothing came for limits.read_timeout_s: 1"
        ):
            read(f"{http_server.url}/x", session, limits=QUICK)
    finally:
        go_on.set()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        pytest.param(ok("Content-Length: 1000000000"), b" ", id="length"),
        pytest.param(ok("Transfer-Encoding: chunked"), b"1\r\n \r\n", id="chunks"),
        pytest.param(ok("Transfer-Encoding: chunked") + b"FFFFFF\r\n", b" ", id="one long chunk"),
        pytest.param(ok(), b" ", id="until it closes"),
        pytest.param(ok("Content-Encoding: gzip") + gzip.compress(TEXT)[:2_000], b"",
                     id="packed"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 400])
def test_a_body_that_comes_drop_by_drop_ends_at_the_page_timeout(session, head, drop, status):
    """A byte now and then keeps no task busy for weeks, nor does the body of an error."""
    done = threading.Event()

    def dripping() -> Iterator[bytes]:
        while not done.wait(0.02):
            yield drop or b"\x00"

    limits = Limits(read_timeout_s=5, page_timeout_s=1)
    began_s = time.monotonic()
    head = head.replace(b"200 OK", b"%d OK" % status)
    with RawServer(head, then=dripping()) as server:
        with pytest.raises(MalformedPageError if status == 200 else SourceRefusedError) as wrong:
            read(f"{server.url}/x", session, limits=limits)
        done.set()
    assert time.monotonic() - began_s < 30
    assert "page_timeout_s: 1" in str(wrong.value) or "DecodeError" in str(wrong.value) or (
        "HTTP 400 (" in str(wrong.value)
    )  # fmt: skip


def test_a_page_beyond_the_limit_is_refused(http_server, session):
    """Counted as it comes out, not as it came in."""
    http_server.answer("/x", gzip.compress(b" " * (3 * MIB)), headers={"Content-Encoding": "gzip"})
    limits = Limits(max_page_bytes=2 * MIB)
    with pytest.raises(MalformedPageError, match=r"longer than limits.max_page_bytes: 2097152"):
        read(f"{http_server.url}/x", session, limits=limits)
    assert len(read(f"{http_server.url}/x", session)) == 3 * MIB


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param("gzip, gzip", lambda data: gzip.compress(gzip.compress(data)), id="twice"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_bomb_bursts_in_bounded_memory(http_server, session, encoding, pack, chunked):
    """Thirty megabytes of nothing, packed a thousandfold, are never held at once."""
    packed = pack(b" " * (30 * MIB))
    http_server.answer(
        "/x", [packed] if chunked else packed, headers={"Content-Encoding": encoding}
    )
    request = HttpRequest(url=f"{http_server.url}/x")
    limits = Limits(max_page_bytes=20 * MIB)
    tracemalloc.start()
    try:
        with (
            transport.send(request, session=session, limits=limits) as response,
            pytest.raises(MalformedPageError, match="max_page_bytes"),
        ):
            for _ in response.chunks:
                pass
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


def test_a_body_of_any_size_takes_the_memory_of_a_chunk(http_server, session):
    """What was read is let go."""
    http_server.answer("/x", (b" " * 100_000 for _ in range(500)))
    request = HttpRequest(url=f"{http_server.url}/x")
    tracemalloc.start()
    try:
        with transport.send(request, session=session, limits=LIMITS) as response:
            assert sum(map(len, response.chunks)) == 50_000_000
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()


def test_a_body_that_is_not_read_to_its_end_lets_the_connection_go(http_server, session):
    """The next request does not find the rest of the last one."""
    http_server.answer("/endless", (b" " * 100_000 for _ in range(10**6)))
    http_server.answer("/x", b"[1]")
    request = HttpRequest(url=f"{http_server.url}/endless")
    with transport.send(request, session=session, limits=LIMITS) as response:
        next(response.chunks)
    assert read(f"{http_server.url}/x", session) == b"[1]"
