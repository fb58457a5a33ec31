"""A file is unpacked as the feed says, within a bound, or refused by its first bytes."""

from __future__ import annotations

import bz2
import gzip

import pytest
from backports import zstd

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.files.unpack import compression_of, unpack
from tests.unit.sources.files.test_zip_member import packed

TEXT = b"id\n" + b"1\n" * 1000
FORMS = {
    "none": TEXT, "gzip": gzip.compress(TEXT), "bzip2": bz2.compress(TEXT),
    "zstd": zstd.compress(TEXT), "zip": packed({"a.csv": TEXT}),
}  # fmt: skip


@pytest.mark.parametrize("compression", FORMS)
def test_each_form_is_unpacked(compression):
    """To the same bytes."""
    chunks = unpack([FORMS[compression]], compression=compression, max_bytes=len(TEXT))
    assert b"".join(chunks) == TEXT


@pytest.mark.parametrize("compression", FORMS)
def test_each_form_is_told_by_its_first_bytes(compression):
    """Whatever the file is called."""
    assert compression_of(FORMS[compression][:4]) == compression


@pytest.mark.parametrize("compression", FORMS)
def test_more_than_the_bound_is_refused(compression):
    """A bomb ends where the limit does."""
    chunks = unpack([FORMS[compression]], compression=compression, max_bytes=len(TEXT) - 1)
    with pytest.raises(SourceRefusedError, match=r"limits\.max_page_bytes: 2002"):
        b"".join(chunks)


@pytest.mark.parametrize("found", FORMS)
@pytest.mark.parametrize("compression", FORMS)
def test_another_form_is_refused_with_its_name(found, compression):
    """The first bytes give it away; only a text may begin as bzip2 does."""
    if found == compression or (compression, found) == ("none", "bzip2"):
        return
    with pytest.raises(SourceRefusedError, match=f"write `compression: {found}` in source"):
        b"".join(unpack([FORMS[found]], compression=compression, max_bytes=10**6))


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "zstd", "zip"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_file_that_is_cut_in_its_sign_ends_early(compression, at):
    """It is not one of another form."""
    chunks = unpack([FORMS[compression][:at]], compression=compression, max_bytes=10**6)
    with pytest.raises(MalformedPageError, match="ends early"):
        b"".join(chunks)


def test_zstd_may_begin_with_a_frame_of_no_data():
    """As pzstd and others write it."""
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"
    packed = skipped + FORMS["zstd"] + skipped + FORMS["zstd"]
    assert b"".join(unpack([packed], compression="zstd", max_bytes=10**6)) == TEXT * 2


def test_a_zip_of_no_files_is_one():
    """It need not be called a text."""
    with pytest.raises(SourceRefusedError, match="no file in it"):
        b"".join(unpack([packed({})], compression="zip", max_bytes=10**6))


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf<html>", b"\r\n\r\n\r\n  <!DOCTYPE html>"])
def test_a_page_of_the_web_may_begin_with_a_mark_or_lines(start):
    """It is no CSV all the same."""
    with pytest.raises(MalformedPageError, match="begins as HTML or XML"):
        b"".join(unpack([start], compression="none", max_bytes=10**6))


@pytest.mark.parametrize("compression", FORMS)
def test_a_page_of_the_web_is_not_a_file(compression):
    """It is what some servers send while they are repaired: a later attempt may find the file."""
    with pytest.raises(MalformedPageError, match="begins as HTML or XML"):
        b"".join(unpack([b" <!DOCTYPE html>"], compression=compression, max_bytes=10**6))
