"""Rows become objects of their own texts, wherever chunks end, or name the line that is not CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.sources.text.csv_columns import CsvColumns
from include.ticklake.sources.text.csv_rows import CsvDialect, CsvRows

NAMES = ["a", "b%", "c:"]


def pieces(text: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """*text* in chunks of *sizes*, and the rest."""
    at = 0
    for size in sizes:
        yield text[at : at + size]
        at += size
    yield text[at:]


def read(
    text: bytes,
    *,
    names: Sequence[str] | None = NAMES,
    sizes: Sequence[int] = (),
    header: bool = False,
    max_record_bytes: int = 1000,
    **dialect: bytes,
) -> list[object]:
    rows = CsvRows(
        pieces(text, sizes),
        columns=CsvColumns(names, has_header=header),
        dialect=CsvDialect(**dialect),
        max_record_bytes=max_record_bytes,
    )
    return [json.loads(bytes(record)) for record in rows]


VALUES = st.text(st.sampled_from('01.e-"\\,;\n :é€\x01\t%'), max_size=6)
SIZES = st.lists(st.integers(1, 12), max_size=30)


@given(
    rows=st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1),
    sizes=SIZES,
    ends=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
@example(
    rows=[["1", "", '"'], ["", "", ""]],
    sizes=[1] * 30,
    ends="\r\n",
    quoting=csv.QUOTE_MINIMAL,
    delimiter=",",
)
def test_it_reads_what_the_csv_module_writes_and_reads(rows, sizes, ends, quoting, delimiter):
    """Any values, wherever chunks end: the same as the csv module, and None for nothing at all."""
    out = io.StringIO()
    csv.writer(out, lineterminator=ends, quoting=quoting, delimiter=delimiter).writerows(rows)
    text = out.getvalue()
    expected = list(csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter))
    found = read(text.encode(), sizes=sizes, delimiter=delimiter.encode())
    assert [[value or "" for value in row.values()] for row in found] == expected == rows
    if quoting == csv.QUOTE_ALL:  # of two quotes, and so a text
        assert all(value is not None for row in found for value in row.values())


@given(text=st.text(st.sampled_from('01,"\n'), max_size=40), sizes=SIZES)
def test_where_chunks_end_makes_no_difference(text, sizes):
    """Any text gives the same records, or the same error, as in one piece."""

    def outcome(sizes: Sequence[int]) -> object:
        try:
            return read(text.encode(), sizes=sizes)
        except MalformedPageError as error:
            return str(error)

    assert outcome(sizes) == outcome(())


def test_digits_stay_as_they_are():
    """No number is rounded, and none loses its zeros."""
    [row] = read(b"007,1.500000000000000000000000000001,-1e-400\n")
    assert list(row.values()) == ["007", "1.500000000000000000000000000001", "-1e-400"]


def test_nothing_is_null_and_two_quotes_are_an_empty_text():
    """In rows with quotes and without."""
    assert read(b'1,,\n"","",3\n') == [
        {"a": "1", "b%": None, "c:": None},
        {"a": "", "b%": "", "c:": "3"},
    ]


def test_a_quoted_line_break_is_part_of_its_value():
    """And the lines behind it are counted on."""
    text = b'1,"two\nlines",3\n4,5\n'
    for size in range(1, len(text)):
        assert read(text, sizes=[size]) == [{"a": "1", "b%": "two\nlines", "c:": "3"}, ["4", "5"]]


@pytest.mark.parametrize("row", [b"1,2", b"1,2,3,4", b'1,"2"', b'1,2,3,"4"'])
def test_a_row_of_another_length_is_an_array(row, caplog):
    """Nothing of it is shifted into other columns, and its line is in the log."""
    values = [value.strip('"') for value in row.decode().split(",")]
    assert read(b"1,2,3\n\n" + row + b"\n5,6,7\n")[1] == values
    assert f"line=3: {len(values)} values, and there are 3 columns" in caplog.text


def test_only_the_first_misfits_have_a_line_in_the_log(caplog):
    """A file of the wrong form does not fill the log."""
    assert len(read(b"1\n" * 100)) == 100
    assert caplog.text.count("csv.misfit ") == 5
    assert "csv.misfits rows=100" in caplog.text


def test_the_last_columns_may_be_missing():
    """Where their names end in a question mark."""
    assert read(b"1,2\n3,4,5\n6\n", names=["a", "b", "c?"]) == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4", "c": "5"},
        ["6"],
    ]


def test_quotes_may_be_letters():
    """Where the dialect has none."""
    assert read(b'5" pipe,"x,\\\n', quote=b"")[0] == {"a": '5" pipe', "b%": '"x', "c:": "\\"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(b'1,2,3\n1,b"c,3\n', "line 2: a quote in a value that", id="quote-inside"),
        pytest.param(b'1,2,3\n"b"c,2,3\n', "line 2: something follows the closing", id="behind"),
        pytest.param(b'1,2,3\n1,"b,2,3\n', "line 2: the text ends inside of quotes", id="open"),
        pytest.param(b"1,2,3\n1,b\rc,3\n", "line 2: a carriage return", id="return"),
        pytest.param(b"1,2,3\n1,\xff,3\n", "invalid UTF-8 in line 2", id="utf-8"),
        pytest.param(b"1,2,3\n1,%b,3\n" % (b"x" * 2000), "line 2 is longer than", id="long"),
        pytest.param(b'1,2,3\n1,"%b,3\n' % (b"x" * 2000), "or its quotes do not", id="long-quoted"),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 5000])
def test_what_is_no_csv_is_refused_with_its_line(text, problem, size):
    """Wherever chunks end."""
    with pytest.raises(MalformedPageError, match=problem):
        read(text, sizes=[size] * (len(text) // size))


def test_a_mark_before_utf_8_is_not_part_of_the_first_value():
    """Spreadsheets write one."""
    assert read(b"\xef\xbb\xbfa,b\n1,2\n", names=None, header=True, sizes=[1, 1]) == [
        {"a": "1", "b": "2"}
    ]


def test_blocks_are_read_as_they_come():
    """Memory does not grow: a record is there before the text has ended."""
    asked = []

    def chunks() -> Iterator[bytes]:
        for number in range(100):
            asked.append(number)
            yield b"1,2,3\n" * 10

    rows = iter(
        CsvRows(
            chunks(),
            columns=CsvColumns(NAMES, has_header=False),
            dialect=CsvDialect(),
            max_record_bytes=100,
        )
    )
    next(rows)
    assert len(asked) == 1


@pytest.mark.parametrize("quote", [b'"', b"'"])
def test_quotes_that_are_not_needed_change_nothing(quote):
    """Rows with them, without, and among rows that need them: each has the same values."""
    plain = [b"1,2,3\n", b"4,,6\n", b"7,8\n", b"\n", b"9,10,11\r\n"]
    rows = [row for row in plain for _ in range(3)]
    rows[4] = b"4,,%ba,%b%b\nb%b\n" % ((quote,) * 4)
    first = b"%b1%b," % (quote, quote)
    quoted = [first + row[2:] if row == plain[0] else row for row in rows]
    assert quoted != rows
    assert read(b"".join(quoted), quote=quote) == read(b"".join(rows), quote=quote)
    empty = b"%b%b,%b1%b,\n" % ((quote,) * 4)
    assert read(empty, quote=quote) == [{"a": "", "b%": "1", "c:": None}]


@pytest.mark.parametrize("row", [b'"a,"b",c', b'"a"b,"c",d', b'a"b",c,d', b'"a,b"c",d'])
def test_quotes_in_pairs_are_not_enough(row):
    """An odd place of one is an error, as it is where they are odd in number."""
    with pytest.raises(MalformedPageError, match="line 1: "):
        read(row + b"\n")


def test_control_characters_in_quotes_are_text():
    """Beside an empty one, which is another thing."""
    assert read(b'"","\x00","\x01"\n') == [{"a": "", "b%": "\0", "c:": "\x01"}]
