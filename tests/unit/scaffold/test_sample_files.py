"""A sample of a file is its first records; the rest is neither downloaded nor unpacked."""

from __future__ import annotations

import gzip
import io
import itertools
import zipfile
from collections.abc import Iterator

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.feed.limits import Limits
from include.ticklake.scaffold.sample_files import as_address, has_file, sample_files
from tests.support.file_feeds import csv
from tests.support.servers.http import HttpServer, Reply


def sampled(server: HttpServer, body: bytes | Iterator[bytes], *, records: str | None = None):
    server.answer_by("/a.bin", lambda _: Reply(body=body))
    return sample_files([f"{server.url}/a.bin"], records=records, limits=Limits())


def zipped(text: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("pack", "name"), [(bytes, "none"), (gzip.compress, "gzip"), (zipped, "zip")]
)
def test_how_a_file_is_packed_is_seen_in_it(http_server, pack, name):
    """Its name need not say so."""
    found = sampled(http_server, pack(csv(3)))
    assert found.compression == name
    assert [row["id"] for row in found.sample.rows] == ["0", "1", "2"]


def test_a_file_without_an_end_is_left_early(http_server):
    """A sample needs no more."""
    lines = itertools.chain([b"id,price,at\n"], itertools.repeat(b"1,2.5,3\n" * 10_000))
    assert len(sampled(http_server, lines).sample.rows) == 1_000


def test_json_is_read_whole(http_server):
    """Its records may be anywhere in it."""
    found = sampled(http_server, b'{"n": 1, "rows": [{"a": 1}], "more": [{"a": 1}, {"a": 2}]}')
    assert found.sample.form.records == "more"
    body = b'{"n": 1, "rows": [{"a": 1}], "more": [{"a": 1}, {"a": 2}]}'
    assert sampled(http_server, body, records="rows").sample.form.records == "rows"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": 1}', "files of JSON are read as an array of records"),
        (b"", "the body is empty"),
        (b"<html>", "it begins as HTML or XML"),
    ],
)
def test_what_no_feed_of_files_reads_is_refused(http_server, body, said):
    """With the address."""
    with pytest.raises(Exception, match=f"^{http_server.url}/a.bin: .*{said}"):
        sampled(http_server, body)


def test_a_checksum_is_there_or_not(http_server):
    """A missing one is no error."""
    http_server.answer("/a.sha256", b"abc  a\n")
    http_server.answer("/b.sha256", b"", status=404)
    assert has_file(f"{http_server.url}/a.sha256", limits=Limits())
    assert not has_file(f"{http_server.url}/b.sha256", limits=Limits())


def test_a_local_path_becomes_an_address(tmp_path, monkeypatch):
    """One that is one already stays it."""
    monkeypatch.chdir(tmp_path)
    assert as_address("a.csv") == f"file://{tmp_path}/a.csv"
    assert as_address("s3://bucket/a.csv") == "s3://bucket/a.csv"


def test_a_missing_file_is_named(tmp_path):
    """As any source's is."""
    with pytest.raises(SourceRefusedError, match="there is no such file"):
        sample_files([f"file://{tmp_path}/none.csv"], records=None, limits=Limits())
