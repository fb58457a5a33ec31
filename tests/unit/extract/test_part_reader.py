"""A part that is there already is read record by record, or is an error."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from include.ticklake.errors import CorruptPartError
from include.ticklake.extract import part_reader
from include.ticklake.extract.part_reader import ReadablePart
from tests.support.json_texts import VALUES, minified
from tests.support.memory_storage import memory_storage
from tests.support.part_bytes import describe, part_bytes, readable

RECORDS = ['{"id":1}', '{"id":2}', '{"id":3}']


@given(texts=st.lists(VALUES.map(minified), min_size=1, max_size=20))
def test_every_record_is_read_as_it_was_written(texts):
    """Whatever it holds: a record is a line."""
    assert [bytes(record).decode() for record in readable(texts)] == texts


def test_records_longer_than_a_chunk_are_read_whole():
    """A part of a few large records, and one of many small ones."""
    large = [f'{{"id":{n},"s":"{"x" * 3_000_000}"}}' for n in range(3)]
    assert [len(bytes(record)) for record in readable(large)] == [len(text) for text in large]
    many = [f'{{"id":{n}}}' for n in range(200_000)]
    assert sum(1 for _ in readable(many)) == len(many)


def damaged() -> list[ReadablePart]:
    body = part_bytes(RECORDS)
    part = describe(body, rows=3)
    flipped = body[:20] + bytes([body[20] ^ 1]) + body[21:]
    bodies = [b"", b"not gzip", body[:-9], flipped, part_bytes(RECORDS[:2]), part_bytes([])]
    others = [ReadablePart(part, lambda body=body: io.BytesIO(body)) for body in bodies]
    return [*others, ReadablePart(replace(part, rows=4), lambda: io.BytesIO(body))]


@pytest.mark.parametrize("part", damaged())
def test_a_part_that_is_not_what_it_should_be_is_an_error(part):
    """Cut, changed, or of another number of records: at its end at the latest."""
    with pytest.raises(CorruptPartError, match="the part is not what its manifest says"):
        list(part)


def test_a_part_that_is_gone_is_an_error():
    """As one that is damaged: its records are unknown."""
    [part] = part_reader.committed(
        [describe(part_bytes(RECORDS), rows=3)], storage=memory_storage()
    )
    with pytest.raises(CorruptPartError, match="the part is gone"):
        list(part)


def test_a_part_is_measured_as_it_was_described():
    """For a manifest that is lost; the key holds the start of its hash."""
    storage, body = memory_storage(), part_bytes(RECORDS)
    part = describe(body, rows=3)
    storage.put(part.key, body)
    assert part_reader.measure(part.key, storage=storage) == part
    storage.put(part.key, part_bytes(RECORDS[:2]))
    with pytest.raises(CorruptPartError):
        part_reader.measure(part.key, storage=storage)
