"""What becomes of a unit that was fetched before, by what it held and what was fetched now."""

from __future__ import annotations

import pytest

from include.ticklake.errors import RecordsMissingError
from include.ticklake.lake.manifest_checks import part_number
from tests.support.feed_texts import SMALL, feed
from tests.support.memory_storage import memory_storage
from tests.support.staged_sets import FORGETFUL, NOW_MS, commit, row

ROWS = [row(number) for number in range(5)]
OTHERS = [row(number, 7) for number in range(5)]
KEYLESS = feed(fields={"v": {"type": "int64"}, "at": SMALL["fields"]["at"]})


def test_numbers_of_parts_are_not_used_again():
    """Whatever is superseded or comes back: a key never names another content."""
    storage = memory_storage()
    seen: dict[int, str] = {}
    for number, parts in enumerate([[ROWS], [OTHERS], [ROWS], [OTHERS, [row(9)]], [ROWS]] * 2):
        found = commit(storage, *parts, is_replacing=True)
        for section in found.json_sections:
            for part in section.parts:
                assert seen.setdefault(part_number(part.key), part.sha256) == part.sha256
        assert found.free_number >= len(seen), number
    assert len(seen) == 3


def test_parts_that_are_the_same_keep_their_keys():
    """A large unit whose last page was corrected does not double."""
    storage = memory_storage()
    first = commit(storage, ROWS[:2], ROWS[2:4], ROWS[4:])
    second = commit(storage, ROWS[:2], ROWS[2:4], OTHERS[4:])
    assert second.json.parts[:2] == first.json.parts[:2]
    assert part_number(second.json.parts[2].key) == 5
    assert (second.next_part, second.free_number) == (6, 6)


def test_an_empty_set_is_replaced_without_a_trace():
    """It holds nothing that could be lost; the manifest is as that of a first fetch."""
    storage, fresh = memory_storage(), memory_storage()
    commit(storage)
    assert commit(storage, ROWS) == commit(fresh, ROWS)


@pytest.mark.parametrize("is_replacing", [False, True])
def test_the_same_records_again_change_nothing_but_the_counts(is_replacing):
    """Also with --replace: there is nothing to replace."""
    storage = memory_storage()
    first = commit(storage, ROWS, pages=3)
    again = commit(storage, ROWS, pages=3, is_replacing=is_replacing)
    assert again == first
    assert commit(storage, ROWS, pages=4, is_replacing=is_replacing).json.parts == first.json.parts


def test_without_keys_fewer_records_are_refused():
    """Of the same number, other values are a correction."""
    storage = memory_storage()
    commit(storage, ROWS, of=KEYLESS)
    with pytest.raises(RecordsMissingError, match="1 of 5 records"):
        commit(storage, ROWS[1:], of=KEYLESS)
    assert commit(storage, OTHERS, of=KEYLESS).json.number == 2


def test_replacing_what_a_source_forgot_is_what_it_says():
    """Not an addition."""
    storage = memory_storage()
    commit(storage, ROWS, of=FORGETFUL)
    found = commit(storage, OTHERS[:2], of=FORGETFUL, is_replacing=True)
    assert (found.json.rows, found.superseded[0].json.rows) == (2, 5)
    assert found.superseded[0].superseded_at_ms == NOW_MS


def test_what_comes_back_is_compared_with_what_is_current():
    """A source that shrinks to an earlier state is refused as well."""
    storage = memory_storage()
    commit(storage, ROWS[:3])
    commit(storage, ROWS)
    with pytest.raises(RecordsMissingError, match="2 of 5"):
        commit(storage, ROWS[:3])


def test_a_set_keeps_its_number():
    """However often it is superseded and comes back."""
    storage = memory_storage()
    numbers = [
        commit(storage, rows, is_replacing=True).json.number
        for rows in (ROWS, OTHERS, ROWS, ROWS[:1], OTHERS)
    ]
    assert numbers == [1, 2, 1, 3, 2]


@pytest.mark.parametrize("others", [[], [OTHERS]], ids=["at once", "after another one"])
def test_a_snapshot_that_is_the_same_again_keeps_its_time(others):
    """Its Parquet has that time, and is current by the records alone: also with --replace."""
    storage, fields = memory_storage(), SMALL["fields"] | {
        "at": {"from": "$fetched_at", "type": "timestamp", "event_time": True}
    }  # fmt: skip
    snapshot = feed(snapshot=True, fields=fields)
    first = commit(storage, ROWS, of=snapshot, is_replacing=True)
    for minute, rows in enumerate([*others, ROWS], start=1):
        later_ms = NOW_MS + minute * 60_000
        found = commit(storage, rows, of=snapshot, is_replacing=True, fetched_at_ms=later_ms)
    assert (found.json.digest, found.json.fetched_at_ms) == (first.json.digest, NOW_MS)
