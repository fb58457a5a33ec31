"""Checksums are read as the usual tools print them, and compared at the end of the bytes."""

from __future__ import annotations

import hashlib

import pytest

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.files.checksum import Checksum, parse_checksum

BODY = b"id\n1\n"
SHA256, MD5 = hashlib.sha256(BODY).hexdigest(), hashlib.md5(BODY).hexdigest()  # noqa: S324


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{SHA256}  a.zip\n", id="sha256sum"),
        pytest.param(f"{SHA256} *a.zip\n", id="binary"),
        pytest.param(f"{SHA256.upper()}", id="alone"),
        pytest.param(f"{'0' * 64}  b.zip\n{SHA256}  ./data/a.zip\n", id="of-several"),
        pytest.param(f"SHA256 (a.zip) = {SHA256}\n", id="bsd"),
        pytest.param(f"{MD5}  a.zip", id="md5sum"),
        pytest.param(f"MD5 (a.zip) = {'0' * 32}\nSHA256 (a.zip) = {SHA256}\n", id="longest"),
        pytest.param(f"\ufeff{SHA256}  a.zip\n", id="bom"),
    ],
)
def test_the_checksum_of_a_file_is_found(text):
    """And the bytes that add up to it pass."""
    checksum = parse_checksum(text.encode(), file_name="a.zip")
    assert b"".join(checksum.verify([BODY[:2], BODY[2:]])) == BODY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not found",
        f"{SHA256}  b.zip",
        f"{SHA256}\n{'0' * 64}",
        "ab12",
        f"SHA3-256 (a.zip) = {SHA256}",
    ],
)
def test_a_text_without_it_is_refused(text):
    """Another file's is none."""
    with pytest.raises(SourceRefusedError, match=r"checksum of 'a.zip'"):
        parse_checksum(text.encode(), file_name="a.zip")


@pytest.mark.parametrize("name", ["BTC%2FUSDT%201.zip", "BTC/USDT 1.zip", "USDT 1.zip"])
def test_a_name_may_be_written_as_the_address_is(name):
    """Or as the file is called."""
    text = f"{SHA256}  {name}\n".encode()
    assert parse_checksum(text, file_name="BTC%2FUSDT%201.zip").digest == SHA256


@pytest.mark.parametrize("text", ["<!DOCTYPE html>\n<html>", "\n <Error><Code>SlowDown</Code>"])
def test_a_page_of_the_web_may_be_another_thing_later(text):
    """A server that is down for a while is no reason to give up."""
    with pytest.raises(MalformedPageError, match="HTML or XML"):
        parse_checksum(text.encode(), file_name="a.zip")


def test_digits_of_no_algorithm_are_refused():
    """They were cut, perhaps."""
    with pytest.raises(SourceRefusedError, match="a checksum of 60 digits"):
        parse_checksum(SHA256[:60].encode(), file_name="a.zip")


def test_other_bytes_are_an_error_at_their_end():
    """Which is before anything is committed."""
    chunks = Checksum(algorithm="sha256", digest=SHA256).verify([b"id\n", b"2\n"])
    assert next(chunks) == b"id\n"
    with pytest.raises(MalformedPageError, match=f"{SHA256} is published beside it"):
        list(chunks)
