"""A step in a Docker container: hardened, limited, its end explained, and cleaned up."""

import json
import os
import threading
import time

import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.operators.runners.docker import DockerStepOperator
from include.ticklake.errors import (
    DataError,
    OutOfMemoryError,
    RetryableError,
    SourceUnavailableError,
    UsageError,
)
from tests.containers.task import CAP_BYTES, SECRET, TaskInstance, context, uris

pytestmark = [
    pytest.mark.containers,
    # docker-py leaves the sockets of its streams to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def operator(*names: str, image: str, **kwargs) -> DockerStepOperator:
    """A task over manifests of these *names*."""
    return DockerStepOperator(
        task_id="convert",
        feed="binance_klines",
        step="convert",
        manifests=uris(*names),
        image=image,
        **kwargs,
    )


def facts(image: str, **kwargs) -> dict:
    """What a container reports about itself."""
    task = operator("facts", image=image, **kwargs)
    said: list[str] = []
    task.log.info = lambda template, *values: said.append(template % values)
    task.execute(context())
    return json.loads(
        next(line for line in said if line.startswith("facts ")).removeprefix("facts ")
    )


def ours(engine, instance: TaskInstance) -> list:
    """The containers of this task instance that there are."""
    labels = [f"ticklake.run_id={instance.run_id}"]
    return engine.containers.list(all=True, filters={"label": labels})


def test_counts_of_a_batch_are_added_up(stand_in):
    """The task returns counts, and nothing of the data."""
    counts = operator("ok", "ok", image=stand_in).execute(context())
    assert (counts["manifests"], counts["rows"], counts["cap_bytes"]) == (2, 20, CAP_BYTES)


def test_the_container_is_hardened(stand_in):
    """One limit for memory and swap, no writable root, no capabilities, no way to more."""
    found = facts(stand_in)
    assert found["memory"] == str(CAP_BYTES)
    assert found["swap"] in (str(CAP_BYTES), "0")  # cgroup v1 counts both, v2 swap alone
    assert found["processes"] == "256"
    assert int(found["capabilities"], 16) == 0
    assert found["privileges"] == "1"
    assert (found["uid"], found["gid"]) == (10001, 10001)
    assert (found["root"], found["tmp"]) == (False, True)


def test_the_container_gets_the_argv_and_its_limit(stand_in):
    """What the converter needs to know, and nothing of the worker's own environment."""
    found = facts(stand_in)
    assert found["argv"] == ["convert", *uris("facts"), "--root", "s3://bucket/lake"]
    assert found["environment"]["TICKLAKE_CAP"] == str(CAP_BYTES)
    assert found["environment"]["AWS_SECRET_ACCESS_KEY"] == SECRET
    assert not any(name.startswith("AIRFLOW") for name in found["environment"])


def test_secrets_are_in_no_field_that_airflow_shows(stand_in, capfd):
    """Neither rendered fields nor the log hold what opens the storage."""
    task = operator("ok", image=stand_in)
    task.execute(context())
    shown = {name: getattr(task, name) for name in task.template_fields}
    assert SECRET not in repr(shown)
    assert SECRET not in "".join(capfd.readouterr())


def test_out_of_memory_is_explained_and_not_retried(stand_in):
    """The message has limit, peak, sizes in force, largest record and the setting to change."""
    with pytest.raises(AirflowFailException) as ended:
        operator("large-41", "hold-200", image=stand_in).execute(context())
    message = str(ended.value)
    assert "convert binance_klines: out of memory at its limit of 96 MiB (docker" in message
    assert "peak 96 MiB" in message
    assert "blocks of 512 KiB, row groups of 65,536 rows" in message
    assert "largest record so far 41 MiB (at byte 7 of json/x)" in message
    assert "raise TICKLAKE_CAP, or `cap` in the feed's file" in message


@pytest.mark.parametrize(
    ("exit_code", "error"),
    [
        pytest.param(2, UsageError, id="the call is wrong"),
        pytest.param(3, SourceUnavailableError, id="the storage failed"),
        pytest.param(4, DataError, id="the data was refused"),
        pytest.param(137, OutOfMemoryError, id="reported in the log only"),
    ],
)
def test_other_ends_are_the_errors_they_stand_for(stand_in, exit_code, error):
    """With the message of the command line."""
    with pytest.raises(error, match="the stand-in was asked to fail"):
        operator(f"exit-{exit_code}", image=stand_in).execute(context())


def test_a_kill_from_outside_is_not_out_of_memory(engine, stand_in):
    """Another process's SIGKILL has the same exit code, and is retried."""
    instance = TaskInstance()
    ended: list[BaseException] = []
    task = operator("sleep-600", image=stand_in)
    thread = threading.Thread(target=_run, args=(task, instance, ended), daemon=True)
    thread.start()
    _first(engine, instance).kill(signal="SIGKILL")
    thread.join(timeout=30)
    assert [type(error) for error in ended] == [RetryableError]
    assert "signal 9" in str(ended[0])


def test_a_killed_task_takes_its_container_along(engine, stand_in):
    """What Airflow calls when a user or the scheduler ends the task."""
    instance = TaskInstance()
    ended: list[BaseException] = []
    task = operator("sleep-600", image=stand_in)
    thread = threading.Thread(target=_run, args=(task, instance, ended), daemon=True)
    thread.start()
    _first(engine, instance)
    task.on_kill()
    thread.join(timeout=30)
    assert ended
    assert ours(engine, instance) == []


def test_a_killed_task_lets_its_container_close_what_it_holds(
    engine, stand_in, tmp_path, monkeypatch
):
    """It gets SIGTERM before it is removed."""
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}")
    instance = TaskInstance()
    task = operator("facts", "sleep-600", image=stand_in)
    thread = threading.Thread(target=_run, args=(task, instance, []), daemon=True)
    thread.start()
    running = _first(engine, instance)
    next(line for line in running.logs(stream=True) if line.startswith(b"facts"))
    task.on_kill()
    thread.join(timeout=30)
    assert (tmp_path / "closed").exists()


def test_the_container_of_a_killed_worker_is_removed_first(engine, stand_in):
    """A worker that was killed left one running: two must not work on the same manifests."""
    instance = TaskInstance()
    first = operator("sleep-600", image=stand_in)
    thread = threading.Thread(target=_run, args=(first, instance, []), daemon=True)
    thread.start()
    left = _first(engine, instance)
    operator("ok", image=stand_in).execute(context(instance))
    thread.join(timeout=30)
    assert left.id not in [container.id for container in ours(engine, instance)]


def test_a_lake_of_files_is_mounted_where_it_is(stand_in, tmp_path, monkeypatch):
    """And written as the worker's own user."""
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}")
    found = facts(stand_in)
    assert found["lake"]
    assert (found["uid"], found["gid"]) == (os.getuid(), os.getgid())


@pytest.mark.usefixtures("engine")
def test_an_image_that_must_not_be_pulled_must_be_there(monkeypatch):
    """The message says how to build it."""
    monkeypatch.setenv("TICKLAKE_IMAGE_PULL", "Never")
    with pytest.raises(UsageError, match="make image"):
        operator("ok", image="ticklake-nowhere:none").execute(context())


def _run(task: DockerStepOperator, instance: TaskInstance, ended: list[BaseException]) -> None:
    try:
        task.execute(context(instance))
    except Exception as error:
        ended.append(error)


def _first(engine, instance: TaskInstance):
    """The running container of this task instance, as soon as there is one."""
    filters = {"label": [f"ticklake.run_id={instance.run_id}"], "event": ["start"]}
    until = int(time.time()) + 30
    for event in engine.events(decode=True, filters=filters, since=0, until=until):
        return engine.containers.get(event["id"])
    raise AssertionError("no container was started within 30 seconds")
