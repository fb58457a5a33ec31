"""A run's batches become one event, in which nothing is told twice."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import pytest

from include.operators.publish import PublishOperator
from include.operators.runners import step_memory
from include.ticklake.lake import summary
from include.ticklake.lake.storage import Storage

pytestmark = pytest.mark.dag

COUNTS = {"manifests": 1, "rows": 5, "quarantined_rows": 0, "json_bytes": 9, "parquet_bytes": 7,
          "peak_bytes": 70, "cap_bytes": 128}  # fmt: skip

UNITS = [{"slice": {"instrument": "BTC-USDT"}, "window": "20260102T050000Z-20260102T060000Z"}]


@dataclass
class Event:
    """What Airflow keeps of an event."""

    extra: dict[str, Any] = field(default_factory=dict)


def published(batches: list[dict[str, Any]], **context: Any) -> dict[str, Any]:
    """The ``extra`` of the event of a run of *batches*."""
    operator = PublishOperator(
        task_id="publish",
        feed="okx_trades",
        batches=[UNITS],
        scope={"windows": 2, "start": "2026-01-02T05:00:00Z", "end": "2026-01-02T07:00:00Z"},
        converted=batches,
    )
    event = Event()
    operator.execute({"outlet_events": {operator.outlets[0]: event}, **context})
    return event.extra


@pytest.fixture(autouse=True)
def no_latest(monkeypatch):
    """These runs have no lake."""
    monkeypatch.setenv("TICKLAKE_LATEST_ROWS", "0")


def test_new_fields_are_told_once_for_the_run(caplog):
    """In one line of the log and in the event, by name, whatever number of batches had them."""
    with caplog.at_level(logging.WARNING):
        extra = published(
            [COUNTS, COUNTS | {"new_fields": ["venue"]}, COUNTS | {"new_fields": ["fee", "venue"]}]
        )
    assert extra["new_fields"] == ["fee", "venue"]
    assert extra["rows"] == 15
    [told] = [each.getMessage() for each in caplog.records if "new_fields" in each.getMessage()]
    assert told.startswith("publish.new_fields feed=okx_trades fields=fee,venue: the source sends ")


def test_what_memory_the_steps_took_goes_into_the_summary(tmp_path, monkeypatch):
    """The greatest peak of each step's batches; an extraction in the worker has no limit."""

    class InstanceOfPublish:
        dag_id, run_id = "ingest_okx_trades", "scheduled__1"

        def xcom_pull(self, *, task_ids: str, key: str) -> list[dict[str, int]]:
            assert (task_ids, key) == ("extract", step_memory.MEMORY)
            taken = {"cap_bytes": 0, "rows": 4, "manifests": 1}
            return [taken | {"peak_bytes": 50}, taken | {"peak_bytes": 40}]

    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}/lake")
    published([COUNTS, COUNTS | {"peak_bytes": 90}], ti=InstanceOfPublish())
    known = summary.read_feed("okx_trades", storage=Storage.open(f"file://{tmp_path}/lake", {}))
    assert known is not None
    assert [
        (run.dag_id, run.step, run.peak_bytes, run.cap_bytes, run.rows, run.units)
        for run in known.runs
    ] == [
        ("ingest_okx_trades", "convert", 90, 128, 10, 2),
        ("ingest_okx_trades", "extract", 50, 0, 8, 2),
    ]


def test_a_run_without_new_fields_does_not_speak_of_them(caplog):
    """Nothing to decide, nothing to read."""
    with caplog.at_level(logging.WARNING):
        assert "new_fields" not in published([COUNTS, COUNTS])
    assert "new_fields" not in caplog.text


def test_a_run_whose_every_unit_is_empty_is_a_warning(caplog):
    """In the log and in the event."""
    with caplog.at_level(logging.WARNING):
        extra = published([COUNTS | {"rows": 0}, COUNTS | {"rows": 0}])
    assert extra["empty"] is True
    [said] = [each.getMessage() for each in caplog.records if "publish.empty" in each.getMessage()]
    assert said.startswith("publish.empty feed okx_trades: every unit is empty, 1 in all; if the")


@pytest.mark.parametrize("more", [{"rows": 1}, {"rows": 0, "quarantined_rows": 1}])
def test_a_run_with_a_record_is_not_empty(caplog, more):
    """Also where it went to the quarantine."""
    with caplog.at_level(logging.WARNING):
        assert "empty" not in published([COUNTS | {"rows": 0}, COUNTS | more])
    assert "publish.empty" not in caplog.text


def test_units_that_are_unfinished_are_counted():
    """Those of all batches; a run without any does not speak of them."""
    assert published([COUNTS, COUNTS | {"unfinished": 2}, COUNTS | {"unfinished": 1}])[
        "unfinished"
    ] == 3  # fmt: skip
    assert "unfinished" not in published([COUNTS])
