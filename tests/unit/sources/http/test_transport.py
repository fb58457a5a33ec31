"""One request and its response; whatever fails has its own message, without a secret."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

import pytest

from include.ticklake.errors import (
    SourceRefusedError,
    TicklakeError,
    UsageError,
)
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest
from tests.support.http_requests import LIMITS, read
from tests.support.servers.http import HttpServer, Reply
from tests.support.servers.raw import RawServer


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


def test_headers_of_the_answer_come_with_it(http_server, session):
    """Looked up in any case, as paging does."""
    http_server.answer("/x", b"[]", headers={"CB-AFTER": "17"})
    request = HttpRequest(url=f"{http_server.url}/x")
    with transport.send(request, session=session, limits=LIMITS) as response:
        assert response.headers["cb-after"] == "17"


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
    """It may be of any size, and it is not needed."""
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
    with pytest.raises(
        UsageError, match="a header or a login holds what no header may hold; check"
    ) as wrong:
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
