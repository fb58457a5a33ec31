"""A retention that is killed anywhere, and a window of its day that is fetched again after that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest

from include.ticklake.lake.storage import Storage
from tests.crash.lake_commands import Command
from tests.crash.ledger import LostError
from tests.crash.regridded_lake import RegriddedLake
from tests.support.crashing_storage import Crash, crashing
from tests.support.half_days import (
    EVENING,
    MORNING,
    compact_day,
    in_folder,
    ingest,
    named_and_gone,
    retire,
    seen,
)
from tests.support.memory_storage import memory_storage
from tests.support.servers.http import HttpServer

ONCE, DOUBLED = [3, 4], [1, 2, 3, 3, 4, 4]


def killed(lake: Storage, changes: int) -> bool:
    """Whether a retention of a compacted day of 1 to 4 is killed before so many changes."""
    ingest(lake, MORNING, [1, 2])
    ingest(lake, EVENING, [3, 4])
    compact_day(lake)
    with suppress(Crash):
        retire(crashing(lake, after_steps=changes), parquet="1d")
        return False
    return True


@pytest.mark.parametrize("has_conditions", [True, False])
@pytest.mark.parametrize("then", ["retention", "compaction"])
def test_a_window_fetched_after_a_killed_retention_is_seen_once_and_in_the_folder_in_the_end(
    then: str, has_conditions: bool
) -> None:
    """The folder has the marked day's file beside the window's own, until either runs again."""
    folders = []
    for changes in range(50):
        lake = memory_storage(has_conditions=has_conditions)
        if not killed(lake, changes):
            break
        was_marked = seen(lake) == []
        ingest(lake, EVENING, [3, 4])
        folders.append(in_folder(lake))
        if was_marked:
            assert seen(lake) == ONCE, f"killed before change {changes}"
            assert in_folder(lake) in (ONCE, DOUBLED), f"killed before change {changes}"
        else:
            assert seen(lake) == in_folder(lake) == [1, 2, 3, 4]
        if then == "retention":
            retire(lake, parquet="1d")
            assert seen(lake) == in_folder(lake) == []
        else:
            ingest(lake, MORNING, [1, 2])
            compact_day(lake)
            assert seen(lake) == in_folder(lake) == [1, 2, 3, 4]
        assert named_and_gone(lake) == []
    assert DOUBLED in folders


@pytest.fixture
def machine() -> Iterator[RegriddedLake]:
    """The modelled lake, on a disk."""
    with HttpServer() as server:
        names = {"kind": "keyed", "store": "disk", "server": server, "counts": Counter()}
        machine = type("Machine", (RegriddedLake,), names)()
        try:
            yield machine
        finally:
            machine.teardown()


def test_the_model_expects_two_files_only_while_a_retention_is_not_over(machine) -> None:
    def do(name: str, **values: int) -> None:
        machine.run(command=Command(name=name, day=0, **values))

    do("backfill")
    do("compact")
    evening = machine.units[1]
    machine.begin(command=Command(name="retention", day=0, areas=("parquet",)), steps=0)
    while not machine.commands.has_marked_file(evening, machine.storage):
        machine.wake(number=0, steps=1)
    do("ingest", half=1)
    machine.readers_of_manifests_see_every_record_once()
    machine.readers_of_the_folder_see_every_record_once()
    begun, machine.half_retired = machine.half_retired, set()
    with pytest.raises(LostError, match="the folder has"):
        machine.readers_of_the_folder_see_every_record_once()
    machine.half_retired = begun
    machine.finish(number=0)
    assert machine.half_retired == set()
    machine.readers_of_the_folder_see_every_record_once()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_model_cuts_no_lake_as_it_is_cut(machine, number: int) -> None:
    """Such a `regrid` does nothing, also where JSON has expired, of which the model then knows."""
    machine.run(command=Command(name="backfill", day=0))
    machine.run(command=Command(name="retention", day=0, areas=("json",)))
    machine.steps_since_settled = 10
    other = Command(name="repair", day=1)
    machine.change_windows(number=number, deaths=[50], other=other, steps=19)
    assert machine.counts["rule", "regrid refused: the JSON has expired"] == 1
    machine.readers_of_manifests_see_every_record_once()
    machine.readers_of_the_folder_see_every_record_once()
