"""An error of a connection says what failed and where, and never a secret."""

from __future__ import annotations

import threading

import pytest

from include.ticklake.errors import SourceRefusedError, SourceUnavailableError, UsageError
from include.ticklake.feed.limits import Limits
from tests.support.http_requests import QUICK, read
from tests.support.servers.http import HttpServer, Reply
from tests.support.servers.raw import RawServer, ok
from tests.support.servers.tls import certificate, server_context

SOURCE = "https://api.example.com/x"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """Of the machine that the tests run on."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def https_server(tmp_path):
    """A server with a certificate that nobody knows."""
    with HttpServer(tls=server_context(certificate(tmp_path))) as server:
        yield server


# ---- the network


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        pytest.param([], "closed the connection without an answer", id="nothing"),
        pytest.param([b"SSH-2.0-OpenSSH_9.2\r\n"],
                     "not answer in HTTP, but with SSH-2.0-OpenSSH_9.2$", id="another protocol"),
        pytest.param([ok(*[f"X-{n}: 1" for n in range(200)])],
                     "headers without end: got more than 100", id="more headers than fit"),
        pytest.param([ok("X: " + "x" * 70_000)],
                     "headers without end: got more than 65536", id="a header without end"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_failure_of_the_source(session, sent, says):
    """It may pass."""
    with RawServer(*sent) as server, pytest.raises(SourceUnavailableError, match=says) as wrong:
        read(f"{server.url}/x", session)
    assert str(wrong.value).startswith(f"{server.url}/x: {server.url.removeprefix('http://')} ")


def test_a_refused_connection_says_so(session):
    """As when the source restarts."""
    with RawServer() as server:
        url = server.url
    with pytest.raises(
        SourceUnavailableError, match=rf"^{url}/x: .* refused the connection; check"
    ):
        read(f"{url}/x", session)


def test_a_name_that_is_not_found_says_so(session):
    """The usual slip of a pen."""
    with pytest.raises(SourceUnavailableError, match=r"the name of nosuch.invalid was not found: "):
        read("http://nosuch.invalid/x", session)


def test_silence_before_an_answer_ends_at_the_read_timeout(http_server, session):
    """Nothing came at all: the source failed."""
    go_on = threading.Event()

    def stalling(_) -> Reply:
        go_on.wait(30)
        return Reply()

    http_server.answer_by("/x", stalling)
    try:
        with pytest.raises(
            SourceUnavailableError, match=r"sent nothing for limits.read_timeout_s: 1$"
        ):
            read(f"{http_server.url}/x", session, limits=QUICK)
    finally:
        go_on.set()


def test_silence_at_the_handshake_ends_at_the_connect_timeout(session):
    """The server waits for HTTP, and never answers."""
    limits = Limits(connect_timeout_s=1)
    with RawServer() as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(
            SourceUnavailableError, match=r"no TLS connection within limits.connect_timeout_s: 1$"
        ):
            read(f"{url}/x", session, limits=limits)


# ---- certificates: they do not change between two tries


def test_an_unknown_authority_is_refused(https_server, session, tmp_path, monkeypatch):
    """Until its file is named."""
    https_server.answer("/x", b"[1]")
    with pytest.raises(
        SourceRefusedError, match=r"is refused: self-signed certificate; .*REQUESTS_CA_BUNDLE"
    ):
        read(f"{https_server.url}/x", session)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "127.0.0.1.1.pem"))
    assert read(f"{https_server.url}/x", session) == b"[1]"


@pytest.mark.parametrize(
    ("made", "says"),
    [
        pytest.param({"days": -1}, "certificate has expired; only its owner", id="expired"),
        pytest.param({"address": "127.0.0.2"}, "IP address mismatch.*; check source.base_url",
                     id="of another address"),
    ],
)  # fmt: skip
def test_a_certificate_that_is_wrong_is_refused(session, tmp_path, monkeypatch, made, says):
    """With OpenSSL's reason."""
    path = certificate(tmp_path, **made)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with (
        HttpServer(tls=server_context(path)) as server,
        pytest.raises(SourceRefusedError, match=f"the certificate of 127.* is refused: {says}"),
    ):
        read(f"{server.url}/x", session)


def test_a_server_without_tls_is_refused(http_server, session):
    """An address with one letter too many."""
    with pytest.raises(SourceRefusedError, match="does not speak TLS; if it is an HTTP server"):
        read(f"{http_server.url}/x".replace("http:", "https:"), session)


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "is not there; correct"), ("nothing", "holds no certificate; correct")],
)
def test_a_file_of_authorities_that_cannot_be_used_is_named(
    https_server, session, tmp_path, monkeypatch, text, says
):
    """By its variable."""
    path = tmp_path / "authorities"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with pytest.raises(UsageError, match=f"the file that REQUESTS_CA_BUNDLE names {says}"):
        read(f"{https_server.url}/x", session)


# ---- proxies


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_asks_for_a_login_says_so(session, monkeypatch, scheme):
    """With a tunnel and without; what to do is said, and the wrong login is not."""
    with RawServer(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n") as proxy:
        host = proxy.url.removeprefix("http://")
        monkeypatch.setenv(f"{scheme}_proxy", f"http://me:s3cret@{host}")
        with pytest.raises(
            UsageError, match=rf"the proxy {host} asks for a login \(HTTP 407\); .*HTTPS_PROXY"
        ) as wrong:
            read(SOURCE.replace("https", scheme), session)
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(403, SourceRefusedError), (502, SourceUnavailableError)]
)
def test_a_proxy_that_does_not_connect_says_so(session, monkeypatch, status, kind):
    """A failure of its own may pass."""
    with RawServer(b"HTTP/1.1 %d No\r\n\r\n" % status) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(kind, match=rf"the proxy 127.\S+ does not connect: HTTP {status}"):
            read(SOURCE, session)


@pytest.mark.parametrize(
    ("proxy", "kind", "says"),
    [
        pytest.param("http://me:s3cret@127.0.0.1:1", SourceUnavailableError,
                     "the proxy 127.0.0.1:1 refused the connection", id="refused"),
        pytest.param("http://nosuch.invalid:1", SourceUnavailableError,
                     "the name of the proxy nosuch.invalid:1 was not found", id="no such name"),
        pytest.param("socks5://127.0.0.1:1", UsageError,
                     "the proxy 127.0.0.1:1 is a SOCKS proxy; pip install pysocks", id="socks"),
        pytest.param("http://", UsageError, "the proxy has no valid address; write", id="no host"),
        pytest.param("http://[::1", UsageError, "the proxy has no valid address", id="no address"),
        pytest.param("foo://127.0.0.1:1", UsageError, "has no valid address", id="no such scheme"),
    ],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used_is_named(session, monkeypatch, proxy, kind, says):
    """Not the source behind it."""
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(kind, match=says) as wrong:
        read(SOURCE, session)
    assert "s3cret" not in str(wrong.value)


def test_a_source_behind_a_proxy_is_named_with_it(session, monkeypatch):
    """One cannot know which of the two closed the connection."""
    with RawServer() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(
            SourceUnavailableError, match=r"api.example.com \(through the proxy 127\S+\) closed"
        ):
            read(SOURCE, session)
