"""The environment in, how capped containers are to be run out; and how one that died is explained.

Everything here has a default that works with ``make image`` on one machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import urlsplit

from airflow.sdk.exceptions import AirflowFailException

from include.operators.runners.steps import Step
from include.ticklake.errors import UsageError
from include.ticklake.memory.capped_process import OUT_OF_MEMORY_EXIT, ChildEnd

Pull = Literal["IfNotPresent", "Always", "Never"]

MODULE_ARGV = 3
"""``python -m include.ticklake``: the image's entry point says that itself."""

_PASSED_ON = (
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "TICKLAKE_BASE_URL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSettings:
    """Which image, and where its containers run."""

    image: str = "ticklake-convert:latest"
    pull: Pull = "IfNotPresent"
    docker_network: str | None = None
    """None: the engine's default network."""
    docker_user: str | None = None
    """None: the image's own user, or for a lake of files the worker's."""
    namespace: str | None = None
    service_account: str = "ticklake-convert"
    """Workload identity hangs on it."""
    secret: str | None = None
    """A Secret whose entries become the pod's environment: ``AWS_ACCESS_KEY_ID`` and so on."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, str]] = ()
    priority_class: str | None = None
    pod_template: str | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> ContainerSettings:
        """Read ``TICKLAKE_IMAGE``, ``TICKLAKE_DOCKER_*`` and ``TICKLAKE_KUBERNETES_*`` of *env*."""
        default = cls()
        pull = env.get("TICKLAKE_IMAGE_PULL", default.pull)
        known: dict[str, Pull] = {name: name for name in get_args(Pull)}
        if pull not in known:
            raise UsageError(
                f"TICKLAKE_IMAGE_PULL is {pull!r}; it must be one of: {', '.join(known)}"
            )
        kubernetes = "TICKLAKE_KUBERNETES"
        return cls(
            image=env.get("TICKLAKE_IMAGE", default.image),
            pull=known[pull],
            docker_network=env.get("TICKLAKE_DOCKER_NETWORK") or None,
            docker_user=env.get("TICKLAKE_DOCKER_USER") or None,
            namespace=env.get(f"{kubernetes}_NAMESPACE") or None,
            service_account=env.get(f"{kubernetes}_SERVICE_ACCOUNT", default.service_account),
            secret=env.get(f"{kubernetes}_SECRET") or None,
            node_selector=_pairs(env, f"{kubernetes}_NODE_SELECTOR"),
            tolerations=_objects(env, f"{kubernetes}_TOLERATIONS"),
            priority_class=env.get(f"{kubernetes}_PRIORITY_CLASS") or None,
            pod_template=env.get(f"{kubernetes}_POD_TEMPLATE") or None,
        )


def step_env(environ: Mapping[str, str], *, cap_bytes: int) -> dict[str, str]:
    """What a container may see of the worker's environment: where things are, never a key."""
    passed_on = {name: environ[name] for name in _PASSED_ON if name in environ}
    return {"TICKLAKE_CAP": str(cap_bytes), **passed_on}


def folder_of(root_uri: str) -> str | None:
    """The folder of a lake of files; None for one on an object store."""
    parts = urlsplit(root_uri)
    return parts.path if parts.scheme == "file" else None


def out_of_memory(how: str, *, step: Step, cap_bytes: int) -> AirflowFailException:
    """The end of a task whose container reached its cap: no retry, for it would end the same."""
    # The kernel says only that the cap was reached: then the peak is the cap.
    ended = ChildEnd(
        how=how,
        cap_bytes=cap_bytes,
        peak_bytes=cap_bytes,
        exit_code=OUT_OF_MEMORY_EXIT,
        out_of_memory=True,
    )
    return AirflowFailException(str(step.out_of_memory(ended)))


def _pairs(env: Mapping[str, str], name: str) -> dict[str, str]:
    """``disktype=ssd,zone=a`` as a mapping."""
    pairs = [pair.partition("=") for pair in env.get(name, "").split(",") if pair]
    if not all(key and sign for key, sign, _ in pairs):
        raise UsageError(f"{name} is {env[name]!r}; write it as disktype=ssd,zone=a")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _objects(env: Mapping[str, str], name: str) -> tuple[dict[str, str], ...]:
    """A JSON array of objects, as Kubernetes writes tolerations."""
    try:
        found = json.loads(env.get(name) or "[]")
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UsageError(
            f'{name} is no JSON array; write it as [{{"key": "batch", "operator": "Exists"}}]'
        )
    return tuple(found)
