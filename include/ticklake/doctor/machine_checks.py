"""This machine: Python and the libraries, the memory limit of a step, the runner."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from importlib import metadata
from pathlib import Path
from typing import get_args

from include.ticklake.convert.budget import budget_for
from include.ticklake.doctor.diagnosis import Diagnosis
from include.ticklake.errors import UsageError
from include.ticklake.memory.capped_process import open_data_limit
from include.ticklake.memory.cgroups import find_parents, open_group
from include.ticklake.model.sizes import format_bytes
from include.ticklake.settings import Runner

LOCK = Path(__file__).parents[3] / "requirements.lock"
PYTHONS = ((3, 11), (3, 14))
"""The first that works, and the first that was not tried."""
LIBRARIES = (
    "ijson", "msgspec", "obstore", "pyarrow", "pydantic", "pyyaml", "requests", "tenacity",
)  # fmt: skip
"""What the core imports."""
_PIN = re.compile(r"^([a-z0-9][\w.-]*)==(\S+)", re.MULTILINE)


def check_versions(lock: Path = LOCK) -> Iterator[Diagnosis]:
    """Yield whether Python and the libraries are those that the tests ran with."""
    version = ".".join(map(str, sys.version_info[:3]))
    if PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        yield Diagnosis.ok("python", version)
    else:
        yield Diagnosis.fail("python", f"{version} is not supported", "use Python 3.11 to 3.13")
    pins = dict(_PIN.findall(lock.read_text("utf-8"))) if lock.is_file() else {}
    missing, others = [], []
    for name in LIBRARIES:
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if installed != pins.get(name, installed):
            others.append(f"{name} {installed} (tested: {pins[name]})")
    if missing:
        text = f"not installed: {', '.join(missing)}"
        yield Diagnosis.fail("libraries", text, "install requirements.txt")
    elif others:
        fix = "run `make install`, or install the versions of requirements.txt"
        yield Diagnosis.warn("libraries", ", ".join(others), fix)
    else:
        tested = "as in requirements.lock" if pins else "installed; requirements.lock is not here"
        yield Diagnosis.ok("libraries", f"pyarrow {metadata.version('pyarrow')}; all {tested}")


def check_memory_limit(cap_bytes: int) -> Iterator[Diagnosis]:
    """Yield what would hold a step to *cap_bytes* here, and whether there is as much."""
    name, cap = "memory limit", format_bytes(cap_bytes)
    try:
        budget_for(cap_bytes)
    except UsageError as error:
        yield Diagnosis.fail(name, str(error), "raise TICKLAKE_CAP")
        return
    if (group := open_group(cap_bytes)) is not None:
        with closing(group):
            yield Diagnosis.ok(name, f"{group.mechanism} holds a step to {cap}")
    elif open_data_limit(cap_bytes) is not None:
        yield Diagnosis.ok(name, f"RLIMIT_DATA holds each process of a step to {cap}")
    else:
        yield Diagnosis.fail(
            name, f"nothing here can hold a step to {cap}: no cgroup, and `ulimit -d` is below it",
            "raise `ulimit -d`, or set TICKLAKE_RUNNER to docker or kubernetes",
        )  # fmt: skip
    room_bytes = min(filter(None, [_limit_around_bytes(), _available_bytes()]), default=None)
    if room_bytes is not None and room_bytes < 2 * cap_bytes:
        yield Diagnosis.warn(
            "memory", f"{format_bytes(room_bytes)} for this process and its step of {cap}",
            "give the machine or container more memory, or run fewer tasks at once",
        )  # fmt: skip
    elif room_bytes is not None:
        yield Diagnosis.ok("memory", f"{format_bytes(room_bytes)} to use")


def check_runner(env: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Yield whether ``TICKLAKE_RUNNER`` is one, and the Docker engine answers if it says docker."""
    runner = env.get("TICKLAKE_RUNNER") or "process"
    if runner not in get_args(Runner):
        fix = f"set TICKLAKE_RUNNER to one of {', '.join(get_args(Runner))}"
        yield Diagnosis.fail("runner", f"there is no runner {runner!r}", fix)
        return
    if runner != "docker":
        yield Diagnosis.ok("runner", runner)
        return
    try:
        import docker
    except ModuleNotFoundError:
        yield Diagnosis.fail("runner", "docker is not installed", "install requirements.txt")
        return
    image = env.get("TICKLAKE_IMAGE") or "ticklake-convert:latest"
    try:
        with closing(docker.from_env(timeout=10)) as engine:
            engine.ping()
            engine.images.get(image)
    except docker.errors.ImageNotFound:
        fix = "build it with `make image`, or set TICKLAKE_IMAGE to where you pushed it"
        yield Diagnosis.fail("runner", f"docker has no image {image}", fix)
    except (docker.errors.DockerException, OSError) as error:
        fix = "start the engine, set DOCKER_HOST, and allow this user to reach its socket"
        yield Diagnosis.fail("runner", f"the Docker engine does not answer: {error}", fix)
    else:
        yield Diagnosis.ok("runner", f"docker, with the image {image}")


def _limit_around_bytes() -> int | None:
    """The limit of the cgroup that this process is in."""
    for parent in find_parents()[:1]:
        with suppress(OSError, ValueError):  # without one, version 2 has "max" there
            limit_bytes = int((parent.folder / parent.version.limit).read_text())
            return limit_bytes if limit_bytes < 2**60 else None
    return None


def _available_bytes() -> int | None:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    return None
