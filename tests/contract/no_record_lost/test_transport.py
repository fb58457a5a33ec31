"""Answers are read as they really come, or one sentence says what came."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest

from include.ticklake.errors import SourceRefusedError, TicklakeError
from include.ticklake.lake.storage import Storage
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.feed_texts import feed
from tests.support.paging import START
from tests.support.servers.http import HttpServer, Reply
from tests.support.servers.loopback import LoopbackServer
from tests.support.servers.raw import RawServer
from tests.support.servers.tls import certificate, server_context
from tests.support.small_source import KEYED, rows_of

ROWS = [{"id": n, "t": START + n} for n in range(3)]
BODY = json.dumps(ROWS).encode()
FEED = feed(fields=KEYED)


@pytest.fixture
def https_server(tmp_path, monkeypatch):
    """A server on the same host with a certificate that is trusted here."""
    path = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with HttpServer(tls=server_context(path)) as server:
        yield server


def failure_of(server: LoopbackServer | None, storage: Storage, **source) -> tuple[str, int]:
    """What a run says with the usual five tries, and how many waits there were."""
    waits_s: list[float] = []
    patience = SourceRetryPolicy(sleep=waits_s.append)
    with pytest.raises(TicklakeError) as wrong:
        rows_of(feed(source=source, fields=KEYED), server, storage, patience=patience)
    assert list(storage.list("manifests")) == []
    return str(wrong.value), len(waits_s)


# ---- encodings and charsets

NAMED = [{"id": n, "t": START + n, "name": "Zoë"} for n in range(3)]
TEXT = json.dumps(NAMED, ensure_ascii=False)
JSON = "application/json"


def headers(*, charset: str = "", encoding: str = "") -> dict[str, str]:
    content_type = f"{JSON}; charset={charset}" if charset else JSON
    return {"Content-Type": content_type} | ({"Content-Encoding": encoding} if encoding else {})


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        pytest.param(b"\xef\xbb\xbf" + TEXT.encode(), headers(), id="a BOM"),
        pytest.param(TEXT.encode("utf-16"), headers(), id="UTF-16"),
        pytest.param(TEXT.encode("utf-16-be"), headers(charset="utf-16"), id="without a BOM"),
        pytest.param(TEXT.encode("latin-1"), headers(charset="iso-8859-1"), id="another charset"),
        pytest.param(TEXT.encode(), headers(charset="iso-8859-1"), id="in name only"),
        pytest.param(gzip.compress(TEXT.encode("utf-16")), headers(encoding="gzip"), id="both"),
        pytest.param(gzip.compress(TEXT.encode()), headers(), id="gzip that was not said"),
        pytest.param(TEXT.encode(), headers(encoding="gzip"), id="gzip that is not one"),
        pytest.param(gzip.compress(gzip.compress(TEXT.encode())), headers(encoding="gzip"),
                     id="gzip in gzip"),
        pytest.param(gzip.compress(TEXT.encode()) + b"garbage", headers(encoding="gzip"),
                     id="gzip and garbage"),
        pytest.param(zlib.compress(TEXT.encode()), headers(encoding="deflate"), id="deflate"),
    ],
)  # fmt: skip
def test_a_body_is_read_whatever_its_encoding_and_charset(http_server, storage, body, sent):
    """Every record, with its letters."""
    http_server.answer("/rows", body, headers=sent)
    assert rows_of(FEED, http_server, storage) == NAMED


@pytest.mark.parametrize(
    ("body", "sent", "sentence"),
    [
        pytest.param(BODY, headers(encoding="br"), "its Content-Encoding is br, which is not read",
                     id="a brotli body"),
        pytest.param(BODY, headers(encoding="zstd"), "its Content-Encoding is zstd, which",
                     id="a zstd body"),
        pytest.param(b"\x28\xb5\x2f\xfd" + BODY, headers(), "its body is zstd, which is not read",
                     id="zstd that was not said"),
        pytest.param(TEXT.encode("latin-1"), headers(charset="x-odd"),
                     "its Content-Type names the charset x-odd, which is not known", id="charset"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_read_is_named_without_five_retries(
    http_server, storage, body, sent, sentence
):
    """In one sentence: it will not change."""
    http_server.answer("/rows", body, headers=sent)
    said, waits = failure_of(http_server, storage)
    assert f"/rows: {sentence}" in said
    assert (waits, len(http_server.asked)) == (0, 1)


def test_what_can_be_read_is_asked_for(http_server, storage):
    """`Accept-Encoding` says so, and a feed may say otherwise."""
    http_server.answer("/rows", BODY)
    rows_of(FEED, http_server, storage)
    rows_of(feed(source={"headers": {"Accept-Encoding": "identity"}}), http_server, storage)
    asked = [request.headers["accept-encoding"] for request in http_server.asked]
    assert asked == ["gzip, deflate", "identity"]


@pytest.mark.parametrize("end", [20, -9, -8, -1])
def test_a_truncated_gzip_is_never_taken_for_the_whole(http_server, storage, end):
    """Not even where only its checksum is missing."""
    packed = gzip.compress(TEXT.encode())
    http_server.answer("/rows", packed[:end], headers=headers(encoding="gzip"))
    said, _ = failure_of(http_server, storage)
    assert "/rows: its gzip data ends early" in said


# ---- statuses and redirects


@pytest.mark.parametrize("status", [200, 201, 203, 206])
def test_statuses_carry_records(http_server, storage, status):
    """201 and 206 as well."""
    http_server.answer("/rows", BODY, status=status)
    assert rows_of(FEED, http_server, storage) == ROWS


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_from_http_to_https_on_one_host_are_followed(
    http_server, https_server, storage, status
):
    """Whatever the kind of redirect."""
    location = {"Location": f"{https_server.url}/rows"}
    http_server.answer("/rows", status=status, headers=location)
    https_server.answer("/rows", BODY)
    assert rows_of(FEED, http_server, storage) == ROWS


def test_a_next_address_on_the_same_host_may_change_from_http_to_https(
    http_server, https_server, storage
):
    """As sources do that were moved to https."""
    source = {
        "records": "rows", "capture": {"next": "next"},
        "paging": {"kind": "next_url", "url": "next"},
    }  # fmt: skip
    first = {"rows": ROWS[:1], "next": f"{https_server.url}/rows?page=2"}
    http_server.answer("/rows", json.dumps(first).encode())
    https_server.answer("/rows", json.dumps({"rows": ROWS[1:]}).encode())
    assert rows_of(feed(source=source, fields=KEYED), http_server, storage) == ROWS


def test_https_never_becomes_http(http_server, https_server, storage):
    """Neither by a redirect, nor to another port."""
    https_server.answer("/rows", status=301, headers={"Location": f"{http_server.url}/rows"})
    with pytest.raises(SourceRefusedError, match="another host or port"):
        rows_of(FEED, https_server, storage)
    assert http_server.asked == []


# ---- waits


@pytest.mark.parametrize(
    ("retry_after", "longest_s"),
    [
        pytest.param(lambda: "0.503", 0.503, id="half a second"),
        pytest.param(lambda: "-1", 1, id="-1 is small"),
        pytest.param(lambda: "1, 1", 1, id="1, 1 is small"),
        pytest.param(lambda: str(int(time.time()) + 9), 9, id="an epoch is a moment"),
        pytest.param(lambda: str(int(time.time() + 9) * 1000), 9, id="in milliseconds as well"),
    ],
)
def test_retry_after_is_waited_for(http_server, storage, retry_after, longest_s):
    """In every form; nothing waits a week by accident."""
    limited = Reply(status=429, headers={"Retry-After": retry_after()})
    http_server.answer_in_turn("/rows", limited, Reply(body=BODY))
    waits_s: list[float] = []
    patience = SourceRetryPolicy(sleep=waits_s.append)
    assert rows_of(FEED, http_server, storage, patience=patience) == ROWS
    [wait_s] = waits_s
    assert longest_s - 4 < wait_s <= longest_s
    assert wait_s >= 0


# ---- connections


def test_connection_errors_say_what_and_where(storage, tmp_path, monkeypatch):
    """Name not found, refused, certificate, a proxy that wants a login, or PySocks."""
    said, waits = failure_of(None, storage, base_url="http://nosuch.invalid")
    assert "the name of nosuch.invalid was not found" in said
    assert "; 5 tries in 0 s" in said
    assert waits == 4
    said, waits = failure_of(None, storage, base_url="http://127.0.0.1:1")
    assert "127.0.0.1:1 refused the connection" in said
    assert waits == 4
    with HttpServer(tls=server_context(certificate(tmp_path))) as server:
        said, waits = failure_of(server, storage)
        host = server.url.removeprefix("https://")
        assert f"the certificate of {host} is refused: self-signed certificate" in said
        assert waits == 0
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with RawServer(b"HTTP/1.1 407 No\r\n\r\n") as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        said, waits = failure_of(None, storage)
        assert f"the proxy {proxy.url.removeprefix('http://')} asks for a login" in said
        assert waits == 0
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1")
    said, waits = failure_of(None, storage)
    assert "127.0.0.1:1 is a SOCKS proxy; pip install pysocks" in said
    assert waits == 0


# ---- what arrived

PAGE = b"<!DOCTYPE html>\n<html><title>Back soon</title>" + b"<p>s3cret</p>" * 999


def test_an_error_says_what_arrived(http_server, storage, caplog):
    """Status, content type, the first words, how many tries; at once, not after 17 seconds."""
    http_server.answer("/rows", PAGE, headers={"Content-Type": "text/html; charset=utf-8"})
    said, waits = failure_of(http_server, storage)
    arrived = "HTTP 200, text/html; charset=utf-8, '<!DOCTYPE html> <html><title>Back soon</title>"
    assert "not JSON near byte 0: the body begins as HTML or XML" in said
    assert arrived in said
    assert said.endswith("5 tries in 0 s")
    first, *others = [message for message in caplog.messages if "source.retry" in message]
    assert first.startswith("source.retry attempt=1/5 wait_s=")
    assert arrived in first
    assert (len(others), waits) == (3, 4)


def test_an_error_says_what_arrived_with_another_status(http_server, storage):
    """A page for people has no reason in a field of its own."""
    http_server.answer("/rows", PAGE, status=403, headers={"Content-Type": "text/html"})
    said, waits = failure_of(http_server, storage)
    assert "/rows: HTTP 403 (text/html, '<!DOCTYPE html> <html><title>Back soon</title>" in said
    assert waits == 0


@pytest.mark.parametrize("status", [200, 403])
def test_what_arrived_is_shown_without_our_secrets(http_server, storage, status):
    """However the page writes them."""
    key = "s3cret/<1"
    words = b"<p>s3cret/&lt;1 s3cret%2f%3c1 s3cret\\/<1 s3cret/<1</p>"
    http_server.answer("/rows", words, status=status)
    said, _ = failure_of(http_server, storage, params={"api_key": key})
    assert "<p>*** *** *** ***</p>" in said
    assert "s3cret" not in said
