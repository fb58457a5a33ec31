"""The ``docker`` runner: a step as a container of a Docker engine.

The container is hardened: one limit for memory and swap, a read-only root with a small
tmpfs, no capabilities, no new privileges, a bounded number of processes. The credentials of
the object storage and the source go into its private environment, which Airflow neither
shows nor keeps.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.docker.exceptions import DockerContainerFailedException
from airflow.providers.docker.operators.docker import DockerOperator
from docker.errors import APIError
from docker.types import Mount

from include.operators.access.batches import Batch
from include.operators.access.connections import storage_access
from include.operators.access.settings import ContainerSettings, OperatorSettings
from include.operators.runners.containers import (
    MODULE_ARGV,
    local_folder,
    out_of_memory_failure,
    private_step_env,
    step_env,
)
from include.operators.runners.step import Step, StepName
from include.operators.runners.step_task import STEP_FIELDS, StepTask
from include.ticklake.errors import UsageError
from include.ticklake.memory.child_process import GRACE_S, lines

if TYPE_CHECKING:
    from airflow.sdk import Context
    from docker import APIClient

_REMOVED_BY_OTHERS = (404, 409)


class DockerStepOperator(StepTask, DockerOperator):
    """Run a step in a container under a hard memory limit.

    Further arguments are those of ``DockerOperator``; ``environment`` wins over ours.

    :param feed: name of the feed
    :param step: ``convert``, ``compact`` or ``extract``
    :param manifests: the batch to convert or to compact, or the URIs of its manifests
    :param units: the batch to extract, as ``PlanOperator`` refers to it
    """

    template_fields = (*DockerOperator.template_fields, *STEP_FIELDS)

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
        defaults = {
            "image": settings.image,
            "network_mode": settings.docker_network,
            "user": settings.docker_user,
            "force_pull": settings.pull == "Always",
            "auto_remove": "force",
            "mount_tmp_dir": False,
            "xcom_all": True,
        }
        super().__init__(**defaults | kwargs)
        self.feed = feed
        self.step = step
        self.manifests = manifests
        self.units = units
        self.pull = settings.pull

    def execute(self, context: Context) -> Any:
        """Return counts of what was converted, or the manifests' URIs; never the data."""
        settings = OperatorSettings.from_env(os.environ)
        step = self.begin_step(context)
        cap_bytes = step.report.cap_bytes
        self.mem_limit = cap_bytes
        self.environment = step_env(os.environ, cap_bytes=cap_bytes) | dict(self.environment or {})
        self._private_environment |= private_step_env(os.environ, settings=settings)
        self._private_environment |= storage_access(settings, os.environ).env | step.secrets()
        self._mount_folders(settings.root_uri)
        self.labels = cast("dict[str, str]", self.labels or {}) | _labels(context)
        self._check_image()
        self._remove_leftover_containers(context)
        for argv in step.argvs(root_uri=settings.root_uri):
            self.command = list(argv[MODULE_ARGV:])
            self._run(context, step)
        return self.finish_step(step, context)

    def on_kill(self) -> None:
        """End and remove the container; readers see nothing that it has not committed."""
        if self.container is None:
            return
        try:
            self.cli.stop(self.container["Id"], timeout=math.ceil(GRACE_S))
            self.cli.remove_container(self.container["Id"], force=True)
        except APIError as error:
            if error.status_code not in _REMOVED_BY_OTHERS:  # by the task, which saw its end
                raise

    @cached_property
    def cli(self) -> HardenedDockerClient:
        """The engine's client, which hardens every container that it creates."""
        return HardenedDockerClient(self.hook.api_client)

    def _run(self, context: Context, step: Step) -> None:
        try:
            output: Any = super().execute(context)
        except DockerContainerFailedException as failure:
            _read_lines(self._all_lines(failure.logs), step)
            state = self.cli.final_state
            if state["OOMKilled"] or step.report.out_of_memory:
                raise out_of_memory_failure(step, mechanism="docker") from None
            step.raise_for(state["ExitCode"])
            return
        _read_lines(self._all_lines(output), step)

    def _all_lines(self, attached: Iterable[Any] | None) -> Iterable[Any]:
        """The container's output, of which the stream that was *attached* may lack the end."""
        kept = self.cli.final_log
        return lines([kept]) if kept is not None else attached or []

    def _check_image(self) -> None:
        if self.pull == "Never" and not self.cli.images(name=self.image):
            raise UsageError(
                f"the engine has no image {self.image} and TICKLAKE_IMAGE_PULL is Never: "
                "build it there with `make image`, or name another in TICKLAKE_IMAGE"
            )

    def _mount_folders(self, root_uri: str) -> None:
        """Mount a lake of files, the user's own feeds and certificates, at the same paths."""
        if folder := local_folder(root_uri):
            self.mounts = [*self.mounts, Mount(folder, folder, type="bind")]
            self.user = self.user or f"{os.getuid()}:{os.getgid()}"
        feeds = os.environ.get("TICKLAKE_FEEDS", "")
        bundle = os.environ.get("AWS_CA_BUNDLE", "") if root_uri.startswith("s3://") else ""
        for path in filter(None, [bundle, *feeds.split(os.pathsep)]):
            self.mounts = [*self.mounts, Mount(path, path, type="bind", read_only=True)]
        if feeds:
            self.environment = {"TICKLAKE_FEEDS": feeds, **self.environment}

    def _remove_leftover_containers(self, context: Context) -> None:
        """Remove what a killed worker could not stop: two tries must not run at once."""
        labels = [f"{name}={value}" for name, value in sorted(_labels(context).items())]
        for container in self.cli.containers(all=True, filters={"label": labels}):
            self.log.warning(
                "docker.leftover container=%s state=%s", container["Id"][:12], container["State"]
            )
            self.cli.remove_container(container["Id"], force=True)


class HardenedDockerClient:
    """An engine's client that hardens what it creates, and keeps how the last container ended."""

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self.final_state: dict[str, Any] = {}
        self.final_log: bytes | None = None
        """None where the engine keeps no logs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_host_config(self, **options: Any) -> dict[str, Any]:
        """Return the host's side of a container: *options*, and what every step gets."""
        config: dict[str, Any] = self._client.create_host_config(
            **options,
            memswap_limit=options["mem_limit"],  # the sum of both: no swap at all
            read_only=True,
            tmpfs={"/tmp": "rw,noexec,nosuid,nodev,size=16m"},  # noqa: S108  the limit counts it
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            pids_limit=256,
        )
        return config

    def wait(self, container: str, **kwargs: Any) -> dict[str, Any]:
        """Wait for *container* to end; its state and log are kept: it is about to be removed."""
        result: dict[str, Any] = self._client.wait(container, **kwargs)
        self.final_state = self._client.inspect_container(container)["State"]
        self.final_log = None
        with suppress(APIError):
            self.final_log = self._client.logs(container)
        return result


def _read_lines(output: Iterable[Any], step: Step) -> None:
    for line in output:
        step.read_line(line)


def _labels(context: Context) -> dict[str, str]:
    """Return labels that identify this task instance's containers, whichever try made them."""
    instance: Mapping[str, Any] = {
        "dag_id": context["ti"].dag_id,
        "run_id": context["ti"].run_id,
        "task_id": context["ti"].task_id,
        "map_index": context["ti"].map_index,
    }
    return {f"ticklake.{name}": str(value) for name, value in instance.items()}
