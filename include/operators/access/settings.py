"""Settings of the Airflow side: where steps run, and how much work Airflow is given."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from include.ticklake.settings import EnvironmentSettings, Extraction, Runner, Settings

MAX_MAP_LENGTH = 1024
"""The default of Airflow's ``core.max_map_length``."""


def _names(text: object) -> object:
    """Parse ``A, B`` to names."""
    if not isinstance(text, str):
        return text
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _import_path(text: object) -> object:
    """Check that a text may name a class: ``package.module.Class``."""
    names = text.split(".") if isinstance(text, str) else []
    if len(names) < 2 or not all(map(str.isidentifier, names)):
        raise ValueError(f"{text!r} is not the path of a class; write it as package.module.Class")
    return text


def _arguments(text: object) -> object:
    """Parse a JSON object; what is wrong with it is said without its text, which may be secret."""
    if not isinstance(text, str):
        return text
    try:
        arguments = json.loads(text)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise ValueError('must be a JSON object, such as {"text": "{{ alert.message }}"}')
    return arguments


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class OperatorSettings(Settings):
    """The settings of the core, and those that only Airflow's tasks read."""

    runner: Runner = Field(
        "process",
        validation_alias="TICKLAKE_RUNNER",
        description="Where a memory-limited step runs: `process`, `docker` or `kubernetes`; "
        "`runner` in a feed file wins.",
    )
    extract: Extraction = Field(
        "worker",
        validation_alias="TICKLAKE_EXTRACT",
        description="Where pages are fetched: in the `worker`, or `capped`: in a memory-limited "
        "step as well.",
    )
    batches_max: int = Field(
        200,
        ge=1,
        le=MAX_MAP_LENGTH,
        validation_alias="TICKLAKE_BATCHES_MAX",
        description="Most batches that a run is split into; each costs Airflow two tasks.",
    )
    ingest_runs: int | None = Field(
        None,
        ge=1,
        le=16,
        validation_alias="TICKLAKE_INGEST_RUNS",
        description="Most runs of a feed's ingest DAG at once. Defaults to 2, and to 1 on an S3 "
        "server with an endpoint of its own (`AWS_ENDPOINT_URL`), which may ignore conditional "
        "writes: set 2 where it honours them.",
    )
    aws_conn_id: str = Field(
        "aws_default",
        validation_alias="TICKLAKE_AWS_CONN_ID",
        description="Airflow connection with the keys, role or profile, and the endpoint, of S3.",
    )
    step_env: Names = Field(
        (),
        validation_alias="TICKLAKE_STEP_ENV",
        description="Further variables of the worker that a step in a child process or a "
        "container gets, separated by commas: what a signer of yours reads. It gets few others.",
    )
    notifier: Annotated[str | None, BeforeValidator(_import_path)] = Field(
        None,
        validation_alias="TICKLAKE_NOTIFIER",
        description="Airflow notifier that is alerted of late data, findings and quarantined "
        "records: `airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier`.",
    )
    notifier_args: Annotated[dict[str, Any], BeforeValidator(_arguments)] = Field(
        default_factory=dict,
        repr=False,
        validation_alias="TICKLAKE_NOTIFIER_ARGS",
        description="Arguments of the notifier, as a JSON object. Its texts may use "
        "`{{ alert.message }}`, `subject`, `url`, `feed` and `kind`. Never logged.",
    )


def _pairs(text: object) -> object:
    """Parse ``disktype=ssd,zone=a`` to a mapping."""
    if not isinstance(text, str):
        return text
    pairs = [pair.partition("=") for pair in text.split(",") if pair]
    if not all(name and sign for name, sign, _ in pairs):
        raise ValueError(f"{text!r} is not a list of labels; write it as disktype=ssd,zone=a")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _objects(text: object) -> object:
    """Parse a JSON array of objects, as Kubernetes writes tolerations."""
    if not isinstance(text, str):
        return text
    try:
        objects = json.loads(text)
    except ValueError:
        objects = None
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        raise ValueError(
            f"{text!r} is not a JSON array of objects; "
            'write it as [{"key": "batch", "operator": "Exists"}]'
        )
    return objects


Pairs = Annotated[dict[str, str], BeforeValidator(_pairs)]
Objects = Annotated[tuple[dict[str, Any], ...], BeforeValidator(_objects)]


class ContainerSettings(EnvironmentSettings):
    """The settings of the runners ``docker`` and ``kubernetes``.

    The defaults work with ``make image`` on one machine.
    """

    image: str = Field(
        "ticklake-convert:latest",
        validation_alias="TICKLAKE_IMAGE",
        description="Image of a memory-limited step: what `make image` built, where you pushed it.",
    )
    pull: Literal["IfNotPresent", "Always", "Never"] = Field(
        "IfNotPresent",
        validation_alias="TICKLAKE_IMAGE_PULL",
        description="When the image is pulled: `IfNotPresent`, `Always` or `Never`.",
    )
    docker_network: str | None = Field(
        None,
        validation_alias="TICKLAKE_DOCKER_NETWORK",
        description="Docker network that reaches the object storage. Defaults to the engine's own.",
    )
    docker_user: str | None = Field(
        None,
        validation_alias="TICKLAKE_DOCKER_USER",
        description="`uid:gid` in the container. Defaults to the image's own user, or to the "
        "worker's for a lake in a local folder.",
    )
    namespace: str | None = Field(
        None,
        validation_alias="TICKLAKE_KUBERNETES_NAMESPACE",
        description="Namespace of pods. Defaults to that of the Airflow connection.",
    )
    service_account: str = Field(
        "ticklake-convert",
        validation_alias="TICKLAKE_KUBERNETES_SERVICE_ACCOUNT",
        description="Service account of pods; it carries the workload identity.",
    )
    secret: str | None = Field(
        None,
        validation_alias="TICKLAKE_KUBERNETES_SECRET",
        description="Secret whose entries become the pod's environment, such as "
        "`AWS_ACCESS_KEY_ID`.",
    )
    node_selector: Pairs = Field(
        default_factory=dict,
        validation_alias="TICKLAKE_KUBERNETES_NODE_SELECTOR",
        description="Labels of the nodes that pods may run on: `disktype=ssd,zone=a`.",
    )
    tolerations: Objects = Field(
        (),
        validation_alias="TICKLAKE_KUBERNETES_TOLERATIONS",
        description="Tolerations of pods, as a JSON array.",
    )
    priority_class: str | None = Field(
        None,
        validation_alias="TICKLAKE_KUBERNETES_PRIORITY_CLASS",
        description="Priority class of pods.",
    )
    cpu: Annotated[str, Field(pattern=r"^\d+(\.\d+|m)?$")] = Field(
        "1",
        validation_alias="TICKLAKE_KUBERNETES_CPU",
        description="CPU of a pod, requested and at most: `1` or `250m`.",
    )
    start_timeout_s: int = Field(
        300,
        ge=1,
        validation_alias="TICKLAKE_KUBERNETES_START_TIMEOUT_S",
        description="Seconds that a pod may wait for a node, and then for its start. What cannot "
        "start at all (no such image, Secret or node) fails without a retry.",
    )
    pod_template: str | None = Field(
        None,
        validation_alias="TICKLAKE_KUBERNETES_POD_TEMPLATE",
        description="File with anything else that a pod should have.",
    )
