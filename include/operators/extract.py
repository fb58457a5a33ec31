"""Fetches a batch in the worker itself: pages become staged JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowTaskTimeout

from include.operators.access import batches
from include.operators.access.batches import Batch
from include.operators.access.connections import credentials, engine
from include.operators.access.lake import open_lake
from include.operators.access.timeouts import limit_task
from include.operators.runners.extract_step import BatchProgress, is_replacing
from include.operators.runners.step_memory import push_memory
from include.operators.task_info import lineage
from include.operators.task_info.task_links import BATCH_LINKS

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import Context


class ExtractOperator(BaseOperator):
    """Extract a batch, ``TICKLAKE_UNITS_AT_ONCE`` units side by side.

    A unit that fails does not stop the others, unless its error concerns them, too. A retry
    fetches only what is missing: the batch's progress is in Airflow's task state store, which
    outlives a try. Clearing a task that succeeded starts over.

    :param feed: name of the feed
    :param units: the batch, as ``PlanOperator`` refers to it
    """

    template_fields = ("units",)
    operator_extra_links = BATCH_LINKS

    def __init__(self, *, feed: str, units: Batch, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.units = units

    def pre_execute(self, context: Context) -> None:  # noqa: ARG002
        """Set how long the batch may take."""
        limit_task(self, feed_name=self.feed, units=batches.count_units(self.units))

    def execute(self, context: Context) -> Batch:
        """What to convert: the same batch, or the manifests' URIs in the order of its units."""
        from include.ticklake.extract import into
        from include.ticklake.extract.extract_batch import extracted
        from include.ticklake.feed import loader
        from include.ticklake.memory.usage import peak_bytes
        from include.ticklake.model.batch_results import batch_results
        from include.ticklake.model.failed_units import FailedUnits
        from include.ticklake.model.unit import Unit

        lake, feed = open_lake(), loader.load(self.feed)
        planned = batches.read_units(self.units, lambda: lake.storage)
        units = [Unit.of(unit) for unit in planned]
        numbers = {unit: number for number, unit in enumerate(units)}
        progress = BatchProgress(context["task_state_store"], planned)
        failed = FailedUnits()
        rows = 0
        try:
            with extracted(
                feed,
                [units[number] for number in progress.remaining],
                storage=lake.storage,
                units_at_once=lake.settings.units_at_once,
                base_url=lake.settings.base_url_for(getattr(feed.source, "base_url", None)),
                lookup=credentials,
                connect=engine,
                is_replacing=is_replacing(planned),
            ) as tasks:
                for unit, results in batch_results(tasks, failed):
                    progress.add(numbers[unit])
                    rows += sum(result.manifest.json.rows for result in results)
            failed.raise_if_any(may_retry=True)
        except (Exception, AirflowTaskTimeout):
            progress.save()
            raise
        progress.forget()
        push_memory(context, peak_bytes=peak_bytes(), cap_bytes=0, rows=rows, manifests=len(units))
        if feed.into is None and batches.is_reference(self.units):
            return self.units
        return [
            lake.storage.uri(key)
            for key in into.manifests_to_convert(feed, units, storage=lake.storage)
        ]

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """What the batch reads and writes; called by Airflow's OpenLineage provider."""
        return lineage.of_extract(self.feed)
