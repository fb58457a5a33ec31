"""Writes what an audit found, and emits the run's one event."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from include.operators.access.lake import open_lake
from include.operators.access.settings import MAX_MAP_LENGTH
from include.operators.audit.refetch import RUNS_MAX, ingest_confs
from include.operators.feed_outcomes import read_outcomes

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.lake.storage import Storage

log = logging.getLogger(__name__)

AUDIT = Asset(name="ticklake_audit", uri="x-ticklake://audit", group="ticklake")
"""The asset whose events are the audits."""


class ReportOperator(BaseOperator):
    """Write a report for each feed, and emit one event with the totals of all.

    Returns what ``RefetchOperator`` maps over: nothing, unless the param ``repair`` is on.
    The XCom ``totals`` is the event's ``extra``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(outlets=[AUDIT], trigger_rule="all_done", **kwargs)

    def execute(self, context: Context) -> list[dict[str, object]]:
        """A feed and the conf of a run of its ``ingest`` DAG, for each run to trigger."""
        outcomes, lake = read_outcomes(context), open_lake()
        repairing = bool(context["params"].get("repair"))
        # Every run of every feed is a mapped task of `refetch`.
        runs_max = min(RUNS_MAX, MAX_MAP_LENGTH // (len(outcomes.succeeded) or 1))
        refetch: list[dict[str, object]] = []
        feeds: dict[str, dict[str, Any]] = {}
        for feed in outcomes.succeeded:
            indexes = outcomes.indexes(feed)
            batches = context["ti"].xcom_pull(task_ids="audit", map_indexes=indexes)
            empty = _empty_days(batches)
            ranges = [range_ for batch in batches for range_ in batch["refetch"]]
            confs = ingest_confs(ranges, runs_max=runs_max)
            scope = outcomes.batches[indexes[0]]["scope"]
            feeds[feed] = totals = _totals(feed, scope, batches, empty_days=len(empty)) | {
                "refetched": len(confs) if repairing else 0
            }
            listed = [finding for batch in batches for finding in batch["findings"]] + empty
            totals["report"] = _write(
                totals | {"refetch": confs, "listed": listed},
                run_after=context["dag_run"].run_after,
                storage=lake.storage,
            )
            if repairing:
                refetch += [{"feed": feed, "conf": conf} for conf in confs]
        extra = {
            name: sum(totals[name] for totals in feeds.values())
            for name in ("windows", "findings", "refetched")
        } | {"feeds": feeds, "failures": outcomes.failures}
        _note(feeds, outcomes.failures, context, storage=lake.storage)
        context["ti"].xcom_push(key="totals", value=extra)
        context["outlet_events"][AUDIT].extra = extra
        return refetch


def _note(
    feeds: dict[str, dict[str, Any]],
    failures: dict[str, str],
    context: Context,
    *,
    storage: Storage,
) -> None:
    """Note in each feed's summary how its audit ended."""
    from include.ticklake.errors import TicklakeError
    from include.ticklake.feed import loader
    from include.ticklake.lake.summary import LastAudit
    from include.ticklake.publish import summary

    ti = context["ti"]
    for name in [*feeds, *failures]:
        audit = LastAudit(
            at_ms=time.time_ns() // 10**6,
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            findings=feeds[name]["findings"] if name in feeds else 0,
            failed=failures.get(name),
        )
        try:
            feed = loader.load(name)
        except TicklakeError as error:  # its file cannot be read
            log.warning("summary.skipped feed=%s: %s", name, error)
        else:
            summary.note_audit(feed, audit, storage=storage)


def _empty_days(batches: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The days on which no slice of any batch has a record, as findings."""
    from include.ticklake.maintain import audit
    from include.ticklake.maintain.day_rows import DayRows

    day_rows = DayRows()
    for batch in batches:
        day_rows.add_all(batch["day_rows"])
    found = [finding.as_dict() for finding in audit.empty_days(day_rows)]
    for finding in found:
        log.warning("audit.found %s", " ".join(finding.values()))
    return found


def _totals(
    feed: str, scope: dict[str, Any], batches: list[dict[str, Any]], *, empty_days: int
) -> dict[str, Any]:
    kinds = Counter({"empty_day": empty_days} if empty_days else {})
    refetchable: Counter[str] = Counter()
    for batch in batches:
        kinds.update(batch["kinds"])
        refetchable.update(batch["refetchable"])
    return {
        "feed": feed,
        "start": scope["start"],
        "end": scope["end"],
        "windows": sum(batch["windows"] for batch in batches),
        "findings": kinds.total(),
        "kinds": dict(kinds),
        "refetchable": dict(refetchable),
    }


def _write(report: dict[str, Any], *, run_after: datetime, storage: Storage) -> str:
    """The URI of the report."""
    from include.ticklake.lake import layout

    key = layout.audit_report_key(report["feed"], run_after)
    body = json.dumps(report, indent=1).encode() + b"\n"
    storage.put(key, body, metadata={"Content-Type": "application/json"})
    return storage.uri(key)
