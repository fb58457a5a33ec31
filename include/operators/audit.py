"""A feed's last days in, what is wrong with them out: as a report, an event and a red task.

``plan`` names the slices in batches, ``audit`` reads the data of a batch, ``report`` adds up
what they found, ``refetch`` triggers the DAG that fetches, ``verdict`` fails where something
is wrong that nobody is about to mend.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import DagRunTriggerException

from include.operators.connections import storage_env
from include.operators.dag_support import trigger_form
from include.operators.dag_support.interval import interval
from include.operators.settings import OperatorSettings
from include.ticklake.errors import DataError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.lake.storage import Storage

log = logging.getLogger(__name__)

LISTED_MAX = 200
"""How many findings of a batch are listed one by one; all of them are counted."""

_DAY = timedelta(days=1)


class AuditPlanOperator(BaseOperator):
    """Name the slices of a run in batches; the XCom ``scope`` has the range of time.

    :param feed: name of the feed
    :param look_back_days: how many whole days a run looks at that is given no ``start``
    :param batches_max: how many mapped tasks a run may have at most
    """

    def __init__(
        self, *, feed: str, look_back_days: int = 2, batches_max: int = 20, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.look_back_days = look_back_days
        self.batches_max = batches_max

    def execute(self, context: Context) -> list[list[str]]:
        """Batches of slices, as the form writes them."""
        from include.ticklake.feed import loader

        feed, params = loader.load(self.feed), context["params"]
        start, end = interval(
            params,
            data_interval=None,
            run_after=context["dag_run"].run_after,
            window=feed.window if params.get("start") else max(feed.window, _DAY),
        )
        if not params.get("start"):
            start = end - max(feed.window, self.look_back_days * _DAY)
        scope = {"start": start.isoformat(), "end": end.isoformat()}
        scope["since"] = "" if params.get("start") else "the first window that was fetched"
        context["ti"].xcom_push(key="scope", value=scope)
        slices = [
            str(one)
            for one in trigger_form.selected_slices(feed, params.get("slices")) or feed.all_slices
        ]
        count = min(self.batches_max, len(slices))
        return [slices[number::count] for number in range(count)]


class AuditOperator(BaseOperator):
    """Read the data of some slices and compare it with their manifests.

    :param feed: name of the feed
    :param slices: the batch, as ``AuditPlanOperator`` returns it
    :param scope: the range of time
    """

    template_fields = ("slices", "scope")

    def __init__(
        self, *, feed: str, slices: list[str], scope: dict[str, str], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.slices = slices
        self.scope = scope

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Counts by kind, the first findings, and the ranges that another fetch may mend."""
        from include.ticklake.convert.budget import budget_for
        from include.ticklake.feed import loader, plan
        from include.ticklake.maintain import audit, repair

        settings, feed = OperatorSettings.from_env(os.environ), loader.load(self.feed)
        storage = _storage(settings)
        start, end = (datetime.fromisoformat(self.scope[name]) for name in ("start", "end"))
        known = {str(piece): piece for piece in feed.all_slices}
        works = plan.plan_units(
            feed, start=start, end=end, slices=[known[one] for one in self.slices]
        )
        if self.scope["since"]:
            works = audit.since_first(feed, works, storage=storage)
        looked_at: list[Any] = []
        budgets = budget_for(feed.cap or settings.cap_bytes)
        counts: Counter[str] = Counter()
        listed: list[dict[str, str]] = []
        again: list[audit.Finding] = []
        for finding in audit.audit(feed, _seen(works, looked_at), storage=storage, budgets=budgets):
            counts[finding.kind] += 1
            log.warning("audit.found %s", " ".join(finding.as_dict().values()))
            if finding.kind in audit.FETCH_AGAIN:
                again.append(finding)
            if len(listed) < LISTED_MAX:
                listed.append(finding.as_dict())
        log.info(
            "audit.done feed=%s windows=%d findings=%d",
            feed.name,
            len(looked_at),
            sum(counts.values()),
        )
        return {
            "windows": len(looked_at),
            "kinds": dict(counts),
            "findings": listed,
            # What a source without history had is gone.
            "fetch_again": [] if feed.snapshot else repair.ranges(again),
        }


class ReportOperator(BaseOperator):
    """Write the run's report and emit its one event, with the totals.

    Returns what ``ingest_<feed>`` is to be triggered with: nothing, unless the param
    ``repair`` says so. The XCom ``totals`` is the event's ``extra``.

    :param feed: name of the feed
    :param scope: the range of time
    :param found: what each batch returned
    """

    template_fields = ("scope", "found")

    def __init__(
        self,
        *,
        feed: str,
        scope: dict[str, str],
        found: Iterable[dict[str, Any]] | dict[str, Any],
        **kwargs: Any,
    ) -> None:
        asset = Asset(
            name=f"ticklake_audit_{feed}", uri=f"x-ticklake://audit/{feed}", group="ticklake"
        )
        super().__init__(outlets=[asset], **kwargs)
        self.feed = feed
        self.scope = scope
        self.found = found

    def execute(self, context: Context) -> list[dict[str, object]]:
        """Confs of runs."""
        from include.ticklake.lake import layout
        from include.ticklake.maintain import repair

        # Airflow hands over a mapped group of one as its one value, not as a list of one.
        batches = [self.found] if isinstance(self.found, dict) else list(self.found)
        kinds: Counter[str] = Counter()
        for batch in batches:
            kinds.update(batch["kinds"])
        confs = repair.confs(one for batch in batches for one in batch["fetch_again"])
        asked = bool(context["params"].get("repair"))
        totals = {
            "feed": self.feed,
            "start": self.scope["start"],
            "end": self.scope["end"],
            "windows": sum(batch["windows"] for batch in batches),
            "findings": kinds.total(),
            "kinds": dict(kinds),
            "refetched": len(confs) if asked else 0,
        }
        listed = [one for batch in batches for one in batch["findings"]]
        report = totals | {"refetch": confs, "listed": listed}
        storage = _storage(OperatorSettings.from_env(os.environ))
        made = context["dag_run"].run_after
        key = layout.audit_report_key(self.feed, made)
        body = json.dumps(report, indent=1).encode() + b"\n"
        storage.put(key, body, metadata={"Content-Type": "application/json"})
        totals["report"] = storage.uri(key)
        context["ti"].xcom_push(key="totals", value=totals)
        context["outlet_events"][self.outlets[0]].extra = totals
        return confs if asked else []


class RefetchOperator(BaseOperator):
    """Trigger ``ingest_<feed>`` and go on: its runs are to be seen there.

    :param feed: name of the feed
    :param conf: start, end and slices, as its form asks for them
    """

    template_fields = ("conf",)

    def __init__(self, *, feed: str, conf: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.conf = conf

    def execute(self, context: Context) -> None:
        """Ends by the exception that has Airflow do it, as ``TriggerDagRunOperator`` does.

        That operator itself would take a second to import whenever this file is parsed.
        """
        ti = context["ti"]
        raise DagRunTriggerException(
            trigger_dag_id=f"ingest_{self.feed}",
            dag_run_id=f"{ti.dag_id}__{ti.run_id}__{ti.map_index}",
            conf=self.conf,
            reset_dag_run=False,
            skip_when_already_exists=True,  # by a try of this task that died
            wait_for_completion=False,
            allowed_states=[],
            failed_states=[],
            poke_interval=60,
            deferrable=False,
        )


class FailOnFindingsOperator(BaseOperator):
    """Fail where something is wrong, so that it is seen; pass where it is being fetched again.

    :param totals: what the report adds up to
    """

    template_fields = ("totals",)

    def __init__(self, *, totals: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.totals = totals

    def execute(self, context: Context) -> None:  # noqa: ARG002
        """``DataError`` with what to do next."""
        from include.ticklake.maintain import audit

        kinds = self.totals["kinds"]
        mended = audit.FETCH_AGAIN if self.totals["refetched"] else frozenset()
        left = {kind: count for kind, count in kinds.items() if kind not in mended}
        if left:
            told = ", ".join(f"{count} {kind}" for kind, count in sorted(left.items()))
            raise DataError(
                f"{self.totals['feed']}: {told}; see {self.totals['report']}. Trigger this DAG "
                f"with `repair` to have windows fetched again, or run: python -m include.ticklake "
                f"audit {self.totals['feed']} --repair --start {self.totals['start']} "
                f"--end {self.totals['end']}"
            )


def _storage(settings: OperatorSettings) -> Storage:
    from include.ticklake.lake.storage import Storage

    return Storage.open(settings.root_uri, storage_env(settings, os.environ))


def _seen(works: Iterable[Any], seen: list[Any]) -> Iterable[Any]:
    for work in works:
        seen.append(work.window.name)
        yield work
