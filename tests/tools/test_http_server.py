"""The HTTP server of the tests does what it is told, so that a failing test is never its fault."""

from __future__ import annotations

from itertools import islice

import pytest
import requests

from tests.support.servers.http import HttpServer, Reply


def test_it_answers_and_keeps_what_was_asked(http_server: HttpServer):
    """The body, status and headers come as told; the request is kept with its parameters."""
    http_server.answer("/api", b"[1]", status=418, headers={"Retry-After": "7"})
    response = requests.get(f"{http_server.url}/api?symbol=BTC", headers={"X-Key": "k"}, timeout=5)
    assert (response.content, response.status_code) == (b"[1]", 418)
    assert response.headers["Retry-After"] == "7"
    [asked] = http_server.asked
    assert (asked.path, asked.params, asked.headers["x-key"]) == ("/api", {"symbol": "BTC"}, "k")


def test_it_sends_chunks_as_they_are_made(http_server: HttpServer):
    """An iterable body travels in chunks; an empty one does not end it."""
    http_server.answer("/api", iter([b"[1,", b"", b"2]"]))
    assert requests.get(f"{http_server.url}/api", timeout=5).content == b"[1,2]"


@pytest.mark.parametrize(
    "body",
    [pytest.param(b"0123456789", id="whole"), pytest.param([b"01234", b"56789"], id="chunks")],
)
def test_it_cuts_the_connection(http_server: HttpServer, body):
    """A cut body is noticed by the client after exactly the bytes that were let through."""
    http_server.answer("/api", body, cut_after_bytes=7)
    with requests.get(f"{http_server.url}/api", stream=True, timeout=5) as response:
        pieces = response.iter_content(1)
        assert b"".join(islice(pieces, 7)) == b"0123456"
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            next(pieces)


def test_it_answers_in_turn(http_server: HttpServer):
    """Replies come in order, and the last one again and again."""
    http_server.answer_in_turn("/api", Reply(status=500), Reply(body=b"ok"))
    answers = [requests.get(f"{http_server.url}/api", timeout=5).status_code for _ in range(3)]
    assert answers == [500, 200, 200]


def test_an_unknown_path_says_what_is_known(http_server: HttpServer):
    """A test that asks for the wrong path sees so at once."""
    http_server.answer("/api", b"[]")
    response = requests.get(f"{http_server.url}/apj", timeout=5)
    assert (response.status_code, response.text) == (404, "no answer for /apj; known: /api")
