"""What the settings say of a step's pod: the arguments of its operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubernetes.client import models as k8s

from include.operators.access.settings import ContainerSettings
from include.operators.runners.step import StepName

GRACE_S = 5
"""A step ends in two seconds at ``SIGTERM``; Kubernetes would give it thirty."""

DEFAULT_ACCOUNT = ContainerSettings.model_fields["service_account"].default
"""That of ``deploy/kubernetes``; a template may name another."""


def pod_arguments(feed: str, step: StepName, settings: ContainerSettings) -> dict[str, Any]:
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
        # At startup each look reads all events of the namespace: too much for many pods at once.
        "log_events_on_startup": False,
        "log_events_on_failure": True,
        # Its hundreds of lines would bury the reason.
        "log_pod_spec_on_failure": False,
        "on_finish_action": "delete_pod",
        "startup_timeout_seconds": settings.start_timeout_s,
        "termination_grace_period": GRACE_S,
    }


def _toleration(fields: Mapping[str, str]) -> k8s.V1Toleration:
    return k8s.V1Toleration(
        key=fields.get("key"),
        operator=fields.get("operator"),
        value=fields.get("value"),
        effect=fields.get("effect"),
        toleration_seconds=fields.get("tolerationSeconds"),
    )
