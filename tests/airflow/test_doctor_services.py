"""What ``doctor --airflow`` says of an Airflow that is set up otherwise."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from include.operators.doctor import services
from include.operators.doctor.__main__ import run
from include.ticklake.doctor.diagnosis import Diagnosis

pytestmark = pytest.mark.dag


@pytest.fixture
def listening() -> Iterator[int]:
    """A port of the loopback that answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def one(checks: Iterator[Diagnosis]) -> Diagnosis:
    [only] = checks
    return only


def test_workers_elsewhere_do_not_see_a_local_root(monkeypatch, tmp_path):
    """A bucket they do see, but they need all that this machine has."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("TICKLAKE_ROOT", f"file://{tmp_path}")
    local = one(services.check_executor())
    assert local.state == "fail"
    assert "set TICKLAKE_ROOT to a bucket" in local.fix
    monkeypatch.setenv("TICKLAKE_ROOT", "s3://bucket/lake")
    assert one(services.check_executor()).state == "warn"


@pytest.mark.parametrize(
    ("root", "image", "state"),
    [
        ("file:///data/lake", "registry.example.com/ticklake-convert:1", "fail"),
        ("s3://bucket/lake", "ticklake-convert:latest", "warn"),
        ("s3://bucket/lake", "registry.example.com/ticklake-convert:1", "ok"),
    ],
)
def test_pods_need_a_bucket_and_an_image_that_can_be_pulled(monkeypatch, root, image, state):
    """Before the first pod waits for either."""
    monkeypatch.setenv("TICKLAKE_RUNNER", "kubernetes")
    monkeypatch.setenv("TICKLAKE_ROOT", root)
    monkeypatch.setenv("TICKLAKE_IMAGE", image)
    assert one(services.check_runners()).state == state


def test_the_connection_of_a_bucket_is_looked_for(monkeypatch):
    """Without it the keys are those of the machine, which may be meant."""
    monkeypatch.setenv("TICKLAKE_ROOT", "s3://bucket/lake")
    monkeypatch.setenv("TICKLAKE_AWS_CONN_ID", "lake_keys")
    missing = one(services.check_connections())
    assert missing.state == "warn"
    assert "AIRFLOW_CONN_LAKE_KEYS" in missing.fix
    monkeypatch.setenv("AIRFLOW_CONN_LAKE_KEYS", '{"conn_type": "aws", "password": "s3cret-k3y"}')
    present = one(services.check_connections())
    assert (present.state, present.text) == ("ok", "lake_keys, for the lake")


def test_the_api_server_is_asked_for_where_tasks_look(monkeypatch, listening):
    """A port where nothing answers is named."""
    name = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
    monkeypatch.setenv(name, f"http://127.0.0.1:{listening}/execution/")
    assert one(services.check_api_server()).state == "ok"
    monkeypatch.setenv(name, "http://127.0.0.1:1/execution/")
    closed = one(services.check_api_server())
    assert closed.state == "warn"
    assert "127.0.0.1:1" in closed.text


def test_a_notifier_that_cannot_be_loaded_fails(monkeypatch):
    """Before the first alert is lost."""
    monkeypatch.setenv("TICKLAKE_NOTIFIER", "")
    assert one(services.check_notifier()).state == "ok"
    monkeypatch.setenv("TICKLAKE_NOTIFIER", "no.such.module.Notifier")
    assert one(services.check_notifier()).state == "fail"


def test_a_check_that_stops_does_not_stop_the_others():
    """It is a failure of its own name."""

    def check_pools() -> Iterator[Diagnosis]:
        raise ValueError("no such table\nand a traceback")

    def check_lake() -> Iterator[Diagnosis]:
        yield Diagnosis.ok("root", "here")

    stopped, other = run([check_pools, check_lake])
    assert (stopped.check, stopped.state) == ("pools", "fail")
    assert stopped.text == "could not be checked: ValueError: no such table"
    assert other.state == "ok"
