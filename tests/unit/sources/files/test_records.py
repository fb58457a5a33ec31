"""Each format's records, and what a header must have."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.files.records import read_records
from tests.support.file_feeds import feed


def read(text: bytes, ending: str, **source: object) -> list[object]:
    described = feed(f"https://data.example.com/{{date}}.{ending}", source=source)
    reader = read_records([text], feed=described, source=described.source, where="a file")
    records = [json.loads(bytes(record)) for record in reader]
    assert reader.body_bytes == len(text)
    return records


@pytest.mark.parametrize(
    ("text", "ending", "source", "values"),
    [
        pytest.param(b"id,price,at\n1,2,3\n", "csv", {}, "123", id="header"),
        pytest.param(b"1;2;3\n", "csv", {"columns": ["id", "price", "at"],
                     "csv": {"delimiter": ";"}}, "123", id="names"),
        pytest.param(b"id\tprice\tat\n1\t2\t3\n", "tsv", {"csv": {"delimiter": "tab"}}, "123",
                     id="tab"),
        pytest.param(b'{"id":1,"price":2,"at":3}\n', "jsonl", {}, [1, 2, 3], id="ndjson"),
        pytest.param(b'[{"id":1,"price":2,"at":3}]', "json", {}, [1, 2, 3], id="json"),
        pytest.param(b'{"data":[[1,2,3]]}', "json", {"records": "data",
                     "columns": ["id", "price", "at"]}, [1, 2, 3], id="arrays"),
    ],
)  # fmt: skip
def test_each_format_has_its_records(text, ending, source, values):
    """By the end of the address, or as the feed says."""
    assert read(text, ending, **source) == [dict(zip(["id", "price", "at"], values, strict=True))]


@pytest.mark.parametrize("ending", ["csv", "ndjson", "json"])
def test_a_file_of_no_bytes_is_refused_unless_the_feed_says_what_it_means(ending):
    """In any format."""
    with pytest.raises(MalformedPageError, match=r"may_be_empty: true|no_records"):
        read(b"", ending)
    assert read(b"", ending, may_be_empty=True) == []
