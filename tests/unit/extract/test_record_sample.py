"""A stretch of any length is remembered in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.extract.record_sample import MAX_SAMPLE, RecordSample


@given(st.sets(st.text(), max_size=50), st.text())
def test_a_short_stretch_is_remembered_as_a_whole(digests, other):
    """What it has, and what it has not."""
    sample = RecordSample()
    for digest in digests:
        sample.add(digest)
    assert all(sample.has(digest) for digest in digests)
    assert sample.has(other) is (other in digests)


def test_of_a_long_stretch_a_fair_sample_is_remembered():
    """It never says that the stretch lacks what it has; of others it says so for some."""
    sample = RecordSample()
    for number in range(20 * MAX_SAMPLE):
        sample.add(str(number))
    assert MAX_SAMPLE / 4 < len(sample.digests) <= MAX_SAMPLE
    answers = [sample.has(str(number)) for number in range(20 * MAX_SAMPLE)]
    assert False not in answers
    assert answers.count(True) == len(sample.digests)
    others = [sample.has(f"x{number}") for number in range(10_000)]
    assert others.count(False) > 10_000 / sample.one_in / 2
    assert True not in others


def test_another_process_samples_the_same_records():
    """The choice depends on the record only."""
    first = RecordSample()
    for number in range(10_000):
        first.add(str(number))
    second = RecordSample(first.digests, one_in=first.one_in)
    for sample in (first, second):
        for number in range(10_000, 20_000):
            sample.add(str(number))
    assert (first.digests, first.one_in) == (second.digests, second.one_in)
