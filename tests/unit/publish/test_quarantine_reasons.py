"""Reasons of quarantined records are counted without the values that they name."""

from __future__ import annotations

import json

import pytest

from include.ticklake.publish.quarantine_reasons import (
    MAX_RECORDS,
    OTHER,
    count_reasons,
    general_reason,
)
from tests.support import lake_factory, staged_factory
from tests.support.memory_storage import memory_storage
from tests.support.window_manifests import quarantine_body

KEY = "quarantine/trades/symbol=BTCUSDT/date=2026-11-22/w.jsonl.gz"
BROKEN = quarantine_body(["{}"] * 99)[:10] + b"\xff" * 20
NOT_A_NUMBER = "price: is not a number"


@pytest.mark.parametrize(
    ("reason", "general"),
    [
        ('price: "abc" is not a number', NOT_A_NUMBER),
        ('price: "x is y has \\" z" is not a number', NOT_A_NUMBER),
        (f'price: "{"a" * 39}... is not a number', NOT_A_NUMBER),
        ("price: an object is not a number", NOT_A_NUMBER),
        ("price: null is not a number", NOT_A_NUMBER),
        (
            "price: 1.123456789 has more digits after the point than decimal(18,8) holds",
            "price: has more digits after the point than decimal(18,8) holds",
        ),
        ("at: \"1\" is not a time written as '%H'", "at: is not a time written as '%H'"),
        ("price: there is no value at 'p'", "price: there is no value at ..."),
        ("not JSON: Expecting value at character 17", "not JSON: Expecting value"),
        ("not UTF-8 at byte 3", "not UTF-8"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_reason_is_made_general(reason, general):
    """The value, a text of any kind, and the place are left out."""
    assert general_reason(reason) == general


def test_the_records_of_a_real_conversion_are_counted():
    """By what was wrong with them."""
    storage = memory_storage()
    records = [staged_factory.record(n) for n in range(5)]
    records += [record.replace('"p":"', f'"p":"{n}x') for n, record in enumerate(records)]
    records.append(records[0].replace('"n":0', '"n":null'))
    feed = staged_factory.feed()
    staged = staged_factory.stage(feed, [records], storage=storage)
    parquet = lake_factory.convert(
        staged.key, feed=feed, storage=storage, budget=lake_factory.BUDGET
    ).manifest.require_parquet()
    assert parquet.quarantine_key
    counts = count_reasons(parquet.quarantine_key, rows=parquet.quarantined_rows, storage=storage)
    assert counts == {NOT_A_NUMBER: 5, "number: there is no value at ...": 1}


def test_no_more_than_a_number_of_records_is_looked_at():
    """The others are counted as other ones, and so are rare reasons."""
    storage = memory_storage()
    lines = [json.dumps({"reason": f"a{n % 30}: {n} is not a number"}) for n in range(3_000)]
    storage.put(KEY, quarantine_body(lines))
    counts = count_reasons(KEY, rows=3_000, storage=storage)
    assert sum(counts.values()) == 3_000
    assert len(counts) == 11
    assert counts[OTHER] >= 3_000 - MAX_RECORDS


@pytest.mark.parametrize(
    "body",
    [None, b"", b"no gzip", BROKEN, quarantine_body(["no JSON"]), quarantine_body(["{}"])],
    # gzip has the time in its header: as ids the bodies would differ from process to process.
    ids=["gone", "empty", "no gzip", "broken", "no JSON", "no entry"],
)
def test_what_is_no_quarantine_is_counted_as_other(body):
    """It was replaced or has expired meanwhile."""
    storage = memory_storage()
    if body is not None:
        storage.put(KEY, body)
    assert count_reasons(KEY, rows=4, storage=storage) == {OTHER: 4}


def test_a_unit_without_rows_has_no_reasons():
    """Nothing is to be counted."""
    assert count_reasons(KEY, rows=0, storage=memory_storage()) == {}
