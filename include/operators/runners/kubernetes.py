"""The ``kubernetes`` runner: a step as a pod.

The pod meets the "restricted" pod security standard and requests exactly the memory that
it may use, so the node never has to choose a victim. While it runs, the task is deferred
and holds no worker; a retry after a worker died finds its pod again. Credentials of the object
storage and the source come from a Secret or the service account's workload identity, never
through Airflow. Counts come from the manifests that the pod committed, messages from its log.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.backcompat.backwards_compat_converters import (
    convert_env_vars,
)
from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from include.operators.access.settings import ContainerSettings, OperatorSettings
from include.operators.runners.containers import (
    MODULE_ARGV,
    local_folder,
    out_of_memory_failure,
    step_env,
)
from include.operators.runners.step import Step, StepName
from include.operators.runners.step_task import STEP_FIELDS, StepTask
from include.ticklake.errors import UsageError
from include.ticklake.memory.child_process import lines

if TYPE_CHECKING:
    from airflow.sdk import Context
    from kubernetes.client import CoreV1Api

log = logging.getLogger(__name__)

_MAX_ARGV_BYTES = 1024 * 1024
"""The kernel takes 2 MiB, the API server a pod of 1.5 MiB."""

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
    :param manifests: URIs of the manifests to convert, or of the days to compact
    :param units: the batch to extract, as ``PlanOperator`` returns it
    """

    template_fields = (*KubernetesPodOperator.template_fields, *STEP_FIELDS)

    def __init__(
        self,
        *,
        feed: str,
        step: StepName,
        manifests: list[str] | None = None,
        units: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        defaults = _pod_arguments(feed, step, ContainerSettings.from_env(os.environ))
        super().__init__(**defaults | kwargs)
        self.feed = feed
        self.step = step
        self.manifests = manifests
        self.units = units
        self.opened_step: Step | None = None
        self.final_state: k8s.V1ContainerStateTerminated | None = None

    def execute(self, context: Context) -> None:
        """Start the pod, or find it again, and wait for it without a worker."""
        settings = OperatorSettings.from_env(os.environ)
        if local_folder(settings.root_uri) and not (self.pod_template_file or self.volumes):
            raise UsageError(
                f"a pod cannot see {settings.root_uri}: set TICKLAKE_ROOT to an object store, "
                "or mount the folder with TICKLAKE_KUBERNETES_POD_TEMPLATE"
            )
        step = self.opened_step = self.open_step(context)
        self._limit_memory(step.report.cap_bytes)
        self.volumes = [*self.volumes, _TMP]
        self.volume_mounts = [*self.volume_mounts, k8s.V1VolumeMount(name="tmp", mount_path="/tmp")]  # noqa: S108
        argvs = list(step.argvs(root_uri=settings.root_uri, max_bytes=_MAX_ARGV_BYTES))
        if len(argvs) > 1:  # one pod takes the whole batch
            raise UsageError("the batch is too large for one pod: raise TICKLAKE_BATCHES_MAX")
        if not argvs:  # all of it was committed by the tries before
            self._push_result(step, context)
            return
        self.arguments = argvs[0][MODULE_ARGV:]
        try:
            super().execute(context)
        except AirflowException as failure:
            self._raise_for(failure, step)
        if not self.deferrable:
            self._push_result(step, context)

    def trigger_reentry(self, context: Context, event: dict[str, Any]) -> None:
        """Once the pod has ended, log what it wrote and push the result, or raise why not."""
        step = self.opened_step = self.open_step(context)
        try:
            super().trigger_reentry(context, event)
        except AirflowException as failure:
            self._raise_for(failure, step)
        self._push_result(step, context)

    def read_pod(self, pod: k8s.V1Pod, client: CoreV1Api) -> None:
        """Keep how *pod* ended, and read what it wrote."""
        for status in pod.status.container_statuses or []:
            if status.name == self.base_container_name:
                self.final_state = status.state.terminated
        try:
            output = client.read_namespaced_pod_log(
                name=pod.metadata.name,
                namespace=pod.metadata.namespace,
                container=self.base_container_name,
                _preload_content=False,
            )
        except ApiException as error:
            self.log.warning("kubernetes.no_log pod=%s reason=%s", pod.metadata.name, error.reason)
            return
        for line in lines(output.stream(64 * 1024)):
            if self.opened_step is None or not self.opened_step.read_line(line):
                log.info("%s", line)

    def _limit_memory(self, cap_bytes: int) -> None:
        """Request exactly the memory limit, and let the step know it."""
        memory = {"memory": str(cap_bytes)}
        self.container_resources = self.container_resources or k8s.V1ResourceRequirements(
            requests={"cpu": "500m", **memory}, limits=memory
        )
        users = convert_env_vars(self.env_vars)
        names = {variable.name for variable in users}
        ours = step_env(os.environ, cap_bytes=cap_bytes)
        self.env_vars = [
            *(k8s.V1EnvVar(name, value) for name, value in ours.items() if name not in names),
            *users,
        ]

    def _raise_for(self, failure: AirflowException, step: Step) -> None:
        """Raise what the pod's own end stands for, where it had one; else *failure*."""
        if self.final_state is None:
            raise failure
        if self.final_state.reason == "OOMKilled" or step.report.out_of_memory:
            raise out_of_memory_failure(step, mechanism="kubernetes") from None
        step.raise_for(self.final_state.exit_code)
        step.result()  # raises where some units failed, and the others are committed
        raise failure

    def _push_result(self, step: Step, context: Context) -> None:
        """Push the result, counts as committed: ``do_xcom_push`` would add a sidecar to the pod."""
        step.count_committed(OperatorSettings.from_env(os.environ))
        context["ti"].xcom_push(key="return_value", value=self.finish_step(step, context))


def _pod_arguments(feed: str, step: StepName, settings: ContainerSettings) -> dict[str, Any]:
    """Return the arguments of ``KubernetesPodOperator`` that follow from the settings."""
    return {
        # In a mapped task group the feed's name is not known before the task runs.
        "name": f"ticklake-{step}-{feed}" if isinstance(feed, str) else f"ticklake-{step}",
        "namespace": settings.namespace,
        "image": settings.image,
        "image_pull_policy": settings.pull,
        "service_account_name": settings.service_account,
        "automount_service_account_token": False,
        "env_from": [
            k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=name))
            for name in (settings.secret,)
            if name
        ],
        "node_selector": settings.node_selector,
        "tolerations": [_toleration(toleration) for toleration in settings.tolerations],
        "priority_class_name": settings.priority_class,
        "pod_template_file": settings.pod_template,
        "labels": {
            "app.kubernetes.io/name": "ticklake",
            "app.kubernetes.io/component": step,
            "ticklake/feed": feed,
        },
        "security_context": k8s.V1PodSecurityContext(
            run_as_non_root=True,
            run_as_user=10001,
            run_as_group=10001,
            seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
        ),
        "container_security_context": k8s.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.V1Capabilities(drop=["ALL"]),
        ),
        "deferrable": True,
        "do_xcom_push": False,
        "get_logs": False,  # they are read once, when the pod has ended
        "callbacks": [PodLogCallback],
        # At startup each look reads all events of the namespace: too much for many pods at once.
        "log_events_on_startup": False,
        "log_events_on_failure": True,
        "on_finish_action": "delete_pod",
        "startup_timeout_seconds": 300,
    }


def _toleration(fields: Mapping[str, str]) -> k8s.V1Toleration:
    return k8s.V1Toleration(
        key=fields.get("key"),
        operator=fields.get("operator"),
        value=fields.get("value"),
        effect=fields.get("effect"),
        toleration_seconds=fields.get("tolerationSeconds"),
    )
