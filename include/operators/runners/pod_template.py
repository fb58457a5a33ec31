"""What a template may add to a step's pod: each of its fields is obeyed, or the pod is refused.

The provider's own merge lets the operator's values replace the template's without a word.
"""

from __future__ import annotations

import copy
import os
from typing import Any

from airflow.providers.cncf.kubernetes.backcompat.backwards_compat_converters import (
    convert_env_vars,
)
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client import models as k8s
from kubernetes.utils import parse_quantity

from include.operators.access.settings import OperatorSettings
from include.operators.runners.containers import step_env
from include.operators.runners.pod_spec import DEFAULT_ACCOUNT, GRACE_S
from include.operators.runners.pod_storage import check_same, store_env
from include.ticklake.errors import UsageError

_ANY_USER = {"run_as_user", "run_as_group"}
"""The image runs as any user but root."""


def complete_pod(
    operator: KubernetesPodOperator, settings: OperatorSettings, *, cap_bytes: int, cpu: str
) -> None:
    """Set what follows from the feed's memory limit, the worker and the template.

    ``UsageError`` where they contradict each other, before there is a pod.
    """
    template = read_template(operator)
    spec, base = template.spec, template.spec.containers[0]
    operator.namespace = _namespace(operator, template)
    operator.container_resources = resources(
        base.resources, operator.container_resources, cap_bytes=cap_bytes, cpu=cpu
    )
    operator.security_context = add_context(
        operator.security_context, spec.security_context, where="spec.securityContext"
    )
    operator.container_security_context = add_context(
        operator.container_security_context,
        base.security_context,
        where="containers[0].securityContext",
    )
    if spec.service_account_name and operator.service_account_name == DEFAULT_ACCOUNT:
        operator.service_account_name = None  # the template's stays
    if spec.termination_grace_period_seconds and operator.termination_grace_period == GRACE_S:
        operator.termination_grace_period = spec.termination_grace_period_seconds
    if not (operator.active_deadline_seconds or spec.active_deadline_seconds):
        # The pod ends also where nobody is left to end it.
        limit = operator.execution_timeout
        operator.active_deadline_seconds = int(limit.total_seconds()) if limit else None
    operator.env_vars = _env(operator, spec, settings, cap_bytes=cap_bytes)


def _env(
    operator: KubernetesPodOperator,
    spec: k8s.V1PodSpec,
    settings: OperatorSettings,
    *,
    cap_bytes: int,
) -> list[k8s.V1EnvVar]:
    base = spec.containers[0]
    store = store_env(
        settings,
        os.environ,
        mounts=[*operator.volume_mounts, *(base.volume_mounts or [])],
        is_host_network=bool(operator.hostnetwork or spec.host_network),
    )
    ours = step_env(os.environ, cap_bytes=cap_bytes) | store
    users, templates = convert_env_vars(operator.env_vars), base.env or []
    check_same(store, users, where="env_vars")
    check_same(store, templates, where="containers[0].env")
    others = {variable.name for variable in [*users, *templates]}
    added = [k8s.V1EnvVar(name, value) for name, value in ours.items() if name not in others]
    return [*added, *users]


def _namespace(operator: KubernetesPodOperator, template: k8s.V1Pod) -> str:
    """Return that of the settings, the template, the connection, or of this worker's own pod."""
    named = operator.namespace or template.metadata.namespace or operator.hook.get_namespace()
    namespace: str | None = named or operator._incluster_namespace
    if not namespace:
        raise UsageError(
            "no namespace for pods; set TICKLAKE_KUBERNETES_NAMESPACE, or `namespace` in the "
            f"Airflow connection {operator.kubernetes_conn_id!r}"
        )
    return namespace


def read_template(operator: KubernetesPodOperator) -> k8s.V1Pod:
    """Return the template of *operator*, with one container; an empty one where there is none."""
    template = None
    if operator.pod_template_file:
        template = PodGenerator.deserialize_model_file(operator.pod_template_file)
    elif operator.pod_template_dict:
        template = PodGenerator.deserialize_model_dict(operator.pod_template_dict)
    if operator.full_pod_spec:
        full = operator.full_pod_spec
        template = PodGenerator.reconcile_pods(template, full) if template else full
    pod = copy.deepcopy(template) or k8s.V1Pod()
    pod.metadata = pod.metadata or k8s.V1ObjectMeta()
    pod.spec = pod.spec or k8s.V1PodSpec(containers=[])
    pod.spec.containers = pod.spec.containers or [k8s.V1Container(name="base")]
    return pod


def resources(
    *given: k8s.V1ResourceRequirements | None, cap_bytes: int, cpu: str
) -> k8s.V1ResourceRequirements:
    """Return requests and limits of the memory limit and *cpu*, with what *given* add, in order.

    Requests are limits, unless *given* have both: the pod is ``Guaranteed`` then, and the kernel of
    a full node ends it last. ``UsageError`` for memory other than the limit.
    """
    memory = {"memory": str(cap_bytes)}
    requests, limits = {"cpu": cpu}, {"cpu": cpu}
    for each in filter(None, given):
        for asked in filter(None, (each.requests, each.limits)):
            if "memory" in asked and parse_quantity(asked["memory"]) != cap_bytes:
                raise UsageError(
                    f"container_resources: memory of {asked['memory']} is not the memory limit of "
                    f"{cap_bytes} bytes; remove it, and set TICKLAKE_CAP, or `cap` in the feed's "
                    "file"
                )
        requests |= {**(each.limits or {}), **(each.requests or {})}
        limits |= {**(each.requests or {}), **(each.limits or {})}
    return k8s.V1ResourceRequirements(requests=requests | memory, limits=limits | memory)


def add_context(ours: Any, theirs: Any, *, where: str) -> Any:
    """Return the security context *ours* with what *theirs* adds; ``UsageError`` if they differ."""
    if theirs is None or not isinstance(ours, type(theirs)):
        return ours
    merged = copy.deepcopy(ours)
    for name, key in merged.attribute_map.items():
        mine, other = getattr(merged, name), getattr(theirs, name)
        if other is None or other == mine:
            continue
        if mine is not None and (name not in _ANY_USER or other == 0):
            raise UsageError(
                f"{where}.{key}: a template may add to what hardens a pod, not change it; remove it"
            )
        setattr(merged, name, other)
    return merged
