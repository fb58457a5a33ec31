"""The ``process`` runner: a step as a child process of its task, on the worker itself."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.operators.access.batches import Batch
from include.operators.access.connections import storage_access
from include.operators.access.settings import OperatorSettings
from include.operators.runners.child_env import child_env
from include.operators.runners.step import StepName
from include.operators.runners.step_task import STEP_FIELDS, StepTask

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)


class ProcessStepOperator(StepTask, BaseOperator):
    """Run a step in a child process under a hard memory limit.

    :param feed: name of the feed
    :param step: ``convert``, ``compact`` or ``extract``
    :param manifests: the batch to convert or to compact, or the URIs of its manifests
    :param units: the batch to extract, as ``PlanOperator`` refers to it
    """

    template_fields = STEP_FIELDS

    def __init__(
        self,
        *,
        feed: str,
        step: StepName,
        manifests: Batch = None,
        units: Batch = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.step = step
        self.manifests = manifests
        self.units = units

    def execute(self, context: Context) -> dict[str, Any] | list[str]:
        """Return counts of what was converted, or the manifests' URIs; never the data."""
        from include.ticklake.memory import capped_process

        settings = OperatorSettings.from_env(os.environ)
        step = self.begin_step(context)
        cap_bytes = step.report.cap_bytes
        env = child_env(os.environ, settings=settings, step=self.step)
        env |= storage_access(settings, os.environ).env | step.secrets()
        env["TICKLAKE_CAP"] = str(cap_bytes)
        peaks_bytes = []

        def read_line(line: str) -> None:
            if not step.read_line(line):
                log.info("%s", line)

        for argv in step.argvs(root_uri=settings.root_uri):
            end = capped_process.run_capped(argv, cap_bytes=cap_bytes, env=env, on_line=read_line)
            peaks_bytes.append(end.peak_bytes or 0)
            if end.out_of_memory:
                raise step.out_of_memory(end)
            step.raise_for(end.exit_code)
        if any(peaks_bytes):
            # What the limit counts; a process's own figure includes shared libraries.
            step.report.peak_bytes = max(peaks_bytes)
        result: dict[str, Any] | list[str] = self.finish_step(step, context)
        return result
