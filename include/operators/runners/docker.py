"""A capped step as a container of a Docker engine: manifests or works in, what they became out.

The container is sealed: memory and swap under one cap, a read-only root with a small
tmpfs, no capabilities, no new privileges, a bounded number of processes. What opens
the object storage and the source goes into its private environment, which Airflow neither
shows nor keeps.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.docker.exceptions import DockerContainerFailedException
from airflow.providers.docker.operators.docker import DockerOperator
from docker.types import Mount

from include.operators.connections import storage_env
from include.operators.runners import steps
from include.operators.runners.containers import (
    MODULE_ARGV,
    ContainerSettings,
    folder_of,
    out_of_memory,
    step_env,
)
from include.operators.runners.steps import Step
from include.operators.settings import OperatorSettings
from include.ticklake.errors import UsageError

if TYPE_CHECKING:
    from airflow.sdk import Context
    from docker import APIClient


class CappedDockerOperator(DockerOperator):
    """Convert staged JSON, or extract it, in a container under a hard memory cap.

    Further arguments are those of ``DockerOperator``; ``environment`` wins over ours.

    :param feed: name of the feed
    :param manifests: URIs of the manifests to convert
    :param works: a batch to extract instead, as ``PlanOperator`` returns it
    """

    template_fields = (*DockerOperator.template_fields, "manifests", "works")

    def __init__(
        self,
        *,
        feed: str,
        manifests: list[str] | None = None,
        works: list[dict[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        where = ContainerSettings.from_env(os.environ)
        ours = {
            "image": where.image,
            "network_mode": where.docker_network,
            "user": where.docker_user,
            "force_pull": where.pull == "Always",
            "auto_remove": "force",
            "mount_tmp_dir": False,
            "xcom_all": True,
        }
        super().__init__(**ours | kwargs)
        self.feed = feed
        self.manifests = manifests
        self.works = works
        self.pull = where.pull

    def execute(self, context: Context) -> Any:
        """Counts of what was converted, or the manifests' URIs; never the data."""
        settings = OperatorSettings.from_env(os.environ)
        step = steps.step(self.feed, manifests=self.manifests, works=self.works, context=context)
        cap_bytes = step.tally.cap_bytes
        self.mem_limit = cap_bytes
        self.environment = step_env(os.environ, cap_bytes=cap_bytes) | dict(self.environment or {})
        self._private_environment |= storage_env(settings, os.environ) | step.secrets()
        self._mount_folders(settings.root_uri)
        self.labels = cast("dict[str, str]", self.labels or {}) | _labels(context)
        self._check_image()
        self._remove_what_a_dead_try_left(context)
        for argv in step.argvs(root_uri=settings.root_uri):
            self.command = list(argv[MODULE_ARGV:])
            self._run(context, step)
        return step.result()

    def on_kill(self) -> None:
        """Kill and remove the container: nothing it has not committed can be seen."""
        if self.container is not None:
            self.cli.remove_container(self.container["Id"], force=True)

    @cached_property
    def cli(self) -> HardenedDockerClient:
        """The engine's client; whatever it makes is sealed under the cap."""
        return HardenedDockerClient(self.hook.api_client)

    def _run(self, context: Context, step: Step) -> None:
        try:
            lines: Any = super().execute(context)
        except DockerContainerFailedException as failed:
            _read(failed.logs or [], step)
            state = self.cli.ended
            if state["OOMKilled"] or step.tally.out_of_memory:
                cap_bytes = step.tally.cap_bytes
                raise out_of_memory("docker", step=step, cap_bytes=cap_bytes) from None
            step.raise_for(state["ExitCode"])
        _read(lines or [], step)

    def _check_image(self) -> None:
        if self.pull == "Never" and not self.cli.images(name=self.image):
            raise UsageError(
                f"the engine has no image {self.image} and TICKLAKE_IMAGE_PULL is Never: "
                "build it there with `make image`, or name another in TICKLAKE_IMAGE"
            )

    def _mount_folders(self, root_uri: str) -> None:
        """The lake, where it is files, and the user's own feeds: at the same paths as here."""
        if folder := folder_of(root_uri):
            self.mounts = [*self.mounts, Mount(folder, folder, type="bind")]
            self.user = self.user or f"{os.getuid()}:{os.getgid()}"
        feeds = os.environ.get("TICKLAKE_FEEDS", "")
        for more in filter(None, feeds.split(os.pathsep)):
            self.mounts = [*self.mounts, Mount(more, more, type="bind", read_only=True)]
        if feeds:
            self.environment = {"TICKLAKE_FEEDS": feeds, **self.environment}

    def _remove_what_a_dead_try_left(self, context: Context) -> None:
        """A worker that was killed could not stop its container; two must not run at once."""
        labels = [f"{name}={value}" for name, value in sorted(_labels(context).items())]
        for left in self.cli.containers(all=True, filters={"label": labels}):
            self.log.warning("docker.left container=%s state=%s", left["Id"][:12], left["State"])
            self.cli.remove_container(left["Id"], force=True)


class HardenedDockerClient:
    """An engine's client that seals what it makes, and remembers how the last one ended."""

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self.ended: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_host_config(self, **asked: Any) -> dict[str, Any]:
        """What was asked, and what every capped container gets."""
        host_config: dict[str, Any] = self._client.create_host_config(
            **asked,
            memswap_limit=asked["mem_limit"],  # the sum of both: no swap at all
            read_only=True,
            tmpfs={"/tmp": "rw,noexec,nosuid,nodev,size=16m"},  # noqa: S108  it counts in the cap
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            pids_limit=256,
        )
        return host_config

    def wait(self, container: str, **kwargs: Any) -> dict[str, Any]:
        """Its end; the whole state is kept, for the container is about to be removed."""
        result: dict[str, Any] = self._client.wait(container, **kwargs)
        self.ended = self._client.inspect_container(container)["State"]
        return result


def _read(lines: Iterable[Any], step: Step) -> None:
    for line in lines:
        step.take(line)


def _labels(context: Context) -> dict[str, str]:
    """What finds this task instance's containers again, whichever try made them."""
    instance: Mapping[str, Any] = {
        "dag_id": context["ti"].dag_id,
        "run_id": context["ti"].run_id,
        "task_id": context["ti"].task_id,
        "map_index": context["ti"].map_index,
    }
    return {f"ticklake.{name}": str(value) for name, value in instance.items()}
