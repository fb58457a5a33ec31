"""One request and its body, bounded in time and bytes; whatever breaks has its own words."""

from __future__ import annotations

import gzip
import json
import logging
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import (
    MalformedPageError,
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
    TicklakeError,
    UsageError,
)
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.redaction import redact_url
from tests.support.servers.http import HttpServer, Reply
from tests.support.servers.raw import RawServer

MIB = 1024 * 1024
LIMITS = Limits()
QUICK = Limits(connect_timeout_s=5, read_timeout_s=0.3, page_timeout_s=5)


@pytest.fixture
def session() -> Iterator[transport.HttpSession]:
    with transport.HttpSession() as session:
        yield session


def read(url: str, session: transport.HttpSession, *, limits: Limits = LIMITS, **request) -> bytes:
    """The whole body; the tests' bodies are small."""
    asked = transport.HttpRequest(url=url, **request)
    with transport.get(asked, session=session, limits=limits) as response:
        return b"".join(response.chunks)


# ---- what is asked


def test_a_request_goes_out_as_it_is_described(http_server: HttpServer, session):
    """Parameters, headers and secrets together; nothing of them in any message."""
    http_server.answer("/x", b"[1]")
    read(
        f"{http_server.url}/x",
        session,
        params={"symbol": "BTC USDT", "limit": "1000"},
        headers={"X-Time-Unit": "MICROSECOND"},
        secret_params={"appid": "s3cret"},
        secret_headers={"X-Key": "k3y"},
    )
    [asked] = http_server.asked
    assert asked.params == {"symbol": "BTC USDT", "limit": "1000", "appid": "s3cret"}
    assert asked.headers["x-time-unit"] == "MICROSECOND"
    assert asked.headers["x-key"] == "k3y"
    assert "gzip" in asked.headers["accept-encoding"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("https://a.b/c?x=1&y=2", "https://a.b/c?x=1&y=2", id="nothing secret"),
        pytest.param("https://me:pw@a.b:8/c", "https://a.b:8/c", id="user and password"),
        pytest.param("https://a.b/?apiKey=s&x=1", "https://a.b/?apiKey=***&x=1", id="a key"),
        pytest.param("https://a.b/?TOKEN=s", "https://a.b/?TOKEN=***", id="a token"),
        pytest.param("https://a.b/?X-Amz-Signature=s&X-Amz-Credential=c",
                     "https://a.b/?X-Amz-Signature=***&X-Amz-Credential=***", id="a signed one"),
        pytest.param("https://a.b/?passphrase=s&sessionid=1", "https://a.b/?passphrase=***&sessionid=***",
                     id="a phrase and a session"),
        pytest.param("https://a.b/?x=&key=", "https://a.b/?x=&key=***", id="empty values"),
        pytest.param("https://a.b/c#key=s", "https://a.b/c", id="a fragment"),
    ],
)  # fmt: skip
def test_addresses_are_shown_without_their_secrets(url, shown):
    """Whatever stands where names are that mean a secret."""
    assert redact_url(url) == shown


def test_a_request_shows_no_secret():
    """Neither for people nor in a debugger's line."""
    request = transport.HttpRequest(
        url="https://a.b/c",
        params={"symbol": "X", "api_key": "s3cret"},
        secret_params={"appid": "s3cret"},
        secret_headers={"Authorization": "Bearer s3cret"},
    )
    assert str(request) == "https://a.b/c?symbol=X&api_key=***"
    assert "appid" not in repr(request)


# ---- what is answered


@pytest.mark.parametrize(
    ("status", "headers", "kind", "message"),
    [
        pytest.param(400, {}, SourceRefusedError, "HTTP 400", id="bad request"),
        pytest.param(401, {}, SourceRefusedError, "HTTP 401", id="no access"),
        pytest.param(403, {}, SourceRefusedError, "HTTP 403", id="forbidden"),
        pytest.param(404, {}, SourceRefusedError, "HTTP 404", id="not found"),
        pytest.param(204, {}, SourceRefusedError, "HTTP 204", id="no content"),
        pytest.param(206, {}, SourceRefusedError, "HTTP 206", id="a part of it"),
        pytest.param(301, {}, SourceRefusedError, "HTTP 301", id="a redirect to nowhere"),
        pytest.param(408, {}, SourceUnavailableError, "HTTP 408", id="timeout over there"),
        pytest.param(500, {}, SourceUnavailableError, "HTTP 500", id="broken"),
        pytest.param(502, {}, SourceUnavailableError, "HTTP 502", id="bad gateway"),
        pytest.param(503, {}, SourceUnavailableError, "HTTP 503", id="overloaded"),
        pytest.param(
            503, {"Retry-After": "7"}, RateLimitedError, "retry in 7 s", id="overloaded until"
        ),
        pytest.param(418, {}, RateLimitedError, "retry in 60 s", id="banned"),
        pytest.param(
            418, {"Retry-After": "259200"}, RateLimitedError, "259200 s", id="for three days"
        ),
        pytest.param(429, {}, RateLimitedError, "retry in 60 s", id="too many"),
        pytest.param(429, {"Retry-After": "0"}, RateLimitedError, "retry in 0 s", id="go on"),
        pytest.param(
            429, {"Retry-After": "soon"}, RateLimitedError, "retry in 60 s", id="some time"
        ),
        pytest.param(429, {"Retry-After": "9" * 400}, RateLimitedError, "604800 s", id="for ever"),
    ],
)
def test_a_status_means_one_kind_of_error(http_server, session, status, headers, kind, message):
    """Named by what the caller does about it, with the address."""
    http_server.answer("/x", b"" if status == 204 else b"no", status=status, headers=headers)
    with pytest.raises(kind, match=message) as wrong:
        read(f"{http_server.url}/x", session, params={"symbol": "X", "token": "s3cret"})
    assert f"{http_server.url}/x?symbol=X&token=***" in str(wrong.value)


NOW_S = 1_795_323_600.0


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param(" 0 ", 0, id="none"),
        pytest.param(formatdate(NOW_S + 90, usegmt=True), 90, id="a date"),
        pytest.param(formatdate(NOW_S - 90, usegmt=True), 0, id="a date that has passed"),
        pytest.param("Sun, 22 Nov 2026 05:01:00 -0000", 60, id="a date without zone"),
        pytest.param("Sunday, 22-Nov-26 05:01:00 GMT", 60, id="the oldest form"),
        pytest.param("", 60, id="empty"),
        pytest.param("-5", 60, id="less than nothing"),
        pytest.param("1.5", 60, id="a broken number"),
        pytest.param("\xb2", 60, id="another digit"),
        pytest.param("Mon, 99 Foo 2026", 60, id="no date"),
        pytest.param("Fri, 31 Dec 99999 23:59:59 GMT", 60, id="a year that never comes"),
    ],
)
def test_how_long_to_wait_is_read_from_the_answer(value, wait_s):
    """Seconds or a date; a minute where neither can be read."""
    assert transport.retry_after_s({"Retry-After": value}, now_s=NOW_S) == wait_s


@given(st.text(st.characters(max_codepoint=255), max_size=40))
@example("1, 2 3 4:5:6 7 8")
@example("Mon, 01 Jan 0000 00:00:00 +9999")
def test_any_header_is_a_wait(value):
    """No text in it makes an error of its own."""
    assert transport.retry_after_s({"Retry-After": value}, now_s=NOW_S) >= 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b'{"code":-1121,"msg":"Invalid symbol."}', " (Invalid symbol.)", id="msg"),
        pytest.param(b'{"message":"NotFound"}', " (NotFound)", id="message"),
        pytest.param(b'{"error":"a\\n  b\\u001b[31m"}', " (a b [31m)", id="on one line"),
        pytest.param(json.dumps({"msg": "x" * 999}).encode(), f" ({'x' * 200})", id="cut"),
        pytest.param(b'{"error":{"code":5}}', "", id="no text"),
        pytest.param(b"<html>Forbidden</html>", "", id="a page for people"),
        pytest.param(b'["msg"]', "", id="an array"),
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"\xff\xfe", "", id="no text at all"),
        pytest.param(b"[" * 4_096, "", id="deep"),
        pytest.param(b'{"msg":"' + b"x" * 100_000 + b'"}', "", id="long"),
    ],
)
def test_only_the_short_reason_of_an_error_is_told(http_server, session, body, reason):
    """Never its body, which may be long, hold anything, or be made to break us."""
    http_server.answer("/x", body, status=400)
    with pytest.raises(SourceRefusedError) as wrong:
        read(f"{http_server.url}/x", session)
    assert str(wrong.value).startswith(f"{http_server.url}/x: HTTP 400{reason}; check the feed's")


def test_a_reason_that_comes_in_pieces_is_told_too(http_server, session):
    """A chunked error is one that is read to its end."""
    http_server.answer("/x", [b'{"ms', b'g":"a', b'b"}'], status=400)
    with pytest.raises(SourceRefusedError, match=r"HTTP 400 \(ab\)"):
        read(f"{http_server.url}/x", session)


# ---- redirects


def test_a_redirect_on_the_same_host_is_followed(http_server, session):
    """With the headers, up to three times; parameters are the new address's own."""
    http_server.answer("/x", status=302, headers={"Location": "/y?page=2"})
    http_server.answer("/y", status=307, headers={"Location": f"{http_server.url}/z"})
    http_server.answer("/z", status=301, headers={"Location": "end"})
    http_server.answer("/end", b"[1]")
    body = read(f"{http_server.url}/x", session, params={"a": "1"}, secret_headers={"X-Key": "k"})
    assert body == b"[1]"
    assert [asked.path for asked in http_server.asked] == ["/x", "/y", "/z", "/end"]
    assert [asked.params for asked in http_server.asked] == [{"a": "1"}, {"page": "2"}, {}, {}]
    assert {asked.headers["x-key"] for asked in http_server.asked} == {"k"}


def test_redirects_without_end_are_refused(http_server, session):
    """Four requests, and then a word."""
    http_server.answer("/x", status=302, headers={"Location": "/x"})
    with pytest.raises(SourceRefusedError, match="redirects more than 3 times"):
        read(f"{http_server.url}/x", session)
    assert len(http_server.asked) == 4


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("http://{other}/x?apikey=k3y", id="another port"),
        pytest.param("//{other}/x", id="without a scheme"),
        pytest.param("https://{own}/x", id="another scheme"),
        pytest.param("http://me:pw@{other}/x", id="with a login"),
        pytest.param("http://[", id="no address"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("http://{own}@{other}/", id="a trap for the eye"),
    ],
)
def test_a_redirect_to_another_host_is_refused_and_nothing_sent_there(
    http_server, session, location
):
    """The feed names one host, and so does the message."""
    with HttpServer() as other:
        hosts = {"other": other.url.removeprefix("http://"), "own": http_server.url[7:]}
        http_server.answer("/x", status=302, headers={"Location": location.format(**hosts)})
        with pytest.raises(
            SourceRefusedError, match=r"redirects to .*change source.base_url"
        ) as wrong:
            read(f"{http_server.url}/x", session, secret_headers={"X-Key": "k3y"})
        assert (len(http_server.asked), other.asked) == (1, [])
    assert "pw" not in str(wrong.value).replace("passwd", "")
    assert "k3y" not in str(wrong.value)


def test_the_body_of_a_redirect_is_not_read(http_server, session):
    """It may be of any size, and nobody wants it."""
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        while len(sent) < 10_000:
            sent.append(1)
            yield bytes(100_000)

    http_server.answer("/x", endless(), status=302, headers={"Location": "/y"})
    http_server.answer("/y", b"[1]")
    assert read(f"{http_server.url}/x", session) == b"[1]"
    assert len(sent) < 1_000


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer ours"}], ids=["none", "ours"])
def test_no_login_is_taken_from_the_users_netrc(
    http_server, session, headers, tmp_path, monkeypatch
):
    """Only the feed's own login is sent; requests would put another one over it."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    http_server.answer("/x", b"[]")
    read(f"{http_server.url}/x", session, secret_headers=headers)
    [asked] = http_server.asked
    assert asked.headers.get("authorization") == headers.get("Authorization")


# ---- bodies

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


def test_headers_of_the_answer_come_with_it(http_server, session):
    """By any case, as paging wants them."""
    http_server.answer("/x", b"[]", headers={"CB-AFTER": "17"})
    request = transport.HttpRequest(url=f"{http_server.url}/x")
    with transport.get(request, session=session, limits=LIMITS) as response:
        assert response.headers["cb-after"] == "17"


def ok(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([ok("Content-Length: 100"), b"[1,2"], id="shorter than its length"),
        pytest.param([ok("Transfer-Encoding: chunked"), b"4\r\n[1,2\r\n"], id="no last chunk"),
        pytest.param([ok("Transfer-Encoding: chunked"), b"64\r\n[1,2"], id="a cut chunk"),
        pytest.param([ok("Transfer-Encoding: chunked"), b"4\r\n[1,2\r\nxyz\r\n"], id="no length"),
        pytest.param([ok("Content-Encoding: gzip", "Content-Length: 4"), b"\x1f\x8b[]"],
                     id="not packed as it says"),
        pytest.param([ok("Content-Encoding: gzip"), gzip.compress(TEXT)[:-8] + bytes(8)],
                     id="a wrong checksum"),
        pytest.param([ok("Content-Encoding: deflate"), b"\x78\x9c" + bytes(range(99))],
                     id="no deflate"),
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


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"SSH-2.0-OpenSSH_9.2\r\n"], id="another protocol"),
        pytest.param([ok(*[f"X-{n}: 1" for n in range(200)])], id="more headers than fit"),
        pytest.param([ok("X: " + "x" * 70_000)], id="a header without end"),
    ],
)
def test_what_is_no_answer_is_a_failure_of_the_source(session, sent):
    """It may pass; the message has the address and the kind of failure."""
    with (
        RawServer(*sent) as server,
        pytest.raises(
            SourceUnavailableError, match=f"^{server.url}/x: (ConnectionError|InvalidHeader)"
        ),
    ):
        read(f"{server.url}/x", session)


def test_nobody_listening_is_a_failure_of_the_source(session):
    """As when the source restarts."""
    with RawServer() as server:
        url = server.url
    with pytest.raises(SourceUnavailableError, match=f"^{url}/x: ConnectionError$"):
        read(f"{url}/x", session)


# ---- limits


def test_silence_in_a_body_ends_at_the_read_timeout(http_server, session):
    """A source that stalls holds no task."""
    go_on = threading.Event()

    def stalling() -> Iterator[bytes]:
        yield b"[1,"
        go_on.wait(30)

    http_server.answer("/x", stalling())
    try:
        with pytest.raises(MalformedPageError, match="ended early after byte 3: ReadTimeoutError"):
            read(f"{http_server.url}/x", session, limits=QUICK)
    finally:
        go_on.set()


def test_silence_before_an_answer_ends_at_the_read_timeout(http_server, session):
    """Nothing came at all: the source failed."""
    go_on = threading.Event()

    def stalling(_) -> Reply:
        go_on.wait(30)
        return Reply()

    http_server.answer_by("/x", stalling)
    try:
        with pytest.raises(SourceUnavailableError, match=r"/x: ReadTimeout$"):
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

    limits = Limits(read_timeout_s=5, page_timeout_s=0.2)
    began_s = time.monotonic()
    head = head.replace(b"200 OK", b"%d OK" % status)
    with RawServer(head, then=dripping()) as server:
        with pytest.raises(MalformedPageError if status == 200 else SourceRefusedError) as wrong:
            read(f"{server.url}/x", session, limits=limits)
        done.set()
    assert time.monotonic() - began_s < 4
    assert "page_timeout_s: 0.2" in str(wrong.value) or "DecodeError" in str(wrong.value) or (
        "HTTP 400; check" in str(wrong.value)
    )  # fmt: skip


def test_a_page_beyond_the_limit_is_refused(http_server, session):
    """Counted as it comes out, not as it came in."""
    http_server.answer("/x", gzip.compress(bytes(3 * MIB)), headers={"Content-Encoding": "gzip"})
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
    packed = pack(bytes(30 * MIB))
    http_server.answer(
        "/x", [packed] if chunked else packed, headers={"Content-Encoding": encoding}
    )
    request = transport.HttpRequest(url=f"{http_server.url}/x")
    limits = Limits(max_page_bytes=20 * MIB)
    tracemalloc.start()
    try:
        with (
            transport.get(request, session=session, limits=limits) as response,
            pytest.raises(MalformedPageError, match="max_page_bytes"),
        ):
            for _ in response.chunks:
                pass
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
    finally:
        tracemalloc.stop()


def test_a_body_of_any_size_takes_the_memory_of_a_chunk(http_server, session):
    """What was read is let go."""
    http_server.answer("/x", (bytes(100_000) for _ in range(500)))
    request = transport.HttpRequest(url=f"{http_server.url}/x")
    tracemalloc.start()
    try:
        with transport.get(request, session=session, limits=LIMITS) as response:
            assert sum(map(len, response.chunks)) == 50_000_000
        assert tracemalloc.get_traced_memory()[1] < 2 * MIB
    finally:
        tracemalloc.stop()


def test_a_body_that_is_not_read_to_its_end_lets_the_connection_go(http_server, session):
    """The next request does not find the rest of the last one."""
    http_server.answer("/endless", (bytes(100_000) for _ in range(10**6)))
    http_server.answer("/x", b"[1]")
    request = transport.HttpRequest(url=f"{http_server.url}/endless")
    with transport.get(request, session=session, limits=LIMITS) as response:
        next(response.chunks)
    assert read(f"{http_server.url}/x", session) == b"[1]"


# ---- secrets


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1/x",
        "ftp://127.0.0.1/x",
        "http://",
        "http://[::1/x",
        "http://a\x00b/",
        "http://.../",
    ],
)
def test_an_address_that_is_none_is_a_mistake_of_the_caller(session, url):
    """Trying it again would not help."""
    with pytest.raises(UsageError, match="check the base URL, headers and credentials"):
        read(url, session)


def test_a_login_that_cannot_be_sent_is_a_mistake_of_the_caller(http_server, session):
    """A key that was saved with its line break is the usual case."""
    with pytest.raises(UsageError, match="InvalidHeader; check") as wrong:
        read(f"{http_server.url}/x", session, secret_headers={"X-Key": "s3cret\n"})
    assert "s3cret" not in str(wrong.value)
    assert http_server.asked == []


FAILURES = {
    "refused": Reply(status=400, body=b'{"msg":"key s3cret/1 is not valid"}'),
    "in halves": Reply(status=401, body=b'{"msg":"no user B3arer"}'),
    "encoded": Reply(status=404, body=b'{"msg":"nothing at ?appid=s3cret%2F1"}'),
    "limited": Reply(status=429, body=b'{"msg":"s3cret/1 asks too often"}'),
    "failed": Reply(status=500, body=b'{"error":"s3cret/1"}'),
    "cut": Reply(body=b"[1,2,3]", cut_after_bytes=2),
    "elsewhere": Reply(status=302, headers={"Location": "http://127.0.0.2/?appid=s3cret%2F1"}),
}


@pytest.mark.parametrize("failure", [*FAILURES, "closed"])
def test_no_failure_tells_a_secret(http_server, session, failure, caplog):
    """Not in its message, not in its traceback, and not in a log of any level."""
    caplog.set_level(logging.DEBUG)
    url = f"{http_server.url}/x"
    if failure == "closed":
        with RawServer() as server:
            url = f"{server.url}/x"
    else:
        reply = FAILURES[failure]
        http_server.answer_by("/x", lambda _: reply)
    with pytest.raises(TicklakeError) as wrong:
        read(
            url,
            session,
            params={"api_key": "s3cret/1"},
            secret_params={"appid": "s3cret/1"},
            secret_headers={"Authorization": "Bearer B3arer"},
        )
    said = "".join(traceback.format_exception(wrong.value)) + caplog.text
    said = said.replace('"s3cret/1"', "").replace('"Bearer B3arer"', "")  # the lines of this test
    assert "s3cret" not in said
    assert "B3arer" not in said
