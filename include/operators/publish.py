"""Publishes what a run wrote: the asset event that other DAGs wait for, and what readers look up.

The latter first: each slice's ``latest.json``, the summary that the page shows, and the feed's
Iceberg table where ``TICKLAKE_ICEBERG`` is set.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator

from include.operators.access import batches
from include.operators.access.batches import Batch
from include.operators.access.lake import LakeAccess, open_lake
from include.operators.alerts import alert, notifier
from include.operators.runners.step_memory import pull_memory, step_runs
from include.operators.task_info import lineage
from include.operators.task_info.task_links import FEED_LINKS

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context

    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.summary import StepRun
    from include.ticklake.model.unit import Unit

log = logging.getLogger(__name__)

_SUMS = ("manifests", "rows", "quarantined_rows", "json_bytes", "parquet_bytes")
_PEAKS = ("peak_bytes", "cap_bytes")


def lake_asset(feed: str) -> Asset:
    """The asset that stands for the Parquet of *feed*, wherever its root is."""
    return Asset(name=f"ticklake_{feed}", uri=f"x-ticklake://lake/{feed}", group="ticklake")


class PublishOperator(BaseOperator):
    """Publish a run of ``ingest_<feed>``; its one event says what the run covers and took.

    A run that was triggered by the event has no data interval of its own: the range
    is in ``extra``, as ``start`` and ``end``.

    :param feed: name of the feed
    :param batches: the run's batches, as ``PlanOperator`` refers to them
    :param scope: what the run covers, as ``PlanOperator`` pushes it
    :param converted: the counts of each batch
    :param extracted_by: the id of the task that extracts
    """

    template_fields = ("batches", "scope", "converted")
    operator_extra_links = FEED_LINKS

    def __init__(
        self,
        *,
        feed: str,
        batches: Sequence[Batch],
        scope: dict[str, Any],
        converted: Iterable[dict[str, Any]] | dict[str, Any],
        extracted_by: str = "extract",
        **kwargs: Any,
    ) -> None:
        super().__init__(outlets=[lake_asset(feed)], **kwargs)
        self.feed = feed
        self.batches = batches
        self.scope = scope
        self.converted = converted
        self.extracted_by = extracted_by

    def execute(self, context: Context) -> dict[str, Any]:
        """The event's ``extra``."""
        # Airflow hands over a mapped group of one as its one value, not as a list of one.
        converted: Any = self.converted
        lake = open_lake()
        counts = [converted] if isinstance(converted, dict) else list(converted)
        extra = publish_units(
            self.feed,
            list(batches.read_run(self.batches, storage=lake.storage)),
            scope=self.scope,
            counts=counts,
            lake=lake,
            runs=step_runs(
                context, extract=pull_memory(context, task_id=self.extracted_by), convert=counts
            ),
        )
        context["outlet_events"][self.outlets[0]].extra = extra
        notifier.send_or_log(alert.quarantine(extra), context)
        return extra

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """What is read and written; called by Airflow's OpenLineage provider."""
        return lineage.of_publish(self.feed)


def publish_units(
    feed_name: str,
    units: Sequence[Unit],
    *,
    scope: dict[str, Any],
    counts: Sequence[dict[str, Any]],
    lake: LakeAccess,
    runs: Collection[StepRun] = (),
) -> dict[str, Any]:
    """Renew what readers of *units* look up; the ``extra`` of the event, with summed *counts*.

    *runs* say what memory the steps took.
    """
    from include.ticklake.feed import loader, plan
    from include.ticklake.publish import publish

    feed = loader.load(feed_name)
    if units and plan.units_of(feed, units[0]) != [units[0]]:  # those of files, with ``into``
        units = [part for unit in units for part in plan.units_of(feed, unit)]
    published = publish.publish(
        feed,
        units,
        storage=lake.storage,
        settings=lake.settings,
        env=lake.env,
        runs=runs,
    )
    extra = {"feed": feed_name, **scope}
    extra |= {name: sum(batch[name] for batch in counts) for name in _SUMS}
    extra |= {name: max((batch[name] for batch in counts), default=0) for name in _PEAKS}
    extra |= _new_fields(feed_name, counts) | published
    if unfinished := sum(batch.get("unfinished", 0) for batch in counts):
        extra["unfinished"] = unfinished
    is_empty = extra["manifests"] and not extra["rows"] + extra["quarantined_rows"]
    if is_empty and _is_warned_of_empty(feed, units):
        extra["empty"] = True
    log.info("publish.done %s", " ".join(f"{name}={value}" for name, value in extra.items()))
    return extra


def _is_warned_of_empty(feed: Feed, units: Sequence[Unit]) -> bool:
    """Whether records were to be expected of *units*, which are all empty; then it is logged."""
    from include.ticklake.feed import plan

    message = plan.empty_run_message(feed, units, now=datetime.now(UTC))
    if message:
        log.warning("publish.empty %s", message)
    return message is not None


def _new_fields(feed_name: str, counts: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """The names that no field reads, logged once for the run; nothing where there are none."""
    names = sorted({name for batch in counts for name in batch.get("new_fields", ())})
    if not names:
        return {}
    from include.ticklake.extract import unknown_fields
    from include.ticklake.feed import loader

    log.warning(
        "publish.new_fields %s",
        unknown_fields.unknown_fields_message(loader.load(feed_name), names),
    )
    return {"new_fields": names}
