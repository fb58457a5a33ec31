"""Waits in Airflow's triggerer for the end of a step's pod, and says in the log what for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.cncf.kubernetes.triggers.pod import KubernetesPodTrigger
from airflow.triggers.base import TriggerEvent

from include.operators.runners.pod_watch import PodEnd, PodWatch, waits_for, where

_NOT_FOUND = 404


class StepPodTrigger(KubernetesPodTrigger):
    """Waits until the pod has ended, or will not end: its node is gone, or it cannot start."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The arguments are those of the provider's trigger."""
        _, arguments = super().serialize()
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, as the provider's operator reads it."""
        try:
            end = await self._end()
            outcome = {"status": end.status, "message": end.message, "is_final": end.is_final}
        except Exception as error:
            self.log.exception("kubernetes.no_answer pod=%s", self.pod_name)
            outcome = {"status": "error", "message": f"{type(error).__name__}: {error}"}
        self._fired_event = True
        name = {"name": self.pod_name, "namespace": self.pod_namespace}
        payload = name | outcome | self.trigger_kwargs
        yield TriggerEvent(payload)  # type: ignore[no-untyped-call]  # Airflow's own

    async def _end(self) -> PodEnd:
        watch = PodWatch(
            container=self.base_container_name,
            schedule_timeout_s=self.schedule_timeout,
            startup_timeout_s=self.startup_timeout,
        )
        deadline = self.trigger_kwargs.get("_execution_deadline", float("inf"))
        said = ""
        while True:
            try:
                pod = await self.hook.get_pod(name=self.pod_name, namespace=self.pod_namespace)
            except Exception as error:
                if getattr(error, "status", None) != _NOT_FOUND:
                    raise
                last = f", and when last seen it {said}" if said else ""
                return PodEnd(status="timeout", message=f"is gone{last}")
            if (end := watch.look(pod, now_s=time.monotonic())) is not None:
                return end
            now = f"{waits_for(pod)}, {where(pod)}"
            if now != said:
                self.log.info("kubernetes.wait pod=%s: it %s", self.pod_name, now)
                said = now
            if time.time() >= deadline:
                return PodEnd(status="timeout", message=f"did not end in the task's time; it {now}")
            await asyncio.sleep(self.poll_interval)
