"""A capped step of a DAG: the same argv and cap as a process, a container or a pod.

``capped_task`` chooses by the feed's ``runner``, else by ``TICKLAKE_RUNNER``. Each
class takes ``feed`` and ``manifests`` and returns a ``Tally`` as a dict, so that the
rest of a DAG does not know which one ran.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, XComArg

from include.operators.conversion import Tally, argvs, raise_for
from include.operators.credentials import storage_env
from include.ticklake.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.ticklake.feeds import Feed

log = logging.getLogger(__name__)

RUNNERS = {
    "process": "include.operators.capped.CappedProcessOperator",
    "docker": "include.operators.docker.CappedDockerOperator",
    "kubernetes": "include.operators.kubernetes.CappedPodOperator",
}


def capped_task(
    *, task_id: str, feed: Feed, manifests: XComArg | list[str], **kwargs: Any
) -> BaseOperator:
    """The task that converts *manifests* of *feed* under its cap, with the feed's runner.

    A manifest of a day stands for compacting that day.
    """
    from importlib import import_module

    runner = feed.runner or Settings.from_env(os.environ).runner
    module, _, name = RUNNERS[runner].rpartition(".")
    operator: type[BaseOperator] = getattr(import_module(module), name)
    return operator(task_id=task_id, feed=feed.name, manifests=manifests, **kwargs)


class CappedProcessOperator(BaseOperator):
    """Convert staged JSON in a child process of this task, under a hard memory cap.

    :param feed: name of the feed
    :param manifests: URIs of the manifests to convert
    """

    template_fields = ("manifests",)

    def __init__(self, *, feed: str, manifests: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.feed = feed
        self.manifests = manifests

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Counts of what was converted; never the data."""
        from include.ticklake import feed_files
        from include.ticklake.cap import budgets, capped

        settings = Settings.from_env(os.environ)
        cap_bytes = feed_files.load(self.feed).cap or settings.cap_bytes
        sizes = budgets.sizes(cap_bytes)
        env = child_env(os.environ) | storage_env(settings, os.environ)
        env["TICKLAKE_CAP"] = str(cap_bytes)
        tally, peaks = Tally(cap_bytes=cap_bytes), []
        for argv in argvs(self.manifests, root_uri=settings.root_uri):
            done = capped.run(argv, cap_bytes=cap_bytes, env=env, on_line=tally.read)
            peaks.append(done.peak_bytes or 0)
            if done.out_of_memory:
                raise capped.explain(
                    done,
                    step=f"convert {self.feed}",
                    budgets=sizes,
                    largest_record_bytes=tally.largest_record_bytes or None,
                )
            raise_for(done.exit_code, said=tally.said)
        # What the cap counts; a process's own figure has the libraries that all of them share.
        return tally.as_dict() | ({"peak_bytes": max(peaks)} if any(peaks) else {})


def child_env(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without Airflow's secrets and AWS's; ``storage_env`` gives what is needed."""
    hidden = ("AIRFLOW_", "_AIRFLOW_", "AWS_")
    return {name: value for name, value in environ.items() if not name.startswith(hidden)}
