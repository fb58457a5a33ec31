"""The sha256 of what was read or written is that of its bytes, however it was cut."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.lake.hashing import HashingWriter, is_intact, sha256_of, sha256_of_object
from include.ticklake.lake.storage import Storage

BODY = bytes(range(256)) * 10_000  # more than two chunks


@given(chunks=st.lists(st.binary(max_size=50)))
def test_a_writer_counts_and_hashes_what_it_passes_on(chunks):
    """Whatever the sizes of the writes are."""
    sink = io.BytesIO()
    writer = HashingWriter(sink)
    for chunk in chunks:
        assert writer.write(chunk) == len(chunk)
    body = b"".join(chunks)
    assert sink.getvalue() == body
    assert writer.hexdigest() == hashlib.sha256(body).hexdigest()
    assert writer.size_bytes == writer.tell() == len(body)


def test_closing_a_writer_closes_the_stream_once():
    """A stream publishes what was written when it is closed."""
    sink = io.BytesIO()
    writer = HashingWriter(sink)
    writer.close()
    writer.close()
    assert sink.closed
    assert HashingWriter(io.BytesIO()).writable()


def test_a_file_is_hashed_from_its_beginning():
    """Wherever its position is."""
    file = io.BytesIO(BODY)
    file.seek(7)
    assert sha256_of(file) == hashlib.sha256(BODY).hexdigest()


def test_an_object_is_hashed_where_it_is(tmp_path):
    """A missing one is an error."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("json/a", BODY)
    assert sha256_of_object("json/a", storage) == hashlib.sha256(BODY).hexdigest()
    with pytest.raises(FileNotFoundError):
        sha256_of_object("json/b", storage)


def test_an_object_that_goes_while_it_is_looked_at_is_not_intact(tmp_path):
    """Retention may delete it at any moment: that is no failure of who looks."""
    storage = Storage.open(f"file://{tmp_path}", {})
    storage.put("json/a", BODY)
    sha256 = hashlib.sha256(BODY).hexdigest()
    assert is_intact("json/a", sha256, storage=storage)
    assert not is_intact("json/a", sha256[::-1], storage=storage)
    assert not is_intact("json/b", sha256, storage=storage)
