"""A container engine, the converter's image, and a stand-in for the converter inside it."""

from __future__ import annotations

import io
import os
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

REPOSITORY = Path(__file__).parents[2]
IMAGE = os.environ.get("TICKLAKE_IMAGE", "ticklake-convert:latest")

# What it is to do stands in the manifests' names, for an operator passes nothing else on.
STAND_IN = """
import json, os, signal, sys, time

def end(*_):
    root = sys.argv[-1].removeprefix("file://")
    if os.path.isdir(root):
        open(f"{root}/closed", "w").close()
    os._exit(143)

signal.signal(signal.SIGTERM, end)

def cgroup(*names):
    for name in names:
        if os.path.exists(f"/sys/fs/cgroup/{name}"):
            return open(f"/sys/fs/cgroup/{name}").read().strip()

def facts():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return {
        "argv": sys.argv[1:], "uid": os.getuid(), "gid": os.getgid(),
        "memory": cgroup("memory.max", "memory/memory.limit_in_bytes"),
        "swap": cgroup("memory.swap.max", "memory/memory.memsw.limit_in_bytes"),
        "processes": cgroup("pids.max", "pids/pids.max"),
        "capabilities": status["CapEff"].strip(), "privileges": status["NoNewPrivs"].strip(),
        "root": os.access("/", os.W_OK) or os.access("/opt/ticklake", os.W_OK),
        "tmp": os.access("/tmp", os.W_OK),
        "lake": os.access(sys.argv[-1].removeprefix("file://"), os.W_OK),
        "environment": dict(os.environ),
    }

for uri in sys.argv[2:sys.argv.index("--root")]:
    does, _, value = uri.rpartition("/")[2].partition("-")
    if does == "unknown":
        print("ticklake: unknown feed 'mine'; the command `feeds` lists them", flush=True)
        raise SystemExit(int(value))
    elif does == "exit":
        print("ticklake: the stand-in was asked to fail", flush=True)
        raise SystemExit(int(value))
    elif does == "hold":
        held = b"1" * (int(value) << 20)
    elif does == "large":
        message = {"type": "LargestRecord", "largest_record_bytes": int(value) << 20}
        message["largest_record_at"] = "byte 7 of json/x"
        print(json.dumps(message), file=sys.stderr, flush=True)
    elif does == "sleep":
        time.sleep(float(value))
    elif does == "facts":
        print("facts", json.dumps(facts()), flush=True)
    done = {"type": "ConvertDone", "manifest": uri, "rows": 10, "quarantined_rows": 0}
    done |= {"json_bytes": 90, "parquet_bytes": 30, "sorted": True, "seconds": 0.1, "peak_bytes": 7}
    print(json.dumps(done), flush=True)
"""


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The Docker engine of this machine."""
    try:
        client = docker.from_env(timeout=30)
        client.ping()
    except docker.errors.DockerException as absent:
        pytest.skip(f"no Docker engine: {absent}")
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(engine) -> str:
    """The converter's image, as ``make image`` built it."""
    try:
        engine.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        pytest.skip(f"no image {IMAGE}: make image")
    return IMAGE


@pytest.fixture(scope="session")
def stand_in(engine, image) -> Iterator[str]:
    """An image like the converter's, whose program does what its manifests' names say."""
    files = {
        "Dockerfile": f"FROM {image}\nCOPY stand_in.py /opt/\n"
        'ENTRYPOINT ["/opt/ticklake/bin/python", "/opt/stand_in.py"]\n',
        "stand_in.py": STAND_IN,
    }
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    context.seek(0)
    # Not the image's own list of tags: one that was built before may have more of them.
    tag = f"ticklake-stand-in:{uuid.uuid4().hex[:12]}"
    engine.images.build(fileobj=context, custom_context=True, tag=tag, rm=True)
    yield tag
    engine.images.remove(tag, force=True)
