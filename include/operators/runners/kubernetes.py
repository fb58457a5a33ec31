"""A capped step as a pod: manifests or works in, what they became out.

The pod meets the "restricted" pod security standard and asks for exactly the memory that
it may use, so the node never has to choose a victim. While it runs, the task is deferred
and holds no worker; a worker that died finds its pod again. What opens the object storage and
the source comes from a Secret or the service account's workload identity, never through Airflow.
Counts come from the manifests that the pod committed, its words from its log.
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

from include.operators.connections import storage_env
from include.operators.runners import steps
from include.operators.runners.containers import (
    MODULE_ARGV,
    ContainerSettings,
    folder_of,
    out_of_memory,
    step_env,
)
from include.operators.runners.convert_step import committed
from include.operators.runners.steps import Step
from include.operators.settings import OperatorSettings
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
    """Has the operator look at its pod when that is over, just before it is deleted."""

    @staticmethod
    def on_pod_completion(
        *, pod: k8s.V1Pod, client: CoreV1Api, operator: KubernetesPodOperator, **_: Any
    ) -> None:
        """Hand pod and client to the operator."""
        if isinstance(operator, CappedPodOperator) and pod is not None:
            operator.look_at(pod, client)


class CappedPodOperator(KubernetesPodOperator):
    """Convert staged JSON, or extract it, in a pod under a hard memory cap.

    Further arguments are those of ``KubernetesPodOperator`` and win over ours.

    :param feed: name of the feed
    :param manifests: URIs of the manifests to convert
    :param works: a batch to extract instead, as ``PlanOperator`` returns it
    """

    template_fields = (*KubernetesPodOperator.template_fields, "manifests", "works")

    def __init__(
        self,
        *,
        feed: str,
        manifests: list[str] | None = None,
        works: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        verb = "convert" if works is None else "extract"
        super().__init__(
            **_from_settings(feed, verb, ContainerSettings.from_env(os.environ)) | kwargs
        )
        self.feed = feed
        self.manifests = manifests
        self.works = works
        self.ended: k8s.V1ContainerStateTerminated | None = None
        self.step: Step | None = None

    def execute(self, context: Context) -> None:
        """Start the pod, or find it again, and wait for it without a worker."""
        settings = OperatorSettings.from_env(os.environ)
        if folder_of(settings.root_uri) and not (self.pod_template_file or self.volumes):
            raise UsageError(
                f"a pod cannot see {settings.root_uri}: set TICKLAKE_ROOT to an object store, "
                "or mount the folder by TICKLAKE_KUBERNETES_POD_TEMPLATE"
            )
        self.step = self._step(context)
        cap_bytes = self.step.tally.cap_bytes
        memory = {"memory": str(cap_bytes)}
        self.container_resources = self.container_resources or k8s.V1ResourceRequirements(
            requests={"cpu": "500m", **memory}, limits=memory
        )
        given = convert_env_vars(self.env_vars)
        ours = step_env(os.environ, cap_bytes=cap_bytes) | {one.name: None for one in given}
        named = [k8s.V1EnvVar(name, value) for name, value in ours.items() if value is not None]
        self.env_vars = named + given
        self.volumes = [*self.volumes, _TMP]
        self.volume_mounts = [*self.volume_mounts, k8s.V1VolumeMount(name="tmp", mount_path="/tmp")]  # noqa: S108
        self.arguments = self._arguments(self.step, settings)
        try:
            super().execute(context)
        except AirflowException as failed:
            self._raise_for(failed, self.step)
        if not self.deferrable:
            self._push(self.step, context)

    def trigger_reentry(self, context: Context, event: dict[str, Any]) -> None:
        """The pod is over: log what it said, push the result, or say why there is none."""
        self.step = self._step(context)
        try:
            super().trigger_reentry(context, event)
        except AirflowException as failed:
            self._raise_for(failed, self.step)
        self._push(self.step, context)

    def look_at(self, pod: k8s.V1Pod, client: CoreV1Api) -> None:
        """Keep how *pod* ended, and log what it said."""
        for status in pod.status.container_statuses or []:
            if status.name == self.base_container_name:
                self.ended = status.state.terminated
        try:
            said = client.read_namespaced_pod_log(
                name=pod.metadata.name,
                namespace=pod.metadata.namespace,
                container=self.base_container_name,
                _preload_content=False,
            )
        except ApiException as lost:
            self.log.warning("kubernetes.no_log pod=%s reason=%s", pod.metadata.name, lost.reason)
            return
        for line in lines(said.stream(64 * 1024)):
            if self.step is None or not self.step.take(line):
                log.info("%s", line)

    def _raise_for(self, failed: AirflowException, step: Step) -> None:
        """The pod's own end, where it had one; else what Airflow said of it."""
        if self.ended is None:
            raise failed
        if self.ended.reason == "OOMKilled" or step.tally.out_of_memory:
            cap_bytes = step.tally.cap_bytes
            raise out_of_memory("kubernetes", step=step, cap_bytes=cap_bytes) from None
        step.raise_for(self.ended.exit_code)
        raise failed

    def _step(self, context: Context) -> Step:
        return steps.step(self.feed, manifests=self.manifests, works=self.works, context=context)

    def _arguments(self, step: Step, settings: OperatorSettings) -> list[str]:
        """One pod takes the whole batch."""
        calls = list(step.argvs(root_uri=settings.root_uri, max_bytes=_MAX_ARGV_BYTES))
        if len(calls) > 1:
            raise UsageError("the batch is too large for one pod: raise TICKLAKE_BATCHES_MAX")
        return calls[0][MODULE_ARGV:]

    def _push(self, step: Step, context: Context) -> None:
        """Push the result, counts as committed: ``do_xcom_push`` would put a sidecar there."""
        if self.works is None:
            settings = OperatorSettings.from_env(os.environ)
            env = storage_env(settings, os.environ)
            tally = committed(self.manifests or [], root_uri=settings.root_uri, env=env)
            tally.cap_bytes = step.tally.cap_bytes
            tally.peak(step.tally.peak_bytes)
            step.tally = tally
        context["ti"].xcom_push(key="return_value", value=step.result())


def _from_settings(feed: str, verb: str, where: ContainerSettings) -> dict[str, Any]:
    """The arguments of ``KubernetesPodOperator`` that follow from the settings."""
    return {
        "name": f"ticklake-{verb}-{feed}",
        "namespace": where.namespace,
        "image": where.image,
        "image_pull_policy": where.pull,
        "service_account_name": where.service_account,
        "automount_service_account_token": False,
        "env_from": [
            k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=name))
            for name in (where.secret,)
            if name
        ],
        "node_selector": dict(where.node_selector),
        "tolerations": [_toleration(one) for one in where.tolerations],
        "priority_class_name": where.priority_class,
        "pod_template_file": where.pod_template,
        "labels": {
            "app.kubernetes.io/name": "ticklake",
            "app.kubernetes.io/component": verb,
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
        "get_logs": False,  # they are read once, whole, when the pod is over
        "callbacks": [PodLogCallback],
        # At startup each look reads all events of the namespace: too much for many pods at once.
        "log_events_on_startup": False,
        "log_events_on_failure": True,
        "on_finish_action": "delete_pod",
        "startup_timeout_seconds": 300,
    }


def _toleration(one: Mapping[str, str]) -> k8s.V1Toleration:
    return k8s.V1Toleration(
        key=one.get("key"),
        operator=one.get("operator"),
        value=one.get("value"),
        effect=one.get("effect"),
        toleration_seconds=one.get("tolerationSeconds"),
    )
