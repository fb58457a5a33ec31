"""The converter's image as ``make image`` built it: what is in it, and what it answers."""

from __future__ import annotations

import docker
import pytest

pytestmark = [
    pytest.mark.containers,
    # docker-py leaves the sockets of its streams to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

FILES = """
from pathlib import Path
app = Path("/opt/ticklake/app")
print(*(path.relative_to(app) for path in app.rglob("*") if path.is_file()), sep="\\n")
"""


def test_the_core_and_its_feeds_are_all_there_is(engine, image):
    """No replay, no tools, no tests, and nothing of Airflow."""
    output = engine.containers.run(
        image,
        ["-c", FILES],
        entrypoint="/opt/ticklake/bin/python",
        remove=True,
        network_mode="none",
    )
    files = output.decode().split()
    folders = {"/".join(path.split("/")[:2]) for path in files if "__pycache__" not in path}
    assert folders == {"include/__init__.py", "include/ticklake", "include/feeds"}
    words = {word for path in files for word in path.split("/")}
    assert not words & {"replay", "tools", "tests", "operators", "bench", "demo"}


def test_process_1_ends_at_sigterm(engine, image):
    """It has a handler: the engine need not wait for its grace period and kill it."""
    waits = "from include.ticklake.memory import sigterm; import signal; sigterm.exit_cleanly(); "
    waits += "print('ready'); signal.pause()"
    container = engine.containers.run(
        image,
        ["-c", waits],
        entrypoint="/opt/ticklake/bin/python",
        network_mode="none",
        detach=True,
    )
    try:
        next(container.logs(stream=True))
        container.stop(timeout=60)
        assert container.wait()["StatusCode"] == 143
    finally:
        container.remove(force=True)


def test_the_replay_is_refused_with_a_message(engine, image):
    """Its package is not part of the image: exit code 2, and no traceback."""
    with pytest.raises(docker.errors.ContainerError) as ended:
        engine.containers.run(image, ["replay"], remove=True, network_mode="none", stderr=True)
    assert ended.value.exit_status == 2
    message = ended.value.stderr.decode()
    assert message.startswith("ticklake: replay: include.replay is not installed here")
    assert "Traceback" not in message
