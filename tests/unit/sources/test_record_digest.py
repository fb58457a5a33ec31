"""A record is known by its key, or by all of it."""

from __future__ import annotations

import pytest

from include.ticklake.model.record import Record
from include.ticklake.sources.record_digest import is_by_key, key_digest, record_digest
from tests.support.feed_texts import feed

AT = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
KEYED = feed(
    fields={
        "id": {"type": "string", "key": True},
        "side": {"from": "a.side", "type": "string", "key": True},
        "at": AT,
    }
)


def test_the_key_counts_and_nothing_else():
    """Whatever the rest of the record is."""
    digest = record_digest(KEYED)
    first, same, other = (
        Record(text) for text in (b'{"id":"7","a":{"side":"buy"},"t":1}',
                                  b'{"t":2,"id":"7","a":{"x":1,"side":"buy"}}',
                                  b'{"id":"7","a":{"side":"sell"},"t":1}')
    )  # fmt: skip
    assert digest(first) == digest(same) != digest(other)
    assert is_by_key(digest(first))


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '{"id":"7","a":{"side":null}}', '{"id":null,"a":{"side":"buy"}}']
)
def test_a_record_without_a_key_is_known_by_all_of_it(text):
    """A key that is null is no key."""
    assert key_digest(KEYED)(Record(text.encode())) is None
    digest = record_digest(KEYED)
    assert digest(Record(text.encode())) == digest(Record(text.encode()))
    assert digest(Record(text.encode())) != digest(Record(f" {text}".encode()))
    assert not is_by_key(digest(Record(text.encode())))


def test_a_long_key_has_a_short_digest():
    """Thousands of them are remembered."""
    digests = {
        record_digest(KEYED)(Record(b'{"id":"%s%d","a":{"side":"buy"}}' % (b"x" * 9_999, end)))
        for end in range(3)
    }
    assert [len(digest) for digest in digests] == [16] * 3


def test_keys_that_differ_by_half_a_surrogate_pair_are_two():
    """Such a key is readable, and so is the rest of a record that holds one."""
    texts = [rf'{{"id":"\u{half}","a":{{"side":"buy"}},"s":"\udc00"}}' for half in ("d83d", "d83e")]
    digests = {record_digest(KEYED)(Record(text.encode())) for text in texts * 2}
    assert len(digests) == 2
    assert all(map(is_by_key, digests))
