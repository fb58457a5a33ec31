"""The ``kubernetes`` runner: a step as a pod.

The pod meets the "restricted" pod security standard and requests exactly the memory that
it may use, so the node never has to choose a victim. While it runs, the task is deferred
and holds no worker; a retry after a worker died finds its pod again, unless that is about to go.
Credentials of the object storage and the source come from a Secret or the service account's
workload identity, never through Airflow. Counts come from the manifests that the pod committed,
messages from its log.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Never, cast

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException, AirflowSkipException
from kubernetes.client import ApiException
from kubernetes.client import models as k8s
from urllib3.exceptions import HTTPError

from include.operators.access.batches import Batch
from include.operators.access.settings import ContainerSettings, OperatorSettings
from include.operators.runners.containers import (
    MODULE_ARGV,
    local_folder,
    out_of_memory_failure,
)
from include.operators.runners.pod_end import (
    ended_error,
    given_up_error,
    last_warning,
    refusal_error,
    step_error,
)
from include.operators.runners.pod_spec import pod_arguments
from include.operators.runners.pod_template import complete_pod
from include.operators.runners.pod_trigger import StepPodTrigger
from include.operators.runners.pod_watch import PodEnd, PodWatch, is_abandoned, waits_for, where
from include.operators.runners.step import Step, StepName
from include.operators.runners.step_task import STEP_FIELDS, StepTask
from include.ticklake.errors import UsageError
from include.ticklake.memory.child_process import lines

if TYPE_CHECKING:
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
    from airflow.sdk import Context
    from airflow.triggers.base import BaseTrigger
    from kubernetes.client import CoreV1Api

log = logging.getLogger(__name__)

_MAX_ARGV_BYTES = 1024 * 1024
"""The kernel takes 2 MiB, the API server a pod of 1.5 MiB."""

_CLUSTER_OPTIONS = [
    prefix + name
    for prefix in ("", "extra__kubernetes__")
    for name in ("in_cluster", "kube_config", "kube_config_path")
]

_TMP = k8s.V1Volume(
    name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource(medium="Memory", size_limit="16Mi")
)


class PodLogCallback(KubernetesPodOperatorCallback):
    """Lets the operator read its pod's end and log, just before the pod is deleted."""

    @staticmethod
    def on_pod_completion(
        *, pod: k8s.V1Pod, client: CoreV1Api, operator: KubernetesPodOperator, **_: Any
    ) -> None:
        """Hand pod and client to the operator."""
        if isinstance(operator, KubernetesStepOperator) and pod is not None:
            operator.read_pod(pod, client)


class KubernetesStepOperator(StepTask, KubernetesPodOperator):
    """Run a step in a pod under a hard memory limit.

    Further arguments are those of ``KubernetesPodOperator`` and win over ours.

    :param feed: name of the feed
    :param step: ``convert``, ``compact`` or ``extract``
    :param manifests: the batch to convert or to compact, or the URIs of its manifests
    :param units: the batch to extract, as ``PlanOperator`` refers to it
    """

    template_fields = (*KubernetesPodOperator.template_fields, *STEP_FIELDS)

    def __init__(
        self,
        *,
        feed: str,
        step: StepName,
        manifests: Batch = None,
        units: Batch = None,
        **kwargs: Any,
    ) -> None:
        settings = ContainerSettings.from_env(os.environ)
        defaults = pod_arguments(feed, step, settings)
        super().__init__(**defaults | {"callbacks": [PodLogCallback]} | kwargs)
        self.feed = feed
        self.step = step
        self.manifests = manifests
        self.units = units
        self.cpu = settings.cpu
        self.opened_step: Step | None = None
        self.last_pod: k8s.V1Pod | None = None
        self.last_warning: str | None = None
        self.given_up: PodEnd | None = None

    def execute(self, context: Context) -> None:
        """Start the pod, or find it again, and wait for it without a worker."""
        settings = OperatorSettings.from_env(os.environ)
        if local_folder(settings.root_uri) and not (self.pod_template_file or self.volumes):
            raise UsageError(
                f"a pod cannot see {settings.root_uri}: set TICKLAKE_ROOT to an object store, "
                "or mount the folder with TICKLAKE_KUBERNETES_POD_TEMPLATE"
            )
        step = self.opened_step = self.begin_step(context)
        complete_pod(self, settings, cap_bytes=step.report.cap_bytes, cpu=self.cpu)
        self.volumes = [*self.volumes, _TMP]
        self.volume_mounts = [*self.volume_mounts, k8s.V1VolumeMount(name="tmp", mount_path="/tmp")]  # noqa: S108
        argvs = list(step.argvs(root_uri=settings.root_uri, max_bytes=_MAX_ARGV_BYTES))
        if len(argvs) > 1:  # one pod takes the whole batch
            raise UsageError("the batch is too large for one pod: raise TICKLAKE_BATCHES_MAX")
        if not argvs:  # all of it was committed by the tries before
            self._push_result(step, context)
            return
        self.arguments = argvs[0][MODULE_ARGV:]
        with self._explained(step):
            super().execute(context)
        if not self.deferrable:
            self._push_result(step, context)

    def trigger_reentry(self, context: Context, event: dict[str, Any]) -> None:
        """Once the pod has ended, log what it wrote and push the result, or raise why not."""
        step = self.opened_step = self.open_step(context)
        if event["status"] == "timeout":
            self.given_up = PodEnd(
                status="timeout",
                message=event["message"],
                is_final=bool(event.get("is_final")),
            )
        with self._explained(step, pod_name=event["name"]):
            super().trigger_reentry(context, event)
        self._push_result(step, context)

    def defer(self, *, trigger: BaseTrigger, **kwargs: Any) -> Never:
        """Wait with a trigger that sees a lost node, and pods that cannot start."""
        _, arguments = trigger.serialize()
        super().defer(trigger=StepPodTrigger(**arguments), **kwargs)

    def convert_config_file_to_dict(self) -> None:
        """Read ``KUBECONFIG`` for the trigger, unless the connection names a cluster."""
        extras = cast("KubernetesHook", self.hook).conn_extras
        if self.config_file or not any(extras.get(name) for name in _CLUSTER_OPTIONS):
            super().convert_config_file_to_dict()  # type: ignore[no-untyped-call]  # Airflow's own

    def get_or_create_pod(self, pod_request_obj: k8s.V1Pod, context: Context) -> k8s.V1Pod:
        """Find the pod of an earlier try, or create one: never one that is about to go."""
        selector = self._build_find_pod_label_selector(context)
        namespace = pod_request_obj.metadata.namespace
        for pod in self.client.list_namespaced_pod(namespace, label_selector=selector).items:
            if is_abandoned(pod):
                log.warning(
                    "kubernetes.abandoned pod=%s: it %s, %s; a new one is started",
                    pod.metadata.name, waits_for(pod), where(pod),
                )  # fmt: skip
                # The provider looks for pods without this mark; one that is gone needs none.
                self.patch_already_checked(pod, reraise=False)
                if pod.metadata.deletion_timestamp is None:
                    self.pod_manager.delete_pod(pod)
        return super().get_or_create_pod(pod_request_obj, context)

    def await_pod_start(self, pod: k8s.V1Pod) -> None:
        """Wait for the end of *pod* in this worker, and judge it as the trigger does."""
        watch = PodWatch(
            container=self.base_container_name,
            schedule_timeout_s=self.schedule_timeout_seconds,
            startup_timeout_s=self.startup_timeout_seconds,
        )
        said = ""
        while (
            end := watch.look(found := self.pod_manager.read_pod(pod), now_s=time.monotonic())
        ) is None:
            if (now := f"{waits_for(found)}, {where(found)}") != said:
                log.info("kubernetes.wait pod=%s: it %s", pod.metadata.name, now)
                said = now
            time.sleep(self.base_container_status_polling_interval)
        is_unstarted = end.status == "failed" and not found.status.container_statuses
        if end.status == "timeout" or is_unstarted:
            self.given_up = end
            self.read_pod(found, self.client)
            raise AirflowException(end.message)

    def read_pod(self, pod: k8s.V1Pod, client: CoreV1Api) -> None:
        """Keep how *pod* ended, and read what it wrote, or why it wrote nothing."""
        self.last_pod = pod
        name = {"name": pod.metadata.name, "namespace": pod.metadata.namespace}
        if _terminated(pod, self.base_container_name) is None:
            with suppress(ApiException):
                self.last_warning = last_warning(self.pod_manager.read_pod_events(pod).items)
        try:
            output = client.read_namespaced_pod_log(
                **name, container=self.base_container_name, _preload_content=False
            )
            for line in lines(output.stream(64 * 1024)):
                if self.opened_step is None or not self.opened_step.read_line(line):
                    log.info("%s", line)
        except (ApiException, HTTPError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            log.warning("kubernetes.no_log pod=%s reason=%s", pod.metadata.name, reason)

    @contextmanager
    def _explained(self, step: Step, *, pod_name: str = "") -> Iterator[None]:
        """Raise what the pod's end stands for, without the errors that led there."""
        try:
            yield
        except AirflowSkipException:
            raise
        except ApiException as refused:
            raise refusal_error(refused) from None
        except AirflowException as failure:
            raise self._error_of(failure, step, pod_name) from None

    def _error_of(self, failure: AirflowException, step: Step, pod_name: str) -> Exception:
        pod = self.last_pod
        name = pod.metadata.name if pod is not None else pod_name
        end = _terminated(pod, self.base_container_name) if pod is not None else None
        if end is not None and (end.reason == "OOMKilled" or step.report.out_of_memory):
            return out_of_memory_failure(step, mechanism="kubernetes")
        if pod is not None and end is not None and not pod.status.reason:
            try:
                step.raise_for(end.exit_code)
                step.result()  # raises where some units failed, and the others are committed
            except Exception as error:
                return step_error(error, image=str(self.image))
        if self.given_up is not None:
            return given_up_error(
                name,
                message=self.given_up.message,
                is_final=self.given_up.is_final,
                event=self.last_warning,
            )
        if pod is not None:
            return ended_error(pod, event=self.last_warning)
        return given_up_error(name, message=str(failure), is_final=False, event=None)

    def _push_result(self, step: Step, context: Context) -> None:
        """Push the result, counts as committed: ``do_xcom_push`` would add a sidecar to the pod."""
        step.count_committed(OperatorSettings.from_env(os.environ))
        context["ti"].xcom_push(key="return_value", value=self.finish_step(step, context))


def _terminated(pod: k8s.V1Pod, container: str) -> k8s.V1ContainerStateTerminated | None:
    """How *container* of *pod* ended; None where it did not."""
    for status in pod.status.container_statuses or []:
        if status.name == container and status.state is not None:
            return status.state.terminated
    return None
