"""The half of an operator that all runners share: which step of which feed it runs."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

from include.operators.access import batches
from include.operators.access.batches import Batch
from include.operators.access.lake import open_lake
from include.operators.access.settings import OperatorSettings
from include.operators.access.timeouts import limit_task
from include.operators.runners.compact_step import CompactStep
from include.operators.runners.convert_step import ConvertStep
from include.operators.runners.extract_step import BatchProgress, ExtractStep, is_replacing
from include.operators.runners.step import Step, StepName
from include.operators.runners.step_memory import push_memory
from include.operators.runners.step_report import StepReport
from include.operators.task_info import lineage
from include.operators.task_info.task_links import BATCH_LINKS
from include.ticklake.convert.budget import budget_for

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import BaseOperator, BaseOperatorLink, Context

    from include.ticklake.lake.storage import Storage

STEP_FIELDS = ("feed", "manifests", "units")
"""The template fields of every runner's operator."""

_STEPS_BY_MANIFEST: dict[str, type[ConvertStep | CompactStep]] = {
    "convert": ConvertStep,
    "compact": CompactStep,
}


class StepTask:
    """Mixin of an operator that runs a step: *units* are extracted, *manifests* are the others'."""

    feed: str
    step: StepName
    manifests: Batch
    units: Batch
    operator_extra_links: Collection[BaseOperatorLink] = BATCH_LINKS

    def pre_execute(self, context: Context) -> None:  # noqa: ARG002
        """Set how long the batch may take; a deferred task's pod has the same time."""
        task = cast("BaseOperator", self)
        limit_task(
            task, feed_name=self.feed, units=batches.count_units(self.units or self.manifests)
        )

    def get_openlineage_facets_on_start(self) -> OperatorLineage[Any, Any]:
        """What the step reads and writes; called by Airflow's OpenLineage provider."""
        return lineage.of_step(self.step, self.feed)

    def finish_step(self, step: Step, context: Context) -> Any:
        """Return the result of *step*, which has ended; also note what an extraction took."""
        result = step.result()
        if self.step == "extract":
            push_memory(
                context,
                peak_bytes=step.report.peak_bytes,
                cap_bytes=step.report.cap_bytes,
                rows=step.report.rows,
                manifests=batches.count_units(self.units),
            )
            is_own = isinstance(step, ExtractStep) and step.feed.into is None
            return self.units if is_own and batches.is_reference(self.units) else result
        return result

    def begin_step(self, context: Context) -> Step:
        """Return the step of this try: it does what earlier ones have not committed."""
        step = self.open_step(context)
        if isinstance(step, ExtractStep):
            step.begin(OperatorSettings.from_env(os.environ))
        return step

    def open_step(self, context: Context) -> Step:
        """Return the step of this task, with the memory limit of its feed."""
        from include.ticklake.feed import loader

        feed, settings = loader.load(self.feed), OperatorSettings.from_env(os.environ)
        report = StepReport(cap_bytes=feed.cap or settings.cap_bytes)
        budget_for(report.cap_bytes)  # refuses a limit that nothing fits in

        def open_storage() -> Storage:
            return open_lake(settings).storage

        if self.step != "extract":
            step = _STEPS_BY_MANIFEST[self.step]
            is_days = self.step == "compact"
            manifests = batches.read_uris(
                self.manifests, open_storage, feed=feed.name, is_days=is_days
            )
            return step(feed=feed, manifests=manifests, report=report)
        from include.ticklake.lake import layout
        from include.ticklake.model.unit import Unit

        units = batches.read_units(self.units, open_storage)
        return ExtractStep(
            feed=feed,
            manifests=[
                layout.uri(
                    settings.root_uri, layout.manifest_key(feed.name, unit.slice, unit.window)
                )
                for unit in map(Unit.of, units)
            ],
            progress=BatchProgress(context["task_state_store"], units),
            report=report,
            is_replacing=is_replacing(units),
        )
