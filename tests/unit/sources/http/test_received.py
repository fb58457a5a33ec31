"""What arrived is said in a few words, without a secret."""

from __future__ import annotations

import pytest

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.http.received import BodyStart, content, received
from include.ticklake.sources.http.request import HttpRequest

REQUEST = HttpRequest(url="https://a.b/c", login_secret="s3cret")


def test_the_first_words_of_a_body_are_kept_while_it_streams():
    """In chunks of any size; no more than is needed."""
    start = BodyStart()
    chunks = [b"[1", b",2", b"," + b"3" * 9_000, b"]"]
    assert list(start.watch(chunks)) == chunks
    assert start.data == b"".join(chunks)[:4096]
    start = BodyStart()
    assert list(start.watch([b" " * 9_000, b"[1]"])) == [b" " * 9_000, b"[1]"]
    assert start.data == b"[1]"


@pytest.mark.parametrize("text", [b"[]", b"{}", b'"x"', b"-1", b"0", b"true", b"false", b"null"])
def test_a_body_that_begins_as_json_passes(text):
    """After any white space; the rest is seen by its reader."""
    assert b"".join(BodyStart().watch([b" \n", b"\t\r", text])) == b" \n\t\r" + text


@pytest.mark.parametrize(
    ("chunks", "what"),
    [
        pytest.param([b"<html>"], "HTML or XML", id="a page for people"),
        pytest.param([b"\n ", b" <?xml"], "HTML or XML", id="after white space"),
        pytest.param([b"id,price\n"], "another format", id="a table"),
        pytest.param([b"\x00\x01"], "another format", id="bytes"),
    ],
)
def test_a_body_that_does_not_begin_as_json_is_refused_at_once(chunks, what):
    """Before a parser has words of its own for it."""
    start = BodyStart()
    with pytest.raises(MalformedPageError, match=f"near byte 0: the body begins as {what}$"):
        list(start.watch(chunks))
    assert start.data == b"".join(chunks).lstrip()


@pytest.mark.parametrize(
    ("headers", "start", "said"),
    [
        pytest.param({"Content-Type": "text/html"}, b"<p>\n Hi \x1b[1m", "text/html, '<p> Hi [1m'",
                     id="on one line"),
        pytest.param({}, b"Hi", "'Hi'", id="no content type"),
        pytest.param({"Content-Type": "a/b"}, b" \n", "a/b, an empty body", id="white space"),
        pytest.param({"Content-Type": "x" * 999}, b"", f"{'x' * 80}, an empty body", id="long"),
        pytest.param({}, b"y" * 999, f"'{'y' * 80}...'", id="long"),
        pytest.param({}, b"key s3cret", "'key ***'", id="a secret"),
    ],
)  # fmt: skip
def test_what_arrived_is_said_in_a_few_words(headers, start, said):
    """Printable, short, without a secret."""
    assert content(REQUEST, headers=headers, start=start) == said
    assert received(REQUEST, status=200, headers=headers, start=start) == f"HTTP 200, {said}"
