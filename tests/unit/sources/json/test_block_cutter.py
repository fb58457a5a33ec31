"""Blocks are cut between values only, wherever their commas and brackets are."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError, SourceRefusedError
from include.ticklake.sources.json.block_cutter import Body, read_object, scan
from tests.support.json_pages import MIB, read, reading
from tests.support.json_texts import CHUNK_SIZES, SCALARS, VALUES, chunks, exact, joined, objects


@given(texts=st.lists(SCALARS, max_size=30), space=st.sampled_from(["", " "]), sizes=CHUNK_SIZES)
@example(texts=['"a,b"', '"c"', '"d,"'] * 5, space="", sizes=[11])
@example(texts=["1", "2.50", "-3"] * 9, space="", sizes=[7])
@example(texts=["1", '"a"'] * 9, space=" ", sizes=[13])
def test_plain_values_are_cut_between_them(texts, space, sizes):
    """Numbers at their commas, texts at their quotes; a comma in a text is none."""
    assert read(joined("[", texts, "]", space).encode(), sizes=sizes) == texts


@given(text=objects(VALUES).filter(lambda text: text[1:-1].strip()), sizes=CHUNK_SIZES)
def test_one_object_is_one_record(text, sizes):
    """The whole body, or one inside it, as it was written."""
    for path, body in (("$", text), ("a.b", f'{{"x":1,"a":{{"b":{text},"c":[]}}}}')):
        found = read(body.encode(), sizes=sizes, records=path, shape="object")
        assert [exact(record) for record in found] == [exact(text)]


def test_values_in_the_one_record_are_captured_too():
    """A code in the body is seen, although the body is the record."""
    page = reading(
        b'{"code":"0","a":{"b":[1,{"c":2.50}]}}',
        records="$",
        shape="object",
        capture={"code": "code", "c": "a.b.item.c"},
    )
    assert [bytes(record) for record in page] == [b'{"code":"0","a":{"b":[1,{"c":2.50}]}}']
    assert {name: str(value) for name, value in page.captured.items()} == {"code": "0", "c": "2.50"}


@pytest.mark.parametrize("body", [b"{}", b'{"data":{ }}', b'{"data":null}', b'{"x":1}'])
def test_an_object_that_is_empty_or_not_there_is_no_record(body):
    """The feed must say that such a body has none, but for null."""
    path = "$" if body == b"{}" else "data"
    no_records = ["empty_object", "missing"]
    assert read(body, records=path, shape="object", no_records=no_records) == []
    if b"null" not in body:
        with pytest.raises(SourceRefusedError, match="no object at"):
            read(body, records=path, shape="object")


def test_an_object_without_end_is_refused():
    """And one that is longer than a record may be."""
    with pytest.raises(MalformedPageError, match="ends at byte 4, inside"):
        read(b'{"a"', records="$", shape="object")
    with pytest.raises(MalformedPageError, match="longer than limits"):
        read(
            b'{"a":"%b"}' % (b"x" * 50), sizes=[9], records="$", shape="object", max_record_bytes=9
        )


def test_what_follows_an_object_begins_with_its_brace():
    """As for arrays: the envelope goes on there."""
    body = Body(chunks(b'"a":{"b":"}"}},"c":1', [3]))
    inside, remainder = read_object(body, b"", max_record_bytes=MIB)
    assert inside == b'"a":{"b":"}"}'
    assert remainder.startswith(b"}")
    assert scan(b"1,[2,3],4]") == (7, 9)
