"""CSV as a feed describes it, and what its header must have."""

from __future__ import annotations

import json

from include.ticklake.feed.csv_format import CsvFormat
from include.ticklake.sources.text.feed_texts import csv_rows, read_columns
from tests.support.file_feeds import FIELDS, feed


def test_a_header_may_lack_the_columns_of_optional_fields():
    """Older files may."""
    fields = FIELDS | {"note": {"type": "string", "required": False}}
    assert read_columns(feed("https://h/{date}.csv", fields=fields)) == ["id", "price", "at"]


def test_the_dialect_is_that_of_the_feed():
    """Its delimiter, its quote and its names."""
    rows = csv_rows(
        [b"1;'a;b'\n"], columns=["id", "name"], written=CsvFormat(delimiter=";", quote="'"),
        required=(), may_be_empty=False, max_record_bytes=100, where="here",
    )  # fmt: skip
    assert [json.loads(bytes(row)) for row in rows] == [{"id": "1", "name": "a;b"}]
