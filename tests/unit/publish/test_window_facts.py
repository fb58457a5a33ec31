"""A window's letter follows from its manifest; of several that apply, the most telling one."""

from __future__ import annotations

import logging

import pytest
from msgspec.structs import replace

from include.ticklake.lake.summary import WindowState
from include.ticklake.model.unit import Unit
from include.ticklake.publish import window_facts
from tests.support import lake_factory, window_manifests
from tests.support.memory_storage import memory_storage
from tests.support.window_manifests import WindowKind

UNIT = Unit(lake_factory.BTC, lake_factory.hour(3))


@pytest.mark.parametrize(
    ("happened", "state"),
    [
        ([], WindowState.COMPLETE),
        (["superseded"], WindowState.SUPERSEDED),
        (["staged"], WindowState.STAGED),
        (["staged", "superseded"], WindowState.STAGED),
        (["unfinished"], WindowState.UNFINISHED),
        (["unfinished", "staged"], WindowState.UNFINISHED),
        (["quarantined"], WindowState.QUARANTINED),
        (["quarantined", "unfinished"], WindowState.QUARANTINED),
        (["gap", "quarantined", "unfinished", "superseded"], WindowState.GAP),
        (["json_removed"], WindowState.COMPLETE),
        (["json_removed", "quarantined"], WindowState.QUARANTINED),
        (["json_removed", "staged"], WindowState.EXPIRED),
        (["parquet_removed", "gap"], WindowState.EXPIRED),
        (["parquet_removed", "json_removed", "superseded"], WindowState.EXPIRED),
    ],
    ids=str,
)
def test_the_state_is_the_last_of_those_that_apply(happened, state):
    """In the order of ``WindowState``."""
    committed = window_manifests.build("trades", UNIT, WindowKind.of(*happened))
    assert window_facts.facts_of(committed).state is state


def test_a_window_fetched_after_it_expired_is_back():
    """Its Parquet is about to be written again."""
    expired = window_manifests.build("trades", UNIT, WindowKind.of("parquet_removed"))
    again = window_manifests.build("trades", UNIT, WindowKind(rows=11)).json
    assert expired.parquet is not None
    old = replace(expired.parquet, parts_digest="ab" * 32)
    fetched = replace(expired, json=again, parquet=old)
    assert window_facts.facts_of(fetched).state is WindowState.STAGED


def test_the_counts_are_those_of_the_manifest():
    """Rows of the Parquet; of the JSON where that is not converted."""
    converted = window_manifests.build("trades", UNIT, WindowKind.of("quarantined"))
    facts = window_facts.facts_of(converted)
    assert facts[1:5] == (9, 1_000, 180, 1)
    assert facts.quarantine_key == "quarantine/trades/symbol=BTCUSDT/date=2026-11-22/" + (
        f"{UNIT.window.name}.jsonl.gz"
    )
    staged = window_manifests.build("trades", UNIT, WindowKind.of("staged"))
    assert window_facts.facts_of(staged)[1:] == (10, 1_000, 0, 0, None)


def test_a_quarantine_that_expired_has_no_key():
    """It goes with the JSON; how many records there were stays known."""
    removed = window_manifests.build("trades", UNIT, WindowKind.of("quarantined", "json_removed"))
    facts = window_facts.facts_of(removed)
    assert (facts.quarantined_rows, facts.quarantine_key) == (1, None)


def test_a_missing_and_a_damaged_manifest_are_not_known(caplog):
    """And so is one that a ``regrid`` left empty; the log names the damaged one."""
    storage = memory_storage()
    unknown = window_facts.read_facts("trades", UNIT, storage=storage)
    assert (unknown.state, unknown.is_committed) == (WindowState.UNKNOWN, False)
    committed = window_manifests.put("trades", UNIT, WindowKind(), storage=storage)
    assert window_facts.read_facts("trades", UNIT, storage=storage).is_committed
    storage.put(committed.key, b"{")
    with caplog.at_level(logging.WARNING):
        assert window_facts.read_facts("trades", UNIT, storage=storage) == unknown
    assert committed.key in caplog.text
    retired = replace(committed, json=replace(committed.json, parts=()), parquet=None, next_part=3)
    assert window_facts.facts_of(retired) == unknown
