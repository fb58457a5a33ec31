"""A source of files: what its address says of it, and what contradicts the rest of the feed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.support.file_feeds import feed


@pytest.mark.parametrize(
    ("address", "packing", "file_format"),
    [
        ("https://h/{date}.csv", "none", "csv"),
        ("https://h/a.b/{date}.csv.gz", "gzip", "csv"),
        ("https://h/{date}.jsonl.zst", "zstd", "ndjson"),
        ("https://h/{date}.JSON.bz2", "bzip2", "json"),
        ("https://h/{date}.zip", "zip", "csv"),
        ("https://h/{date}.ndjson.zip", "zip", "ndjson"),
    ],
)
def test_the_end_of_the_address_says_how_a_file_is_packed_and_written(
    address, packing, file_format
):
    """Unless the feed says it."""
    source = feed(address).source
    assert (source.packing, source.file_format) == (packing, file_format)
    source = feed(address, source={"compression": "none", "format": "json"}).source
    assert (source.packing, source.file_format) == ("none", "json")


def test_names_of_columns_mean_that_there_is_no_header():
    """Unless the feed says that there is one as well."""
    names = {"columns": ["id", "price", "at"]}
    assert feed("https://h/{date}.csv").source.has_header
    assert not feed("https://h/{date}.csv", source=names).source.has_header
    assert feed("https://h/{date}.csv", source={**names, "csv": {"header": True}}).source.has_header


def test_rows_that_do_not_fit_are_not_given_names():
    """Arrays of JSON are."""
    names = {"columns": ["id", "price", "at"]}
    assert feed("https://h/{date}.csv", source=names).source.array_columns is None
    assert feed("https://h/{date}.json", source=names).source.array_columns == names["columns"]


@pytest.mark.parametrize(
    ("address", "host", "base_url"),
    [
        ("https://data.example.com:8443/{date}.csv", "data.example.com", "https://data.example.com:8443"),
        ("s3://bucket/{date}.csv", "bucket", None),
        ("file:///data/{date}.csv", "local_files", None),
    ],
)  # fmt: skip
def test_limits_are_per_host_or_bucket(address, host, base_url):
    """That is what a pool is called."""
    source = feed(address).source
    assert (source.host, source.base_url) == (host, base_url)


@pytest.mark.parametrize(
    ("address", "changes", "problem"),
    [
        pytest.param("https://h/{dat}.csv", {}, "unknown placeholder 'dat'", id="unknown"),
        pytest.param("https://h/a.csv", {}, "has no time in it", id="no-time"),
        pytest.param("https://h/{date}.csv", {"window": "1h"}, "set window: 1d", id="window"),
        pytest.param("https://h/{date}.csv", {"slices": {"symbol": ["A"]}},
                     "every slice would contain the same records", id="slice"),
        pytest.param("https://h/{year}/{date}.csv", {"slices": {"year": ["A"]}},
                     "clashes with a built-in", id="clash"),
        pytest.param("https://h/{symbol}/{date}.csv", {"slices": {"symbol": [".."]}},
                     "another folder", id="value"),
        pytest.param("https://h/{date}.csv", {"source": {"checksum": "https://i/{date}.md5"}},
                     "is on another host", id="checksum-host"),
        pytest.param("https://h/{date}.csv", {"source": {"checksum": "{address}.{x}"}},
                     "unknown placeholder 'x'", id="checksum-name"),
        pytest.param("https://h/{date}", {}, "does not say what is in the file", id="format"),
        pytest.param("https://h/{date}.csv", {"source": {"connection": "a"}},
                     "is for s3:// addresses", id="connection"),
        pytest.param("s3://h/{date}.csv", {"source": {"headers": {"a": "b"}}},
                     "is for https:// addresses", id="headers"),
        pytest.param("https://h/{date}.csv", {"source": {"csv": {"header": False}}},
                     "needs the names of its columns", id="no-names"),
        pytest.param("https://h/{date}.jsonl", {"source": {"columns": ["id"]}},
                     "is for csv and json", id="ndjson-names"),
        pytest.param("https://h/{date}.csv", {"source": {"columns": ["a", "A"]}},
                     "differ by case only", id="names"),
        pytest.param("https://h/{date}.csv", {"source": {"columns": ["a?", "b"]}},
                     "only the last columns", id="optional"),
    ],
)  # fmt: skip
def test_what_contradicts_the_feed_is_refused(address, changes, problem):
    """When the file is read, with what to do."""
    with pytest.raises(ValidationError, match=problem):
        feed(address, **changes)


def test_a_whole_dump_may_be_a_snapshot():
    """It has no time in its address."""
    fields = {"at": {"from": "$fetched_at", "type": "timestamp", "event_time": True},
              "id": {"type": "int64"}}  # fmt: skip
    described = feed("s3://bucket/all.csv", snapshot=True, fields=fields)
    assert not described.has_history
    assert feed("s3://bucket/{date}.csv").has_history
