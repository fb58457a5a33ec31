"""A stand-in cluster, and the same worker's environment as for containers."""

import json
import os
from dataclasses import replace

import pytest

from include.operators.runners.convert_step import ConvertStep
from tests.containers.conftest import _worker
from tests.containers.engine import engine, image, stand_in
from tests.containers.task import SECRET
from tests.kubernetes.stand_in import Cluster
from tests.kubernetes.tasks import ENDPOINT

__all__ = ["_worker", "engine", "image", "stand_in"]


@pytest.fixture(autouse=True)
def _reachable_storage(_worker, monkeypatch):
    """A store that worker and pods can reach, whatever certificates this machine has."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    connection["extra"]["endpoint_url"] = ENDPOINT
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))


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


@pytest.fixture(params=[True, False], ids=["deferrable", "waiting"])
def deferrable(request) -> bool:
    """Both ways of waiting for a pod."""
    return request.param


@pytest.fixture(autouse=True)
def _manifests(monkeypatch):
    """The stand-in commits nothing, so its manifests are taken for committed."""
    monkeypatch.setattr(ConvertStep, "count_committed", _count_as_committed)


def _count_as_committed(step: ConvertStep, _: object) -> None:
    step.report = replace(step.report, manifests=len(step.manifests))
