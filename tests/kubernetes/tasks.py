"""Tasks whose step is a pod of the stand-in, run as Airflow runs them."""

import asyncio

from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import BaseTrigger, TriggerEvent

from include.operators.runners.kubernetes import KubernetesStepOperator
from tests.containers.task import TaskInstance, context, uris

ENDPOINT = "http://storage:9000"


def operator(*names: str, image: str, **kwargs) -> KubernetesStepOperator:
    """A task over manifests of these *names*, which looks often."""
    often = {"poll_interval": 0.1, "startup_check_interval_seconds": 0.2}
    return KubernetesStepOperator(
        task_id="convert",
        feed="binance_klines",
        step="convert",
        manifests=uris(*names),
        image=image,
        **often | kwargs,
    )


def run(
    *names: str, image: str, instance: TaskInstance | None = None, **kwargs
) -> KubernetesStepOperator:
    """Run the task as Airflow does: start, wait in a trigger, come back as another operator."""
    task_context = context(instance)
    try:
        task = operator(*names, image=image, **kwargs)
        task.execute(task_context)
    except TaskDeferred as deferred:
        event = asyncio.run(first_event(deferred.trigger))
        task = operator(*names, image=image, **kwargs)
        task.trigger_reentry(task_context, event.payload)
    return task


async def first_event(trigger: BaseTrigger) -> TriggerEvent:
    """What *trigger* wakes its task with."""
    return await anext(aiter(trigger.run()))
