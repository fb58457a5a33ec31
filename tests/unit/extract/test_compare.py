"""What one set of parts has and another lacks, whatever the parts are cut into."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.extract import compare
from include.ticklake.extract.compare import Missing
from tests.support.feed_texts import SMALL, feed
from tests.support.part_bytes import readable

KEYED = feed()
KEYLESS = feed(fields={"id": {"type": "int64"}, "at": SMALL["fields"]["at"]})
RECORDS = st.builds(
    lambda key, value: json.dumps({"id": key, "v": value}),
    st.one_of(st.none(), st.integers(0, 12)),
    st.integers(0, 3),
)
PARTS = st.lists(st.lists(RECORDS, min_size=1, max_size=6), max_size=4)


def keys(parts: list[list[str]]) -> set[int]:
    ids = [json.loads(record)["id"] for part in parts for record in part]
    return {key for key in ids if key is not None}


def keyless(parts: list[list[str]]) -> list[str]:
    return [record for part in parts for record in part if json.loads(record)["id"] is None]


def read(parts: list[list[str]]):
    return [readable(part) for part in parts]


@given(old=PARTS, new=PARTS, held=st.integers(1, 5))
def test_the_keys_that_the_new_set_lacks_are_counted(old, new, held):
    """Of any two sets, however few keys are held at once; records without a key by their number."""
    missing = compare.missing(KEYED, read(old), read(new), held_keys=held)
    lacking = keys(old) - keys(new)
    fewer = max(len(keyless(old)) - len(keyless(new)), 0)
    assert (missing.rows > 0) == bool(lacking or fewer)
    assert missing.rows >= len(lacking) + fewer
    if held == 5 and len(keys(old)) <= 5:
        assert missing.rows == len(lacking) + fewer
    if lacking:
        assert int(missing.example) in lacking
    else:
        assert missing.example is None


@given(old=PARTS, new=PARTS)
def test_without_keys_only_the_numbers_of_records_are_compared(old, new):
    """A source may correct any value; that it returns fewer records is what shows."""
    rows = sum(map(len, old)) - sum(map(len, new))
    assert compare.missing(KEYLESS, read(old), read(new)) == Missing(max(rows, 0))


@given(old=PARTS, new=PARTS)
def test_only_records_that_are_new_are_added(old, new):
    """In the source's order; old and added together hold every record of both, once."""
    added = [bytes(record).decode() for record in compare.additions(KEYED, read(old), read(new))]
    both = [*old, added]
    assert keys(both) == keys(old) | keys(new)
    assert not keys(old) & keys([added])
    assert Counter(keyless(both)) == Counter(keyless(old)) | Counter(keyless(new))
    order = iter([record for part in new for record in part])
    assert all(record in order for record in added)


@given(old=PARTS, new=PARTS)
def test_records_without_keys_are_there_as_often_as_in_either_set(old, new):
    """Two trades that are the same to the letter are two trades."""
    added = [bytes(record).decode() for record in compare.additions(KEYLESS, read(old), read(new))]
    count = lambda parts: Counter(record for part in parts for record in part)  # noqa: E731
    assert count(old) + Counter(added) == count(old) | count(new)


def test_parts_that_are_the_same_are_not_read_on_the_old_side():
    """A set of a hundred parts that differs in the last one costs one part."""

    def refuse() -> None:
        pytest.fail("it was read")

    same, old, new = readable(['{"id":1}']), readable(['{"id":2}']), readable(['{"id":3}'])
    unread = type(same)(same.part, refuse)
    assert compare.missing(KEYED, [unread, old], [same, new]) == Missing(1, "2")
