"""Triggers ``ingest_<feed>`` for the windows that another fetch may fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import DagRunTriggerException

from include.ticklake.model.window import Window

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.maintain.audit import Finding

RUNS_MAX = 20
"""How many runs of a feed's DAG one audit triggers at most."""


class RefetchOperator(BaseOperator):
    """Trigger ``ingest_<feed>`` and finish without waiting for its run.

    :param feed: name of the feed
    :param conf: start, end and slices, as its form has them
    """

    template_fields = ("feed", "conf")

    def __init__(self, *, feed: str, conf: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.conf = conf

    def execute(self, context: Context) -> None:
        """Ends with the exception by which ``TriggerDagRunOperator`` has Airflow do it, too.

        That operator itself would take a second to import whenever the DAG file is parsed.
        """
        ti = context["ti"]
        raise DagRunTriggerException(
            trigger_dag_id=f"ingest_{self.feed}",
            dag_run_id=f"{ti.dag_id}__{ti.run_id}__{ti.map_index}",
            conf=self.conf,
            reset_dag_run=False,
            skip_when_already_exists=True,  # by an earlier try of this task
            wait_for_completion=False,
            allowed_states=[],
            failed_states=[],
            poke_interval=60,
            deferrable=False,
        )


def contiguous_ranges(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """Slice, start and end of each series of adjacent windows that have a finding."""
    by_slice: dict[str, set[Window]] = {}
    for finding in findings:
        by_slice.setdefault(finding.slice, set()).add(Window.parse(finding.window))
    ranges: list[dict[str, str]] = []
    for slice_, windows in by_slice.items():
        merged: list[Window] = []
        for window in sorted(windows):
            if merged and merged[-1].end == window.start:
                merged[-1] = Window(merged[-1].start, window.end)
            else:
                merged.append(window)
        ranges += [
            {"slice": slice_, "start": range_.start.isoformat(), "end": range_.end.isoformat()}
            for range_ in merged
        ]
    return ranges


def ingest_confs(
    ranges: Iterable[Mapping[str, str]], *, runs_max: int = RUNS_MAX
) -> list[dict[str, object]]:
    """The confs of the runs of ``ingest_<feed>`` that fetch *ranges*.

    Slices with the same range share a run; if there were more than *runs_max*, one covers all.
    """
    slices: dict[tuple[str, str], list[str]] = {}
    for range_ in ranges:
        slices.setdefault((range_["start"], range_["end"]), []).append(range_["slice"])
    if len(slices) > runs_max:
        ends = min(start for start, _ in slices), max(end for _, end in slices)
        slices = {ends: list(dict.fromkeys(text for texts in slices.values() for text in texts))}
    return [
        {"start": start, "end": end} | ({"slices": texts} if texts != ["all"] else {})
        for (start, end), texts in sorted(slices.items())
    ]
