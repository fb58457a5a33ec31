"""Facts of a column: of its values, their order and its nulls, and of nothing else."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.kernel.column_facts import ColumnFacts, ColumnTotal

KINDS = {
    pa.int64(): lambda value: value,
    pa.date32(): lambda value: value,
    pa.timestamp("ns", "UTC"): lambda value: value,
    pa.float64(): lambda value: value / 4,
    pa.string(): lambda value: "xé" * (value + 5),
    pa.bool_(): lambda value: value > 0,
    pa.decimal128(9, 2): Decimal,
    pa.decimal256(60, 2): lambda value: Decimal(value).scaleb(40),
}


def facts_of(*columns: pa.Array | pa.ChunkedArray) -> ColumnFacts:
    """The facts of *columns*, one beside the other."""
    return ColumnFacts.of(pa.table([*columns], [str(number) for number in range(len(columns))]))


def is_same(one: ColumnFacts, other: ColumnFacts) -> bool:
    """Whether no column differs."""
    return not [*one.differences(other)]


@given(
    values=st.lists(st.integers(-5, 5) | st.none(), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    kind=st.sampled_from([*KINDS]),
)
def test_facts_depend_on_the_values_alone(values, cuts, kind):
    """Not on how they are chunked, sliced, or what lies in memory where a null is."""
    values = [None if value is None else KINDS[kind](value) for value in values]
    whole = pa.array([values[0], *values, *values[:1]] if values else [], kind)
    array = whole.slice(1, len(values))
    edges = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    pieces = [array.slice(a, b - a) for a, b in pairwise(edges)]
    facts = facts_of(pa.chunked_array(pieces, type=kind))
    assert is_same(facts, facts_of(pa.array(values, kind)))
    if values:
        other = pa.array([*values[1:], values[0]], kind)
        assert is_same(facts_of(other), facts) is other.equals(pa.array(values, kind))
        assert facts_of(other).total(0) == facts.total(0)


@given(st.data(), st.sampled_from([*KINDS]))
def test_another_value_is_another_total(data, kind):
    """Also one that differs in a single place, and one value more or less."""
    numbers = data.draw(st.lists(st.integers(-5, 5), min_size=1, max_size=20))
    changed = [*numbers]
    changed[data.draw(st.integers(0, len(numbers) - 1))] = data.draw(st.integers(-5, 5))

    def total(some: list[int]) -> ColumnTotal:
        return facts_of(pa.array(map(KINDS[kind], some), kind)).total(0)

    same = sorted(map(KINDS[kind], numbers)) == sorted(map(KINDS[kind], changed))
    assert (total(numbers) == total(changed)) is same
    assert total(numbers) != total([*numbers, numbers[0]])


@pytest.mark.parametrize("length", range(40))
def test_every_letter_of_a_text_counts(length):
    """Also those behind the last eight."""
    text = "x" * length
    others = {text + "x", text + "\0", *(text[:at] + "y" + text[at + 1 :] for at in range(length))}
    totals = {facts_of(pa.array([some])).total(0) for some in others}
    assert len(totals) == len(others)
    assert facts_of(pa.array([text])).total(0) not in totals


def test_totals_add_up():
    """Those of two columns are the total of both, whatever their order."""
    both = facts_of(pa.array([1, None, 3]))
    one, other = facts_of(pa.array([3])), facts_of(pa.array([None, 1]))
    assert one.total(0) + other.total(0) == both.total(0)
    assert both.total(0).nulls == 1
    one.add(pa.table([pa.array([1, None])], ["0"]))
    assert one.total(0) == both.total(0)
    assert not is_same(one, both)


def test_each_column_has_its_own_facts():
    """A part of them is as if the others were not there."""
    columns = [pa.array([1, 2]), pa.array(["x", None]), pa.array([True, False])]
    facts = facts_of(*columns)
    assert is_same(facts.part(1, 2), facts_of(*columns[1:]))
    assert [*facts.differences(facts_of(columns[0], pa.array(["x", ""]), columns[2]))] == [1]
