"""Where pages overlap, each record comes through once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.extract.dedup import REMEMBERED, RecentKeys
from include.ticklake.model.record import Record
from tests.support.feed_texts import feed

AT = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
FEED = feed(
    fields={
        "id": {"type": "int64", "key": True},
        "side": {"from": "a.side", "type": "string", "key": True},
        "at": AT,
    }
)


def record(number: int, side: str = "buy", **more) -> Record:
    return Record(json.dumps({"id": number, "a": {"side": side}} | more).encode())


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["buy", "sell"])), max_size=40))
def test_a_key_goes_through_once(keys):
    """All of a key's fields count, and nothing else of a record does."""
    overlap, seen = RecentKeys(FEED), set()
    for turn, key in enumerate(keys):
        assert overlap.seen_before(record(*key, t=turn)) is (key in seen)
        seen.add(key)


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(0, 20))
def test_another_process_goes_on_with_the_keys(numbers, cut):
    """As if it had seen the records itself."""
    whole, first = RecentKeys(FEED), RecentKeys(FEED)
    expected = [whole.seen_before(record(n)) for n in numbers]
    found = [first.seen_before(record(n)) for n in numbers[:cut]]
    second = RecentKeys(FEED, keys=first.keys)
    found += [second.seen_before(record(n)) for n in numbers[cut:]]
    assert found == expected
    assert second.keys == whole.keys


def test_only_the_last_keys_are_remembered():
    """More than a page has, but not all of a long window."""
    overlap = RecentKeys(FEED)
    for number in range(REMEMBERED + 100):
        assert not overlap.seen_before(record(number))
    assert len(overlap.keys) == REMEMBERED
    assert overlap.seen_before(record(REMEMBERED + 99))
    assert not overlap.seen_before(record(0))


@pytest.mark.parametrize(
    "text",
    [
        '{"id":1}', '{"a":{"side":"buy"}}', '{"id":1,"a":null}', "[1,2]", '"x"', "{}",
    ],
    ids=lambda text: text[:44],
)  # fmt: skip
def test_a_record_without_a_readable_key_is_no_duplicate(text):
    """The converter will say what is wrong with it, each time."""
    overlap = RecentKeys(FEED)
    assert not overlap.seen_before(Record(text.encode()))
    assert not overlap.seen_before(Record(text.encode()))
    assert overlap.keys == ()


def test_keys_that_differ_by_half_a_surrogate_pair_are_two():
    """Such a key is readable, and so is the rest of a record that holds one."""
    overlap = RecentKeys(FEED)
    texts = [rf'{{"id":"\u{half}","a":{{"side":"buy"}},"s":"\udc00"}}' for half in ("d83d", "d83e")]
    assert [overlap.seen_before(Record(text.encode())) for text in texts * 2] == [
        False,
        False,
        True,
        True,
    ]
