"""A capped step of a DAG: the same argv and cap as a process, a container or a pod.

``capped_task`` and ``extract_task`` choose by the feed's ``runner``, else by
``TICKLAKE_RUNNER``. Each class takes ``feed`` and either ``manifests`` to convert or
``works`` to extract, and returns the same as any other, so that the rest of a DAG does
not know which one ran.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, XComArg

from include.operators.connections import storage_env
from include.operators.extract import ExtractOperator
from include.operators.runners import steps
from include.operators.settings import OperatorSettings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.feed.feed import Feed

log = logging.getLogger(__name__)

RUNNERS = {
    "process": "include.operators.runners.process.CappedProcessOperator",
    "docker": "include.operators.runners.docker.CappedDockerOperator",
    "kubernetes": "include.operators.runners.kubernetes.CappedPodOperator",
}


def capped_task(
    *, task_id: str, feed: Feed, manifests: XComArg | list[str], **kwargs: Any
) -> BaseOperator:
    """The task that converts *manifests* of *feed* under its cap, with the feed's runner.

    A manifest of a day stands for compacting that day.
    """
    operator = _operator(feed, OperatorSettings.from_env(os.environ))
    return operator(task_id=task_id, feed=feed.name, manifests=manifests, **kwargs)


def extract_task(
    *, task_id: str, feed: Feed, works: XComArg | list[dict[str, Any]], **kwargs: Any
) -> BaseOperator:
    """The task that fetches *works* of *feed*: in the worker itself, or under a cap as well."""
    settings = OperatorSettings.from_env(os.environ)
    capped = (feed.extract or settings.extract) == "capped"
    operator = _operator(feed, settings) if capped else ExtractOperator
    return operator(task_id=task_id, feed=feed.name, works=works, **kwargs)


def _operator(feed: Feed, settings: OperatorSettings) -> type[BaseOperator]:
    module, _, name = RUNNERS[feed.runner or settings.runner].rpartition(".")
    operator: type[BaseOperator] = getattr(import_module(module), name)
    return operator


class CappedProcessOperator(BaseOperator):
    """Convert staged JSON, or extract it, in a child process under a hard memory cap.

    :param feed: name of the feed
    :param manifests: URIs of the manifests to convert
    :param works: a batch to extract instead, as ``PlanOperator`` returns it
    """

    template_fields = ("manifests", "works")

    def __init__(
        self,
        *,
        feed: str,
        manifests: list[str] | None = None,
        works: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.manifests = manifests
        self.works = works

    def execute(self, context: Context) -> dict[str, Any] | list[str]:
        """Counts of what was converted, or the manifests' URIs; never the data."""
        from include.ticklake.convert import budget
        from include.ticklake.memory import capped_process

        settings = OperatorSettings.from_env(os.environ)
        step = steps.step(self.feed, manifests=self.manifests, works=self.works, context=context)
        cap_bytes = step.tally.cap_bytes
        budget.budget_for(cap_bytes)  # refuses what nothing fits in
        env = child_env(os.environ) | storage_env(settings, os.environ) | step.secrets()
        env["TICKLAKE_CAP"] = str(cap_bytes)
        peaks = []

        def read(line: str) -> None:
            if not step.take(line):
                log.info("%s", line)

        for argv in step.argvs(root_uri=settings.root_uri):
            done = capped_process.run_capped(argv, cap_bytes=cap_bytes, env=env, on_line=read)
            peaks.append(done.peak_bytes or 0)
            if done.out_of_memory:
                raise step.out_of_memory(done)
            step.raise_for(done.exit_code)
        if any(peaks):
            # What the cap counts; a process's own figure has the libraries that all of them share.
            step.tally.peak_bytes = max(peaks)
        result: dict[str, Any] | list[str] = step.result()
        return result


def child_env(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without Airflow's secrets and AWS's; ``storage_env`` gives what is needed."""
    hidden = ("AIRFLOW_", "_AIRFLOW_", "AWS_")
    return {name: value for name, value in environ.items() if not name.startswith(hidden)}
