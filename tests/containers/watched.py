"""The converter's image run as the docker runner runs it, its memory counted from outside.

Each container lies in a cgroup of ours, which outlives it: the peak that the kernel counted there
is what the cap was held against. Pages of libraries are counted for whoever touches them first and
may be dropped at any time; so that they are no lottery, a container that is not counted holds
them locked meanwhile.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import docker
import pytest

from include.operators.runners.containers import MODULE_ARGV
from include.operators.runners.docker import HardenedDockerClient
from include.operators.runners.step import build_argvs
from include.ticklake.memory.cgroups import V1, V2
from include.ticklake.model.sizes import MIB

CAP_BYTES = 128 * MIB
ENDS_WITHIN_S = 300

_KEEPER = """
import ctypes, time
import botocore.session, pyarrow.fs, pyarrow.json
from include.ticklake.convert import convert
from include.ticklake.maintain import compact
botocore.session.get_session().create_client("s3", "us-east-1")
everything = 1 | 2  # now and later
if ctypes.CDLL(None, use_errno=True).mlockall(everything):
    raise OSError(ctypes.get_errno(), "mlockall")
print("kept", flush=True)
time.sleep(3600)
"""
_TREES = {"1": (Path("/sys/fs/cgroup/memory"), V1), "2": (Path("/sys/fs/cgroup"), V2)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEnd:
    """How the containers of one run ended, all of them."""

    peak_bytes: int
    """The most that the kernel counted, page cache included."""
    out_of_memory: bool
    exit_codes: tuple[int, ...]
    said: tuple[str, ...]

    @property
    def reports(self) -> list[dict[str, Any]]:
        """What the converter says of each manifest."""
        told = [json.loads(line) for line in self.said if line.startswith("{")]
        return [report for report in told if "rows" in report]  # others tell the largest record


class WatchedContainer:
    """Runs commands of the image under the cap."""

    def __init__(self, engine: docker.DockerClient, image: str) -> None:
        self._engine = engine
        self._image = image

    def convert(self, uris: Sequence[str], *, root_uri: str, **how: Any) -> ContainerEnd:
        """Convert the manifests at *uris*, in as many calls as the runner would make."""
        calls = build_argvs(["convert"], uris, root_uri=root_uri)
        return self.run([argv[MODULE_ARGV:] for argv in calls], **how)

    def run(
        self,
        commands: Sequence[Sequence[str]],
        *,
        environment: Mapping[str, str],
        binds: Sequence[str] = (),
    ) -> ContainerEnd:
        """Run *commands* one after the other; *binds* are folders, at the same path inside."""
        ends = [self._counted(command, environment, binds) for command in commands]
        return ContainerEnd(
            peak_bytes=max(one.peak_bytes for one in ends),
            out_of_memory=any(one.out_of_memory for one in ends),
            exit_codes=tuple(chain.from_iterable(one.exit_codes for one in ends)),
            said=tuple(chain.from_iterable(one.said for one in ends)),
        )

    def _counted(
        self, command: Sequence[str], environment: Mapping[str, str], binds: Sequence[str]
    ) -> ContainerEnd:
        # A group for each: page cache of a container that is gone stays in its parent's count.
        with self._group() as (folder, version):
            state, said = self._one(command, environment, binds, f"/{folder.name}")
            return ContainerEnd(
                peak_bytes=int((folder / _TREES[version][1].peak).read_text()),
                out_of_memory=state["OOMKilled"],
                exit_codes=(state["ExitCode"],),
                said=tuple(said.splitlines()),
            )

    @contextmanager
    def _group(self) -> Iterator[tuple[Path, str]]:
        """A cgroup for containers, and the version of its files."""
        told = self._engine.info()
        tree, _ = _TREES[told["CgroupVersion"]]
        if told["CgroupDriver"] != "cgroupfs":
            pytest.skip(f"the engine leaves cgroups to {told['CgroupDriver']}")
        folder = tree / f"ticklake-watched-{uuid.uuid4().hex[:8]}"
        try:
            folder.mkdir()
        except OSError as refused:
            pytest.skip(f"no memory cgroup can be made here: {refused}")
        try:
            yield folder, told["CgroupVersion"]
        finally:
            folder.rmdir()

    def _one(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        binds: Sequence[str],
        parent: str,
    ) -> tuple[dict[str, Any], str]:
        client = HardenedDockerClient(self._engine.api)
        made = client.create_container(
            self._image,
            command=list(command),
            environment=dict(environment),
            user=f"{os.getuid()}:{os.getgid()}" if binds else None,
            host_config=client.create_host_config(
                mem_limit=CAP_BYTES,
                network_mode="host",
                cgroup_parent=parent,
                binds=[f"{folder}:{folder}" for folder in binds],
            ),
        )
        try:
            client.start(made["Id"])
            client.wait(made["Id"], timeout=ENDS_WITHIN_S)
            return client.final_state, client.logs(made["Id"]).decode()
        finally:
            client.remove_container(made["Id"], force=True)


@contextmanager
def keeping(engine: docker.DockerClient, image: str) -> Iterator[None]:
    """The pages of the image's libraries stay where they are, counted for nobody else."""
    keeper = engine.containers.run(
        image,
        ["-c", _KEEPER],
        entrypoint="/opt/ticklake/bin/python",
        user="0",
        cap_add=["IPC_LOCK"],
        network_mode="none",
        detach=True,
    )
    try:
        for chunk in keeper.logs(stream=True, follow=True):
            if b"kept" in chunk:
                break
        else:
            pytest.fail("the libraries could not be kept in memory")
        yield
    finally:
        keeper.remove(force=True)
