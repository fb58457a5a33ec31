"""A status means one kind of error, with its reason and its wait."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from include.ticklake.errors import (
    RateLimitedError,
    SourceRefusedError,
    SourceUnavailableError,
)
from include.ticklake.sources.http import transport
from include.ticklake.sources.http.request import HttpRequest
from tests.support.http_requests import LIMITS, read


@pytest.mark.parametrize(
    ("status", "headers", "kind", "message"),
    [
        pytest.param(400, {}, SourceRefusedError, "HTTP 400", id="bad request"),
        pytest.param(401, {}, SourceRefusedError, "HTTP 401", id="no access"),
        pytest.param(403, {}, SourceRefusedError, "HTTP 403", id="forbidden"),
        pytest.param(404, {}, SourceRefusedError, "HTTP 404", id="not found"),
        pytest.param(202, {}, SourceUnavailableError, "HTTP 202", id="not ready yet"),
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
        pytest.param(429, {"Retry-After": "9" * 400}, RateLimitedError, "60 s", id="no real wait"),
        pytest.param(
            429, {"Retry-After": "0.503"}, RateLimitedError, "in 0.503 s", id="half a second"
        ),
    ],
)
def test_a_status_means_one_kind_of_error(http_server, session, status, headers, kind, message):
    """Named by what the caller does about it, with the address."""
    http_server.answer("/x", b"no", status=status, headers=headers)
    with pytest.raises(kind, match=message) as wrong:
        read(f"{http_server.url}/x", session, params={"symbol": "X", "token": "s3cret"})
    assert f"{http_server.url}/x?symbol=X&token=***" in str(wrong.value)


@pytest.mark.parametrize("status", [200, 201, 203, 204, 206, 226])
def test_every_status_of_success_carries_records(http_server, session, status):
    """Unless the feed says that it means a ban."""
    body = b"" if status == 204 else b"[1]"
    http_server.answer("/x", body, status=status)
    request = HttpRequest(url=f"{http_server.url}/x")
    with transport.send(request, session=session, limits=LIMITS) as response:
        assert (response.status, b"".join(response.chunks)) == (status, body)
    bans = {status: timedelta(minutes=5)}
    with (
        pytest.raises(RateLimitedError, match="retry in 300 s"),
        transport.send(request, session=session, limits=LIMITS, ban_statuses=bans),
    ):
        pass


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b'{"code":-1121,"msg":"Invalid symbol."}', " (Invalid symbol.)", id="msg"),
        pytest.param(b'{"message":"NotFound"}', " (NotFound)", id="message"),
        pytest.param(b'{"error":"a\\n  b\\u001b[31m"}', " (a b [31m)", id="on one line"),
        pytest.param(json.dumps({"msg": "x" * 999}).encode(), f" ({'x' * 200})", id="cut"),
        pytest.param(b'{"error":{"code":5}}', " (code: 5)", id="a number"),
        pytest.param(b'["error",10020,"x"]', " (error, 10020, x)", id="an array"),
    ],
)
def test_the_short_reason_of_an_error_is_shown(http_server, session, body, reason):
    """And nothing else of its body, which may be long, hold anything, or be made to break us."""
    http_server.answer("/x", body, status=400)
    with pytest.raises(SourceRefusedError) as wrong:
        read(f"{http_server.url}/x", session)
    assert str(wrong.value).startswith(f"{http_server.url}/x: HTTP 400{reason}; check the feed's")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b'{"rows":[{"price":1}]}', """'{"rows":[{"price":1}]}'""", id="no message"),
        pytest.param(b'[{"price":1}]', """'[{"price":1}]'""", id="records"),
        pytest.param(b"<html>\n  Forbidden</html>", "'<html> Forbidden</html>'", id="for people"),
        pytest.param(b"", "an empty body", id="nothing"),
        pytest.param(b"\xf8\xf9\x01", "'\ufffd\ufffd'", id="no text at all"),
        pytest.param(b"[" * 4_096, f"'{'[' * 80}...'", id="deep"),
        pytest.param(b'"' + b"x" * 100_000 + b'"', f"""'"{"x" * 79}...'""", id="long"),
    ],
)
def test_without_a_reason_the_first_words_are_shown(http_server, session, body, words):
    """With the content type: what arrived."""
    http_server.answer("/x", body, status=400, headers={"Content-Type": "text/html"})
    with pytest.raises(SourceRefusedError) as wrong:
        read(f"{http_server.url}/x", session)
    assert f"/x: HTTP 400 (text/html, {words}); check the feed's" in str(wrong.value)


def test_a_reason_that_comes_in_pieces_is_told_too(http_server, session):
    """A chunked error is one that is read to its end."""
    http_server.answer("/x", [b'{"ms', b'g":"a', b'b"}'], status=400)
    with pytest.raises(SourceRefusedError, match=r"HTTP 400 \(ab\)"):
        read(f"{http_server.url}/x", session)
