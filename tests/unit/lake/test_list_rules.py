"""Whatever listings, delistings and failures come, the list in force follows from the good ones."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from include.ticklake.lake import list_rules
from include.ticklake.lake.list_rules import ListReading, RefusedListError
from include.ticklake.lake.slice_lists import Listing, ListSource, ValueList

SOURCE = ListSource(feed="symbols", column="symbol")
OTHER = ListSource(feed="symbols", column="symbol", where={"status": ["ON"]})
NAMES = st.lists(st.sampled_from("ABCDEFGHIJ"), max_size=10, unique=True)
MAY_SHRINK = 0.25


def reading(values, at_ms, source=SOURCE) -> ListReading:
    """One reading, whose digest is its time."""
    return ListReading(source=source, as_of_ms=at_ms, digest=str(at_ms), values=values)


def renewed(current, new, now_ms=0, *, accepts_shrink=False) -> ValueList:
    """The list after a reading, where a quarter may leave."""
    return list_rules.renewed(
        current, new, may_shrink=MAY_SHRINK, now_ms=now_ms, feed="prices",
        accepts_shrink=accepts_shrink,
    )  # fmt: skip


class ListOverTime(RuleBasedStateMachine):
    """The list against a plain account of the moments at which each value was listed."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.current: ValueList | None = None
        self.model: set[str] = set()
        self.history: dict[str, list[tuple[int, int | None]]] = {}

    def _accept(self, values, at_ms) -> None:
        for value in set(values) - self.model:
            self.history.setdefault(value, []).append((at_ms, None))
        for value in self.model - set(values):
            self.history[value][-1] = (self.history[value][-1][0], at_ms)
        self.model = set(values)

    @rule(values=NAMES, accepts=st.booleans())
    def read(self, values, accepts) -> None:
        """A newer reading: refused where it is empty or lost too much, else in force."""
        self.now_ms += 1_000
        gone = self.model - set(values)
        is_good = bool(values) and (
            accepts or Fraction(len(gone)) <= Fraction(len(self.model)) * Fraction(1, 4)
        )
        try:
            new = renewed(self.current, reading(values, self.now_ms), accepts_shrink=accepts)
        except RefusedListError as error:
            assert not is_good
            if self.current:
                self.current = list_rules.with_problem(self.current, str(error), now_ms=self.now_ms)
        else:
            assert is_good
            self.current = new
            assert new.problem is None
            self._accept(values, self.now_ms)

    @precondition(lambda self: self.current is not None)
    @rule(back_ms=st.integers(1, 5_000), values=NAMES.filter(bool))
    def read_an_older_one(self, back_ms, values) -> None:
        """A window from before the one that is in force changes nothing."""
        with pytest.raises(RefusedListError, match="it is older than the one in force"):
            renewed(self.current, reading(values, self.current.as_of_ms - back_ms))

    @invariant()
    def what_is_in_force_is_the_last_good_reading(self) -> None:
        """Sorted, with every value that ever was listed, and when."""
        if self.current is None:
            assert not self.model
            return
        assert self.current.in_force == sorted(self.model)
        assert list(self.current.values) == sorted(self.history)
        assert {name: list(at) for name, at in self.current.values.items()} == self.history


TestListOverTime = ListOverTime.TestCase


def test_another_source_is_taken_as_it_is_from_now_on():
    """Its author changed the file: how much leaves by that is no failure."""
    first = renewed(None, reading(list("ABCD"), 1_000))
    second = renewed(first, reading(["Z"], 1_000, OTHER), now_ms=7_000)
    assert second.in_force == ["Z"]
    assert second.values["A"] == (Listing(1_000, 7_000),)
    assert second.values["Z"] == (Listing(7_000),)
    with pytest.raises(RefusedListError, match="it is empty"):
        renewed(second, reading([], 8_000))


def test_a_problem_keeps_the_time_at_which_it_began():
    """However its text changes."""
    listed = renewed(None, reading(["A"], 1_000))
    once = list_rules.with_problem(listed, "it is empty", now_ms=2_000)
    again = list_rules.with_problem(once, "the part is gone", now_ms=3_000)
    assert (again.problem.since_ms, again.problem.text) == (2_000, "the part is gone")


def test_a_value_that_comes_and_goes_keeps_its_latest_times():
    """The list stays small, whatever the source does."""
    listed = renewed(None, reading(["A", "B"], 0))
    for step in range(1, 500):
        values = ["A", "B"] if step % 2 == 0 else ["B"]
        listed = renewed(listed, reading(values, step), accepts_shrink=True)
    assert len(listed.values["A"]) == 100
    assert listed.values["A"][-1] == Listing(498, 499)
