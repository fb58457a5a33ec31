"""Which runs of a feed's DAG fetch again what an audit missed."""

from __future__ import annotations

import pytest

from include.operators.audit.refetch import contiguous_ranges, ingest_confs
from include.ticklake.maintain.audit import Finding
from tests.support import lake_factory

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]

DAY = "2026-11-22T"


def missing(slice_: str, *hours: int) -> list[Finding]:
    return [
        Finding(kind="missing_window", slice=slice_, window=lake_factory.hour(n).name, what="")
        for n in hours
    ]


def test_adjacent_windows_are_one_range_and_slices_share_a_run():
    """As few runs as there are ranges."""
    findings = [*missing("symbol=A", 3, 1, 2, 7), *missing("symbol=B", 7, 7)]
    assert ingest_confs(contiguous_ranges(findings)) == [
        {"start": f"{DAY}01:00:00+00:00", "end": f"{DAY}04:00:00+00:00", "slices": ["symbol=A"]},
        {"start": f"{DAY}07:00:00+00:00", "end": f"{DAY}08:00:00+00:00",
         "slices": ["symbol=A", "symbol=B"]},
    ]  # fmt: skip


def test_a_feed_without_slices_is_fetched_without_them():
    """Its form has no such field."""
    [conf] = ingest_confs(contiguous_ranges(missing("all", 5)))
    assert "slices" not in conf


@pytest.mark.parametrize(("count", "runs"), [(20, 20), (21, 1)])
def test_too_many_ranges_are_one_run_over_all(count, runs):
    """Every slice of them, from the first window to the last."""
    findings = [finding for n in range(count) for finding in missing(f"symbol={n}", n)]
    confs = ingest_confs(contiguous_ranges(findings))
    assert len(confs) == runs
    assert (confs[0]["start"], confs[-1]["end"]) == (
        f"{DAY}00:00:00+00:00",
        f"{DAY}{count:02}:00:00+00:00",
    )
    assert sum(len(conf["slices"]) for conf in confs) == count
