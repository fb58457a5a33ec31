"""Publishes what a rebuild wrote, feed by feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias, BaseOperator

from include.operators import run_plans
from include.operators.access import batches
from include.operators.access.lake import open_lake
from include.operators.alerts import alert, notifier
from include.operators.feed_outcomes import for_each_feed, read_outcomes
from include.operators.publish import lake_asset, publish_units
from include.operators.runners.step_memory import step_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

REBUILT = AssetAlias("ticklake_rebuilt", group="ticklake")
"""Which feeds a rebuild has is known when it runs: their assets get their events by this."""


class PublishFeedsOperator(BaseOperator):
    """Publish every feed whose batches all succeeded, with one event for each.

    :param converted_by: the ids of the tasks that convert
    """

    def __init__(self, *, converted_by: Sequence[str], **kwargs: Any) -> None:
        super().__init__(outlets=[REBUILT], trigger_rule="all_done", **kwargs)
        self.converted_by = list(converted_by)

    def execute(self, context: Context) -> dict[str, dict[str, Any]]:
        """The ``extra`` of each event, by feed."""
        outcomes, lake = read_outcomes(context), open_lake()

        def publish(feed: str) -> dict[str, Any]:
            indexes = outcomes.indexes(feed)
            references = [outcomes.batches[index]["units"] for index in indexes]
            scope = run_plans.Scope()
            units = list(scope.note(batches.read_run(references, storage=lake.storage)))
            pulled = context["ti"].xcom_pull(task_ids=self.converted_by, map_indexes=indexes)
            counts = [count for count in pulled if count]
            return publish_units(
                feed,
                units,
                scope=scope.to_dict(),
                counts=counts,
                lake=lake,
                runs=step_runs(context, convert=counts),
            )

        extras = for_each_feed(context, outcomes.succeeded, publish)
        for feed, extra in extras.items():
            context["outlet_events"][REBUILT].add(lake_asset(feed), extra=extra)
            notifier.send_or_log(alert.quarantine(extra), context)
        return extras
