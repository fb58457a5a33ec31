"""Where pages overlap, each record comes through once, and a page that came before is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import MalformedPageError
from include.ticklake.extract.dedup import REMEMBERED, OverlapState, RecentRecords
from include.ticklake.feed.feed import Feed
from include.ticklake.model.record import Record
from tests.support.feed_texts import feed

AT = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
KEYED = {
    "id": {"type": "int64", "key": True},
    "side": {"from": "a.side", "type": "string", "key": True},
    "at": AT,
}
BY_CURSOR = {
    "capture": {"next": "next"},
    "paging": {"kind": "cursor", "param": "since", "cursor": "next"},
}
FEED = feed(fields=KEYED, source=BY_CURSOR)
NO_KEY = feed(fields={"at": AT}, source=BY_CURSOR)
LAST_PAGE_AGAIN = {"paging": {"kind": "page", "after_last_page": "repeated"}}

Page = list[tuple[int, int]]
"""A page: number and time of each record."""


def recent(described: Feed = FEED, state: OverlapState | None = None) -> RecentRecords:
    return RecentRecords(described, described.source.paging, state or OverlapState())


def record(number: int, side: str = "buy", **more) -> Record:
    return Record(json.dumps({"id": number, "a": {"side": side}} | more).encode())


def new_of(pages: list[Page], records: RecentRecords, **more) -> list[int]:
    """The numbers of the records that come for the first time."""
    new = []
    for page in pages:
        for number, at in page:
            if not records.seen_before(record(number, t=at, **more), at):
                new.append(number)
        records.end_page("/rows?since=7")
    return new


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["buy", "sell"])), max_size=40))
def test_a_key_goes_through_once(keys):
    """All of a key's fields count, and nothing else of a record does."""
    records, seen = recent(), set()
    for turn, key in enumerate(keys):
        assert records.seen_before(record(*key, t=turn), turn) is (key in seen)
        seen.add(key)


def test_only_the_last_keys_are_remembered():
    """More than a page has, but not all of a long window."""
    records = recent()
    for number in range(REMEMBERED + 100):
        assert not records.seen_before(record(number), number)
    assert len(records.state().recent) == REMEMBERED
    assert records.seen_before(record(REMEMBERED + 99), 0)
    assert not records.seen_before(record(0), 0)


@pytest.mark.parametrize(
    "text",
    [
        '{"id":1}', '{"a":{"side":"buy"}}', '{"id":1,"a":null}', "[1,2]", '"x"', "{}",
        '{"id":null,"a":{"side":"buy"}}', '{"id":"","a":{"side":"buy"}}',
        '{"id":1,"a":{"side":null}}', '{"id":1,"a":{"side":"?"}}', '{"id":"?","a":{"side":"buy"}}',
        '{"id":-1,"a":{"side":"buy"}}', '{"id":"-1.0","a":{"side":"buy"}}',
    ],
    ids=lambda text: text[:44],
)  # fmt: skip
def test_a_record_without_a_readable_key_is_no_duplicate(text):
    """Nor is one whose key has a part that is null, or stands for no value."""
    records = recent(feed(fields=KEYED, source=BY_CURSOR, null_values=["?", -1]))
    assert not records.seen_before(Record(text.encode()), None)
    assert not records.seen_before(Record(text.encode()), None)


def test_a_record_without_a_key_comes_once_at_the_edge_of_two_pages():
    """Elsewhere it may be another one that is the same."""
    pages = [[(1, 5), (2, 6), (3, 7)], [(3, 7), (1, 5), (4, 8)]]
    assert new_of(pages, recent(NO_KEY)) == [1, 2, 3, 4]
    assert new_of([[(1, 5), (2, 6), (2, 6), (3, 7)], [(4, 8), (2, 6)]], recent(NO_KEY)) == [
        1, 2, 2, 3, 4, 2,
    ]  # fmt: skip


def test_an_edge_is_known_by_its_place_where_times_say_nothing():
    """Without an order, or with a record that is late."""
    pages = [[(1, 7), (2, 5), (3, 6)], [(2, 5), (3, 6), (4, 1)]]
    assert new_of(pages, recent(NO_KEY)) == [1, 2, 3, 4]
    first = recent(NO_KEY)
    assert new_of(pages[:1], first) == [1, 2, 3]
    assert new_of(pages[1:], recent(NO_KEY, first.state())) == [4]


def test_a_page_that_starts_as_the_one_before_and_goes_on_otherwise_is_an_error():
    """Without a key nobody can tell which of its records are new."""
    with pytest.raises(MalformedPageError, match=r"since=7: it starts with .*mark the key"):
        new_of([[(1, 7), (3, 6), (2, 5)], [(3, 6), (4, 1)]], recent(NO_KEY))


@pytest.mark.parametrize("described", [FEED, NO_KEY], ids=["by key", "by the whole record"])
def test_a_page_whose_records_came_before_is_refused(described):
    """With what was requested, and with what to check."""
    page = [(number, number) for number in range(5)]
    with pytest.raises(
        MalformedPageError,
        match=r"^/rows\?since=7: its 5 records all came before: the source ignores its "
        r"parameter or starts over; check source.paging \(cursor, since\)",
    ):
        new_of([page, page], recent(described))


def test_the_same_ids_with_other_prices_are_the_same_page():
    """A parameter that the API ignores while its prices move."""
    page, records = [(1, 5), (2, 6)], recent()
    new_of([page], records, price=7)
    with pytest.raises(MalformedPageError, match="its 2 records all came before"):
        new_of([page], records, price=8)


def test_the_same_times_with_other_prices_are_the_same_page():
    """Where the feed has no key, but an order; without an order, times come again."""
    page, records = [(1, 5), (2, 6)], recent(NO_KEY)
    new_of([page], records, price=7)
    with pytest.raises(
        MalformedPageError,
        match=r"2 records have the times of those of the page.*mark the key",
    ):
        new_of([page], records, price=8)
    unordered = recent(feed(fields={"at": AT}, source=BY_CURSOR, order="none"))
    assert new_of([page], unordered, price=7) == new_of([page], unordered, price=8) == [1, 2]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([[(1, 5), (2, 6)], [(2, 6)], [(3, 7)]], id="an inclusive cursor"),
        pytest.param([[(1, 5), (2, 6)], [(2, 6)]], id="an inclusive cursor at the end"),
        pytest.param([[(1, 5), (2, 6), (3, 6)], [(2, 6), (3, 6)]], id="a shared instant again"),
        pytest.param([[(1, 5), (2, 6), (3, 7)], [(2, 6), (3, 7)]], id="the end, asked by seconds"),
        pytest.param([[(1, 5), (2, 6)], [(2, 6), (3, 7)], [(2, 6), (3, 7), (4, 8)]],
                     id="a ranking that shifts"),
        pytest.param([[(1, 5)], [(1, 5)], [(1, 5)], [(2, 9)]], id="one candle in several steps"),
        pytest.param([[(1, 5)], [], [], []], id="empty pages"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("described", [FEED, NO_KEY], ids=["by key", "by the whole record"])
def test_pages_that_overlap_by_right_are_not_refused(described, pages):
    """They repeat some records, or the last ones."""
    numbers = {number for page in pages for number, _ in page}
    assert set(new_of(pages, recent(described))) == numbers


def test_the_last_records_may_come_again_once():
    """A source that returns them forever makes no progress."""
    tail = [(2, 6), (3, 7)]
    with pytest.raises(MalformedPageError, match="all came before"):
        new_of([[(1, 5), *tail], tail, tail], recent())


def test_the_same_record_forever_is_refused_in_the_end():
    """After a hundred pages."""
    with pytest.raises(MalformedPageError, match="its 1 records all came before"):
        new_of([[(1, 5)]] * 101, recent())


def test_records_outside_of_the_window_are_compared_too():
    """Two old records among many that lie outside are not the whole page."""
    records = recent()
    assert new_of([[(1, 5), (2, 6)]], records) == [1, 2]
    assert new_of([[(1, 5), (2, 6), (3, 99), (4, 99)]], records) == [3, 4]


@pytest.mark.parametrize("described", [
    feed(fields=KEYED, source=LAST_PAGE_AGAIN), feed(fields={"at": AT}, source=LAST_PAGE_AGAIN),
], ids=["by key", "by the whole record"])  # fmt: skip
@pytest.mark.parametrize("resumes", [False, True])
def test_the_last_page_again_brings_nothing_new(described, resumes):
    """It is no error where the feed says so; also where another process has read the first."""
    records, last = recent(described), [(3, 7), (4, 8)]
    assert new_of([[(1, 5), (2, 6)], last], records) == [1, 2, 3, 4]
    if resumes:
        records = recent(described, records.state())
    assert new_of([last, last], records) == []
    with pytest.raises(MalformedPageError, match="all came before"):
        new_of([[(1, 5), (2, 6)]], records)


def test_a_last_page_that_came_again_in_part_is_refused():
    """Without a key nothing says which of its records are new."""
    described = feed(fields={"at": AT}, source=LAST_PAGE_AGAIN)
    with pytest.raises(MalformedPageError, match="starts as the page before, and differs"):
        new_of([[(3, 7), (4, 8)], [(3, 7), (4, 8), (5, 9)]], recent(described))


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=6), max_size=9),
    st.integers(0, 9),
)
@pytest.mark.parametrize("described", [FEED, NO_KEY], ids=["by key", "by the whole record"])
def test_another_process_goes_on_as_if_it_had_read_all_pages(described, pages, cut):
    """By what is in the checkpoint."""

    def outcome(*stretches: list[Page]) -> object:
        state, new = OverlapState(), []
        try:
            for stretch in stretches:
                records = recent(described, state)
                new += new_of(stretch, records)
                state = records.state()
        except MalformedPageError as refused:
            return str(refused)
        return new, state

    assert outcome(pages[:cut], pages[cut:]) == outcome(pages)
