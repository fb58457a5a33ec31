"""A stand-in cluster, and the same worker's environment as for containers."""

import json

import pytest

from tests.containers.conftest import _worker
from tests.containers.engine import engine, image, stand_in
from tests.containers.task import SECRET
from tests.kubernetes.stand_in import Cluster

__all__ = ["_worker", "engine", "image", "stand_in"]


@pytest.fixture
def cluster(engine, monkeypatch):
    """A cluster with a namespace's worth of settings and the Secret that opens the storage."""
    with Cluster(engine, secrets={"storage": {"AWS_SECRET_ACCESS_KEY": SECRET}}) as running:
        connection = {
            "conn_type": "kubernetes",
            "extra": {"kube_config": json.dumps(running.config)},
        }
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("TICKLAKE_KUBERNETES_NAMESPACE", "ticklake")
        monkeypatch.setenv("TICKLAKE_KUBERNETES_SECRET", "storage")
        yield running
