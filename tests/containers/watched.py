"""The converter's image run as the docker runner runs it, its memory counted from outside.

Each container runs in a cgroup of ours, which outlives it: the peak that the kernel counted there
is compared with the limit. Pages of libraries are counted for the first process that touches them,
and may be dropped at any time; so that chance decides nothing, another container, which is not
counted, keeps them locked.
"""

from __future__ import annotations

import inspect
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
from include.ticklake.model.messages import CompactDone, ConvertDone, decode
from include.ticklake.model.sizes import MIB
from tests.containers import keeper

CAP_BYTES = 128 * MIB
ENDS_WITHIN_S = 300

_TREES = {"1": (Path("/sys/fs/cgroup/memory"), V1), "2": (Path("/sys/fs/cgroup"), V2)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerEnd:
    """How all containers of one run ended."""

    peak_bytes: int
    """The most that the kernel counted, page cache included."""
    out_of_memory: bool
    exit_codes: tuple[int, ...]
    output: tuple[str, ...]
    """Lines of output and of the log."""

    @property
    def results(self) -> list[ConvertDone | CompactDone]:
        """What the command line reported of each manifest."""
        messages = map(decode, self.output)
        return [message for message in messages if isinstance(message, ConvertDone | CompactDone)]


class WatchedContainer:
    """Runs commands of the image under the memory limit."""

    def __init__(self, engine: docker.DockerClient, image: str) -> None:
        self._engine = engine
        self._image = image

    def convert(self, uris: Sequence[str], *, root_uri: str, **options: Any) -> ContainerEnd:
        """Convert the manifests at *uris*, in as many calls as the runner would make."""
        argvs = build_argvs(["convert"], uris, root_uri=root_uri)
        return self.run([argv[MODULE_ARGV:] for argv in argvs], **options)

    def run(
        self,
        commands: Sequence[Sequence[str]],
        *,
        environment: Mapping[str, str],
        binds: Sequence[str] = (),
    ) -> ContainerEnd:
        """Run *commands* one after the other; *binds* are folders, at the same path inside."""
        ends = [self._run_counted(command, environment, binds) for command in commands]
        return ContainerEnd(
            peak_bytes=max(end.peak_bytes for end in ends),
            out_of_memory=any(end.out_of_memory for end in ends),
            exit_codes=tuple(chain.from_iterable(end.exit_codes for end in ends)),
            output=tuple(chain.from_iterable(end.output for end in ends)),
        )

    def _run_counted(
        self, command: Sequence[str], environment: Mapping[str, str], binds: Sequence[str]
    ) -> ContainerEnd:
        # A group for each: page cache of a removed container stays in its parent's count.
        with self._group() as (folder, version):
            state, output = self._run(command, environment, binds, f"/{folder.name}")
            return ContainerEnd(
                peak_bytes=int((folder / _TREES[version][1].peak).read_text()),
                out_of_memory=state["OOMKilled"],
                exit_codes=(state["ExitCode"],),
                output=tuple(output.splitlines()),
            )

    @contextmanager
    def _group(self) -> Iterator[tuple[Path, str]]:
        """Yield a cgroup for a container, and the version of its files."""
        info = self._engine.info()
        tree, _ = _TREES[info["CgroupVersion"]]
        if info["CgroupDriver"] != "cgroupfs":
            pytest.skip(f"the engine leaves cgroups to {info['CgroupDriver']}")
        folder = tree / f"ticklake-watched-{uuid.uuid4().hex[:8]}"
        try:
            folder.mkdir()
        except OSError as error:
            pytest.skip(f"no memory cgroup can be created here: {error}")
        try:
            yield folder, info["CgroupVersion"]
        finally:
            folder.rmdir()

    def _run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        binds: Sequence[str],
        parent: str,
    ) -> tuple[dict[str, Any], str]:
        client = HardenedDockerClient(self._engine.api)
        container = client.create_container(
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
            client.start(container["Id"])
            client.wait(container["Id"], timeout=ENDS_WITHIN_S)
            return client.final_state, client.logs(container["Id"]).decode()
        finally:
            client.remove_container(container["Id"], force=True)


@contextmanager
def keeping(engine: docker.DockerClient, image: str) -> Iterator[None]:
    """Keep the pages of the image's libraries in memory, so that no other container counts them."""
    container = engine.containers.run(
        image,
        ["-c", inspect.getsource(keeper)],
        entrypoint="/opt/ticklake/bin/python",
        user="0",
        cap_add=["IPC_LOCK"],
        network_mode="none",
        detach=True,
    )
    try:
        output = b""
        for chunk in container.logs(stream=True, follow=True):
            output += chunk
            if b"kept" in output.splitlines():
                break
        else:
            pytest.fail(f"the libraries could not be kept in memory:\n{output.decode()}")
        yield
    finally:
        container.remove(force=True)
