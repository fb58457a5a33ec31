"""What was stored is never lost: in any order of any commands, at once, stopped, killed.

Two commands share a lake and stop before any request to the store: for a moment, for as long as
others work, or for good. The source forgets, shrinks, changes and flips back meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from include.ticklake.lake.layout import SliceDay
from tests.crash.forgetful_source import BTC, DAYS, KINDS
from tests.crash.lake_commands import NAMES
from tests.crash.ledger import LostError
from tests.crash.regridded_lake import RegriddedLake
from tests.support.servers.http import HttpServer

pytestmark = pytest.mark.slow

RUNS = {"conditions": 100, "none": 70, "disk": 30}
"""For each kind of feed: 1,000 in all."""
RARE = {"wake", "finish", "kill"}
"""Rules that need a command which was stopped: too rare for the runs of some stores."""
RULES = (
    "the source changes", "the source forgets all", "the source flips back",
    "run", "die", "begin", "wake", "finish", "kill", "meet", "settle",
)  # fmt: skip


class PublishedLake(RegriddedLake):
    """A lake on a disk with an Iceberg table beside it."""

    @rule()
    def publish(self) -> None:
        """Readers of the table see what was published last, each record once."""
        from include.ticklake.publish import iceberg

        self._count("publish")
        days = {SliceDay(BTC, day.start.date()) for day in DAYS}
        catalog = iceberg.catalog("sqlite", storage=self.storage, env={})
        try:
            iceberg.sync(self.feed, days, storage=self.storage, catalog=catalog)
            table = catalog.load_table((iceberg.NAMESPACE, self.feed.name)).scan().to_arrow()
        finally:
            catalog.close()
        for unit, rows in self.by_unit(table).items():
            states = [state for _, state in self.states(unit, self.folder_floor(unit))]
            if rows not in states:
                raise LostError(f"{unit}: Iceberg has {rows}, and not one of {states}")


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


@pytest.mark.parametrize("store", RUNS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_stored_is_never_lost(kind, store, server, report_line):
    """What was stored is never lost: fetching, converting, compacting and repairing again, in any
    order, at once or after the source forgot, keeps every record, unless `--replace` or retention
    says otherwise.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    if store == "disk":
        pytest.importorskip("pyiceberg", reason="no PyIceberg")
    base = PublishedLake if store == "disk" else RegriddedLake
    machine = type("Machine", (base,), {
        "kind": kind, "store": store, "server": server, "counts": counts,
    })  # fmt: skip
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS[store],
            stateful_step_count=20,
            suppress_health_check=list(HealthCheck),
        ),
    )
    report_line(f"{kind} feed, {store}: {RUNS[store]} runs; {_table(counts)}")
    rules = [*RULES, "publish"] if store == "disk" else [*RULES]
    is_long = store == "conditions" and not kind.startswith("recent")
    if not is_long:
        rules = [rule for rule in rules if rule not in RARE]
    rules += ["change windows", "regrid done"]
    names = {*NAMES}
    if not is_long:
        names -= {"restore"}  # it takes a set that was replaced, which is rare there
    expected = [("rule", name) for name in rules] + [("command", name, "done") for name in names]
    never = [" ".join(each) for each in expected if not counts[each]]
    assert not never, f"never done: {never}"


def _table(counts: Counter[tuple[str, ...]]) -> str:
    return ", ".join(f"{' '.join(name[1:])} {count}" for name, count in sorted(counts.items()))
