"""Notes in the summary what memory the steps of a run took, where the run publishes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.lake import open_lake
from include.operators.feed_outcomes import read_outcomes
from include.operators.runners.step_memory import step_runs

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.operators.runners.step import StepName


class NoteMemoryOperator(BaseOperator):
    """Note the memory of a step, for every feed whose batches all succeeded.

    :param step: the name of the step
    :param task_ids: the ids of the tasks that took it
    """

    def __init__(self, *, step: StepName, task_ids: Iterable[str], **kwargs: Any) -> None:
        super().__init__(trigger_rule="all_done", **kwargs)
        self.step = step
        self.task_ids = list(task_ids)

    def execute(self, context: Context) -> None:
        """Never fails for what cannot be noted: nothing depends on it."""
        from include.ticklake.feed import loader
        from include.ticklake.publish import summary

        outcomes, lake = read_outcomes(context), open_lake()
        for feed in outcomes.succeeded:
            counts = context["ti"].xcom_pull(
                task_ids=self.task_ids, map_indexes=outcomes.indexes(feed)
            )
            runs = step_runs(context, **{self.step: [count for count in counts if count]})
            summary.note_runs(loader.load(feed), runs, storage=lake.storage)
