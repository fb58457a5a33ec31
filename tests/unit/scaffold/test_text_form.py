"""CSV and lines of JSON are told from JSON, and how they are written."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.errors import MalformedPageError
from include.ticklake.scaffold.text_form import text_form, why_not_csv
from tests.support.drafts import draft_feed, draft_text

MS = 1_795_323_600_000


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param("id,p\n1,2.5\n2,3\n", {"format": "csv"}, id="header"),
        pytest.param("\ufeffid,p\r\n1,2.5\r\n", {"format": "csv"}, id="BOM and CRLF"),
        pytest.param("id;p\n1;2,5\n", {"format": "csv", "csv": {"delimiter": ";"}}, id="semicolon"),
        pytest.param("id\tp\n1\t2\n", {"format": "csv", "csv": {"delimiter": "tab"}}, id="tab"),
        pytest.param('id,note\n1,"a, ""b""\nc"\n', {"format": "csv"}, id="quotes"),
        pytest.param("1,2.5,true\n2,3,true\n",
                     {"format": "csv", "columns": ["value_1", "value_2", "value_3"]},
                     id="no header"),
        pytest.param("day, p, q\n2026-11-22, 1.5, 2\n", {"format": "csv"}, id="blanks in names"),
        pytest.param("day,p,\n2026-11-22,1.5,\n", {"format": "csv"}, id="a delimiter at the end"),
        pytest.param("t,T,p\n1,2,3\n", {"format": "csv"}, id="names that differ by case"),
        pytest.param("2026-11-21,-\n2026-11-22,1.5\n",
                     {"format": "csv", "columns": ["value_1", "value_2"]}, id="a record of texts"),
        pytest.param("BTC,,1\nETH,2,3\n",
                     {"format": "csv", "columns": ["value_1", "value_2", "value_3"]},
                     id="nothing in the first line"),
        pytest.param("symbol,name,base\n", {"format": "csv"}, id="a header alone"),
        pytest.param('{"a":1}\n{"a":2}\n', {"format": "ndjson"}, id="lines"),
        pytest.param('{"a":1}\n\n{"a":2}', {"format": "ndjson"}, id="a blank line"),
    ],
)  # fmt: skip
def test_a_text_is_told_by_its_beginning(text, options):
    """Whatever its type is called."""
    form = text_form(io.BytesIO(text.encode()))
    assert form is not None
    assert form.options() == options


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"a":\n1}', "[1,\n2]", '[{"a": 1}\n, {"a": 2}]', "<html>,</html>\n<p>,</p>\n",
     "maintenance", "Sorry, we are down\n", "Slow down, please\nSee our docs, and retry\n",
     '"a, b"', "a\nb\nc\n", "a,b\n1,2,3\n",
     "\0,\0\n\0,\0\n"],
)  # fmt: skip
def test_all_else_is_not(text):
    """It is JSON, or an error that says so."""
    assert text_form(io.BytesIO(text.encode())) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# from us\nday,p\n1,2\n", "row 1 has 1 values, and most have 2"),
        ("day,p\n1,2\n3\n4,5\n", "row 3 has 1 values, and most have 2"),
        ("day\n1\n2\n", "it has one column, or is a text"),
        ("Slow down, please\nRead, and retry\n", "it is a text"),
        ('day,"p\n1,2\n', "it has no rows, or quotes where none belong"),
        ("\n", "it has no rows, or quotes where none belong"),
    ],
)
def test_why_a_text_is_no_csv(text, why):
    """So that its user knows which line to look at."""
    assert why_not_csv(io.BytesIO(text.encode())) == why


def test_a_csv_in_another_encoding_is_refused_as_such():
    """It is not called JSON that ended early."""
    body = "day,p\n1,Zürich\n".encode("latin-1")
    with pytest.raises(MalformedPageError, match=r"not CSV that a feed reads: it is not UTF-8"):
        draft_text(body, **{"Content-Type": "text/csv"})


def test_one_line_is_lines_where_its_type_says_so():
    """It might be one object otherwise."""
    body = io.BytesIO(b'{"a":1}\n')
    assert text_form(body, content_type="application/x-ndjson").options() == {"format": "ndjson"}


def test_a_long_text_is_told_by_its_first_lines():
    """The one that is cut is not looked at."""
    lines = "".join(f'{n},"{n}"\n' for n in range(20_000))
    assert text_form(io.BytesIO(f"id,name\n{lines}".encode())).options() == {"format": "csv"}
    rows = "".join(f"{json.dumps({'id': n, 'p': 'x' * 50})}\n" for n in range(5_000))
    assert text_form(io.BytesIO(rows.encode())).options() == {"format": "ndjson"}


def test_a_draft_of_csv_reads_its_columns():
    """Each by the type that its texts have."""
    feed = draft_feed(f"id,p,at\n1,2.5,{MS}\n2,,{MS + 1}\n".encode())
    assert feed.source.format == "csv"
    assert {name: field.type for name, field in feed.fields.items()} == {
        "id": "int64", "p": "decimal(18,3)", "at": "timestamp"
    }  # fmt: skip
    assert feed.key == ("id",)


def test_a_draft_of_lines_has_no_path():
    """The records are the lines."""
    text = draft_text(f'{{"id":1,"at":{MS}}}\n{{"id":2,"at":{MS}}}\n'.encode())
    assert "  format: ndjson  # guess: one JSON value a line\n" in text
    assert "records:" not in text
