"""The names of values: those of the feed, those of the header, and what becomes of a new header."""

from __future__ import annotations

import json

import pytest

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.text.csv_columns import CsvColumns


def values(*texts: str) -> list[bytes]:
    return [json.dumps(text).encode() for text in texts]


def test_the_header_names_the_values():
    """In its own words and order."""
    columns = CsvColumns(None, has_header=True, required=["id"])
    columns.read_header(values("id", '5% "a"'), line=1)
    assert not columns.needs_header
    record = columns.record(values("1", "2"))
    assert json.loads(bytes(record)) == {"id": "1", '5% "a"': "2"}
    assert json.loads(columns.template % (b"3", b"4")) == {"id": "3", '5% "a"': "4"}


def test_a_header_without_a_column_that_a_field_reads_is_refused():
    """With the name that may be meant."""
    columns = CsvColumns(None, has_header=True, required=["price"])
    with pytest.raises(SourceRefusedError, match=r"no 'price', which a field reads; did you mean"):
        columns.read_header(values("id", "prices"), line=1)


def test_a_header_that_changed_is_refused():
    """Where the feed names the columns as well."""
    columns = CsvColumns(["id", "price"], has_header=True)
    with pytest.raises(SourceRefusedError, match=r"changed: it has 'price', 'id', and"):
        columns.read_header(values("price", "id"), line=1)
    columns.read_header(values("id", "price"), line=1)


def test_two_columns_of_one_name_are_refused():
    """Nobody could say which one counts."""
    with pytest.raises(SourceRefusedError, match="equal or differ by case only"):
        CsvColumns(None, has_header=True).read_header(values("a", "A"), line=1)


@pytest.mark.parametrize("has_header", [True, False])
def test_an_empty_text_is_refused_unless_the_feed_says_what_it_means(has_header):
    """Less is never taken for the whole."""
    with pytest.raises(MalformedPageError, match="may_be_empty: true"):
        CsvColumns(["a"], has_header=has_header).check_header(is_read=False)
    CsvColumns(["a"], has_header=has_header, may_be_empty=True).check_header(is_read=False)


def test_a_header_alone_says_that_there_are_no_records():
    """Without it, there is only white space."""
    columns = CsvColumns(None, has_header=True)
    with pytest.raises(MalformedPageError, match="no header"):
        columns.check_header(is_read=True)
    columns.read_header(values("a"), line=1)
    columns.check_header(is_read=True)
