"""Containers, and an environment for the operators that run them."""

import json

import pytest

from tests.containers.engine import engine, image, stand_in
from tests.containers.task import CAP_BYTES, ROOT, SECRET

__all__ = ["engine", "image", "stand_in"]


@pytest.fixture(autouse=True)
def _worker(monkeypatch):
    """The settings of a worker: a lake on S3 and an Airflow connection that opens it."""
    connection = {
        "conn_type": "aws",
        "login": "key",
        "password": SECRET,
        "extra": {"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:9"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("TICKLAKE_ROOT", ROOT)
    monkeypatch.setenv("TICKLAKE_CAP", str(CAP_BYTES))
