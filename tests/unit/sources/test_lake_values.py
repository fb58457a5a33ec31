"""Two records are the same where the lake would hold the same, however their sources write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.model.record import Record
from include.ticklake.sources.lake_values import lake_digest, values_digest
from include.ticklake.sources.record_digest import is_by_key
from tests.support.feed_texts import SMALL, feed

AT = SMALL["fields"]["at"]


def of_type(**options: object):
    return feed(fields={"v": {"key": True, **options}, "at": AT})


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        ({"type": "int64"}, ["7", '"7"', "7.0", '"7e0"', '"007"']),
        ({"type": "decimal(18,8)"}, ["1.5", '"1.50000000"', '"15e-1"']),
        ({"type": "double"}, ["0.5", '"0.50"']),
        ({"type": "bool"}, ["true", '"True"', "1", '"1"']),
        ({"type": "string"}, ['"\\u00e9"', '"\\u00E9"']),
        ({"type": "date"}, ['"2026-01-02"']),
        ({"type": "timestamp", "unit": ["ms", "us"]},
         ["1735689600000", '"1735689600000000"', "1735689600000.0"]),
        ({"type": "timestamp", "unit": "iso"},
         ['"2025-01-01T00:00:00Z"', '"2025-01-01T01:00:00.000+01:00"']),
    ],
)  # fmt: skip
def test_the_same_value_in_any_spelling_is_the_same_key(options, texts):
    """And as a value beside the key, too."""
    digest = lake_digest(of_type(**options))
    records = [Record(f'{{"v":{text}}}'.encode()) for text in texts]
    assert len({digest(record) for record in records}) == 1
    assert is_by_key(digest(records[0]))
    beside = values_digest(feed(fields={"v": options, "at": AT}))
    assert len({beside(record) for record in records}) == 1


@given(one=st.integers(-(2**70), 2**70), other=st.integers(-(2**70), 2**70))
def test_other_numbers_are_other_keys(one, other):
    """Also those that no column holds."""
    digest = lake_digest(of_type(type="int64"))
    first, second = (digest(Record(b'{"v":"%d"}' % number)) for number in (one, other))
    assert (first == second) == (one == other)


@pytest.mark.parametrize("text", ["null", '""', None])
def test_a_record_without_its_key_is_compared_as_a_whole(text):
    """Two of them are the same only to the byte."""
    digest = lake_digest(of_type(type="int64"))
    records = [
        Record(f'{{"x":{number}{f",{chr(34)}v{chr(34)}:{text}" if text else ""}}}'.encode())
        for number in (1, 2)
    ]
    assert not any(is_by_key(digest(record)) for record in records)
    assert digest(records[0]) != digest(records[1])


def test_long_keys_are_short_digests():
    """They are held in memory."""
    digest = lake_digest(of_type(type="string"))
    assert len(digest(Record(b'{"v":"%b"}' % (b"x" * 100)))) == 16
